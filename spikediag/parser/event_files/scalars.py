"""All scalars of one event file as columns, every checksum verified.

Records of one length are compared with the first of them through a mask that hides the clock, the step, the
values and the checksum. Those that agree share its layout, and each of their numbers is one column of the
file. Their checksum is a constant XOR one table look-up per byte that varies. What agrees with too few
others is read record by record.

The slow and obvious twin of this module is `tests/parser/event_files/naive.py`.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikediag.parser.event_files import crc32c
from spikediag.parser.event_files.event_layout import Layout, layout_of
from spikediag.parser.event_files.record_batch import Prototypes, RecordBatch, mask_of, number_in
from spikediag.parser.event_files.records import HEADER, OVERHEAD, RecordFinder, Records
from spikediag.parser.event_files.summaries import Excerpt
from spikediag.parser.log_files import LATEST, MOST_TAGS, Gap
from spikediag.parser.protobuf import MalformedError
from spikediag.parser.track import FARTHEST, Track
from spikediag.text import Text, say

FEW = 8  # records; fewer of a kind are read one by one
GUESSES = 3  # records of one length that others are compared with, and then layouts of that length
SHORTEST, LONGEST = 8, 4096  # bytes; other records are read one by one
BLOCK = 1 << 13  # records decoded at a time, so that temporary columns stay in the cache

Starts = NDArray[np.int64]


@dataclass(frozen=True)
class Points:
    """Points of one tag."""

    offsets: Starts  # (n,), where each record lies
    steps: NDArray[np.int64]  # (n,)
    values: NDArray[np.float64]  # (n,)
    walls: NDArray[np.float64]  # (n,) seconds since the epoch


@dataclass(frozen=True)
class Scalars:
    """Everything one event file holds: its points in file order, and its other summaries."""

    points: dict[str, Track]  # by tag
    excerpt: Excerpt
    gaps: tuple[Gap, ...]
    records: int  # intact ones
    refused: int  # points of tags beyond `MOST_TAGS`
    astray: int  # points at a step beyond +-`FARTHEST`


def read_scalars(buffer: bytes) -> Scalars:
    """Read every scalar of an event file that is in memory."""
    return read_stretches([(0, buffer)], len(buffer))


def read_stretches(stretches: Iterable[tuple[int, bytes]], size: int) -> Scalars:
    """Read every scalar of an event file; damaged records are left out and reported.

    Args:
        stretches: the bytes of the file in order, each with its offset; what lies between two is a hole.
        size: bytes of the file.
    """
    reader, finder = _FileReader(), RecordFinder(size)
    begin, left = 0, b""  # what the stretches so far did not settle
    for offset, content in stretches:
        if begin + len(left) < offset:
            reader.read(left, begin, finder.find(left, begin, begin + len(left)))
            begin, left = begin + len(left), b""
            reader.gaps.append(Gap(begin, offset - begin, say("a hole in the file")))
            begin = offset
        left += content[max(begin - offset, 0) :]
        records = finder.find(left, begin, size)
        reader.read(left, begin, records)
        begin, left = records.settled, left[records.settled - begin :]
    if left or finder.lost:
        reader.read(left, begin, finder.find(left, begin, begin + len(left)))
    return reader.scalars()


@dataclass
class _FileReader:
    """Brings together what the stretches of one file hold."""

    parts: dict[str, list[Track]] = field(default_factory=lambda: defaultdict(list))
    excerpt: Excerpt = field(default_factory=Excerpt)
    gaps: list[Gap] = field(default_factory=list)
    broken: list[Gap] = field(default_factory=list)  # records
    known: set[str] = field(default_factory=set)  # tags
    records: int = 0
    refused: int = 0
    astray: int = 0

    def read(self, buffer: bytes, begin: int, records: Records) -> None:
        """Read the records of a stretch that begins at `begin`."""
        collector = ScalarCollector(buffer, self.known)
        narrow = records.lengths.max(initial=0) < 1 << 16
        lengths = records.lengths.astype(np.uint16) if narrow else records.lengths  # sorts in linear time
        order = np.argsort(lengths, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
            if len(group):
                collector.read_group(records.starts[group], int(records.lengths[group[0]]))
        collector.read_singles()
        for tag, parts in collector.parts.items():
            self._add(tag, parts)
        for (plugin, tag), places in collector.others.items():
            self.excerpt.add(plugin, tag, sorted(places), buffer, begin)
        self.excerpt.trim()
        broken = sorted(_clipped(collector.broken, records.starts), key=lambda gap: gap.offset)
        if self.broken and len(records.starts):
            self.broken[-1] = _ended(self.broken[-1], begin + int(records.starts[0]) - HEADER)
        self.broken += (Gap(begin + gap.offset, gap.length, gap.what) for gap in broken)
        self.gaps += records.gaps
        self.records += len(records.starts) - len(collector.broken)
        self.refused += collector.refused

    def _add(self, tag: str, parts: list[Points]) -> None:
        """Keep the points of a tag in file order, but for those at a step that no counter reaches."""
        one = (
            parts[0]
            if len(parts) == 1
            else Points(*map(np.concatenate, zip(*map(_columns, parts), strict=True)))
        )
        near = (one.steps >= -FARTHEST) & (one.steps <= FARTHEST)
        if not near.all():
            self.astray += len(near) - int(np.count_nonzero(near))
            one = Points(*(column[near] for column in _columns(one)))
        if (one.offsets[1:] < one.offsets[:-1]).any():
            order = np.argsort(one.offsets, kind="stable")
            one = Points(*(column[order] for column in _columns(one)))
        if len(one.steps):
            one.walls[~(np.abs(one.walls) < LATEST)] = np.nan  # no clock time
            self.parts[tag].append(Track(one.steps, one.values, one.walls))

    def scalars(self) -> Scalars:
        """What was read; the parts are used up, one tag at a time, so that no more than one is held twice."""
        points = {tag: _joined(self.parts.pop(tag)) for tag in list(self.parts)}
        return Scalars(
            points, self.excerpt, _merged([*self.gaps, *self.broken]), self.records, self.refused, self.astray
        )


def _columns(points: Points) -> tuple[NDArray[Any], ...]:
    return points.offsets, points.steps, points.values, points.walls


def _joined(parts: list[Track]) -> Track:
    if len(parts) == 1:
        return parts[0]
    return Track(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("steps", "values", "walls"))
    )


def _clipped(broken: list[Gap], starts: Starts) -> Iterator[Gap]:
    """End each broken record where an intact one begins: bytes may be missing from it."""
    for gap in broken:
        following = np.searchsorted(starts, gap.offset + HEADER, side="right")
        room = int(starts[following]) - HEADER - gap.offset if following < len(starts) else gap.length
        yield Gap(gap.offset, min(gap.length, room), gap.what)


def _ended(gap: Gap, end: int) -> Gap:
    """End a broken record where the next stretch found that an intact one begins."""
    return Gap(gap.offset, end - gap.offset, gap.what) if 0 <= end - gap.offset < gap.length else gap


def _merged(gaps: list[Gap]) -> tuple[Gap, ...]:
    """Join damaged stretches that touch or overlap, in file order."""
    joined: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: (gap.offset, gap.length)):
        if joined and gap.offset <= joined[-1].offset + joined[-1].length:
            stop = max(gap.offset + gap.length, joined[-1].offset + joined[-1].length)
            joined[-1] = Gap(joined[-1].offset, stop - joined[-1].offset, joined[-1].what)
        elif gap.length:
            joined.append(gap)
    return tuple(joined)


@dataclass
class ScalarCollector:
    """Collects the columns of one stretch while its records are read, group by group."""

    buffer: bytes
    known: set[str]  # the tags of the file so far
    parts: dict[str, list[Points]] = field(default_factory=lambda: defaultdict(list))
    others: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    broken: list[Gap] = field(default_factory=list)
    singles: "array[int]" = field(default_factory=lambda: array("q"))  # payload start, length, start, ...
    # By tag: offset, step, offset, ... and value, wall, value, ...
    rows: "dict[str, tuple[array[int], array[float]]]" = field(default_factory=dict)
    refused: int = 0  # points of tags beyond the limit

    def read_group(self, starts: Starts, length: int) -> None:
        """Read records of one length: the commonest kinds one by one, then all others together."""
        for read in [self._read_alike] * GUESSES + [self._read_kinds] * GUESSES:
            if len(starts) >= FEW and SHORTEST <= length <= LONGEST:
                starts = read(starts, length)
        for start in starts.tolist():
            self.singles.extend((start, length))

    def _read_alike(self, starts: Starts, length: int) -> Starts:
        """Read the records that share the layout of the first; return the others."""
        prototype = self.buffer[starts[0] : starts[0] + length]
        shape = _plain_shape(prototype)
        if shape is None:
            return starts
        mask, prototypes = mask_of(shape, length), Prototypes((prototype,), np.zeros(1, dtype=np.int64))
        rest = []
        for at in range(0, len(starts), BLOCK):
            batch = RecordBatch(self.buffer, starts[at : at + BLOCK], length)
            same = batch.agrees(prototypes, mask)
            rest.append(batch.starts[~same])
            if same.any():
                self._decode(batch.only(same), prototypes, [shape.tags], shape)
        return np.concatenate(rest)

    def _read_kinds(self, starts: Starts, length: int) -> Starts:
        """Read records that differ in more than their numbers, say in their tags; return what is left.

        All of them have their numbers in the same places, so that they are decoded together.
        """
        prototype = self.buffer[starts[0] : starts[0] + length]
        reference = _plain_shape(prototype)
        if reference is None:
            return np.roll(starts, -1)  # try the next one
        batch, mask = RecordBatch(self.buffer, starts, length), mask_of(reference, length)
        _, first, kinds = np.unique(batch.hashes(mask), return_index=True, return_inverse=True)
        if len(first) > MOST_TAGS:  # examples of all would take more memory than the file
            return np.concatenate([self._read_kinds(half, length) for half in np.array_split(starts, 2)])
        payloads = tuple(self.buffer[start : start + length] for start in starts[first].tolist())
        tags = _tags_of(payloads, prototype, reference)
        alike = np.array([found is not None for found in tags])
        fits = alike[kinds] & batch.agrees(Prototypes(payloads, kinds), mask)
        if fits.any():
            self._decode(batch.only(fits), Prototypes(payloads, kinds[fits]), tags, reference)
        return starts[~fits]

    def _decode(
        self, batch: RecordBatch, prototypes: Prototypes, tags: list[tuple[str, ...] | None], shape: Layout
    ) -> None:
        """Keep the numbers of records that agree with their prototypes; `tags` are those of each."""
        good = batch.intact(prototypes, shape)
        if not good.all():
            for start in batch.starts[~good].tolist():
                self._damaged(start, batch.length, say("a record fails its checksum"))
            batch = batch.only(good)
            prototypes = Prototypes(
                prototypes.payloads,
                prototypes.kinds[good] if len(prototypes.payloads) > 1 else prototypes.kinds,
            )
        if not len(batch.starts):
            return
        numbers = [batch.numbers(slot, np.nan).astype(np.float64) for slot in shape.scalars]
        steps = batch.numbers(shape.step, 0).astype(np.int64)
        walls = batch.numbers(shape.wall, np.nan).astype(np.float64)
        for kind, at in _by_kind(prototypes):
            for tag, values in zip(tags[kind] or (), numbers, strict=True):
                if self._accepts(tag, len(steps[at])):
                    self.parts[tag].append(Points(batch.starts[at], steps[at], values[at], walls[at]))

    def _accepts(self, tag: str, points: int) -> bool:
        """Bound the number of tags, each of which costs memory beyond its points."""
        if tag not in self.known and len(self.known) >= MOST_TAGS:
            self.refused += points
            return False
        self.known.add(tag)
        return True

    def _damaged(self, start: int, length: int, what: Text) -> None:
        self.broken.append(Gap(start - HEADER, length + OVERHEAD, what))

    def read_singles(self) -> None:
        """Read what shares its layout with too few others, one record at a time."""
        if not self.singles:
            return
        starts, lengths = np.array(self.singles, dtype=np.int64).reshape(-1, 2).T
        for start, length, whole in zip(
            starts.tolist(),
            lengths.tolist(),
            crc32c.intact(self.buffer, starts, lengths).tolist(),
            strict=True,
        ):
            if not whole:
                self._damaged(start, length, say("a record fails its checksum"))
                continue
            try:
                self._read_single(start, length)
            except MalformedError:
                self._damaged(start, length, say("a record is no TensorBoard event"))
        for tag, (places, numbers) in self.rows.items():
            offsets, steps = np.array(places, dtype=np.int64).reshape(-1, 2).T
            values, walls = np.array(numbers, dtype=np.float64).reshape(-1, 2).T
            self.parts[tag].append(Points(offsets, steps, values, walls))

    def _read_single(self, start: int, length: int) -> None:
        payload = self.buffer[start : start + length]
        shape = layout_of(payload)
        step = int(number_in(payload, shape.step)) if shape.step else 0
        wall = number_in(payload, shape.wall) if shape.wall else np.nan
        for slot in shape.scalars:
            if self._accepts(slot.tag, 1):
                places, numbers = self.rows.setdefault(slot.tag, (array("q"), array("d")))
                places.extend((start, step))
                numbers.extend((number_in(payload, slot), wall))
        for other in shape.others:
            if self._accepts(other.tag, 0):
                self.others[other.plugin, other.tag].append((start, length))


def _plain_shape(payload: bytes) -> Layout | None:
    """Return the layout of a record that holds scalars and nothing else."""
    try:
        shape = layout_of(payload)
    except MalformedError:
        return None
    return shape if shape.scalars and not shape.others else None


def _tags_of(
    payloads: tuple[bytes, ...], prototype: bytes, reference: Layout
) -> list[tuple[str, ...] | None]:
    """The tags of each payload; None where its numbers do not lie where those of the prototype do."""
    mask = mask_of(reference, len(prototype), tags=False)
    one = Prototypes((prototype,), np.zeros(1, dtype=np.int64))
    found: list[tuple[str, ...] | None] = []
    for payload, alike in zip(payloads, RecordBatch.of(payloads).agrees(one, mask).tolist(), strict=True):
        shape = None if alike else _plain_shape(payload)
        if alike:
            found.append(reference.tags_in(payload))
        else:
            found.append(shape.tags if shape and shape.places == reference.places else None)
    return found


def _by_kind(prototypes: Prototypes) -> Iterator[tuple[int, NDArray[np.int64] | slice]]:
    """Yield each kind and which records are of it, in file order."""
    if len(prototypes.payloads) == 1:
        yield 0, slice(None)
        return
    order = np.argsort(prototypes.kinds, kind="stable")
    present, begin = np.unique(prototypes.kinds[order], return_index=True)
    yield from zip(present.tolist(), np.split(order, begin[1:]), strict=True)
