"""Points by tag, collected while the records of a file are read group by group.

The reading itself is explained in `columns`.
"""

from array import array
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spikediag.parser import crc32c
from spikediag.parser.frames import HEADER, OVERHEAD, Gap
from spikediag.parser.lots import Lot, mask_of
from spikediag.parser.wire import MalformedError, layout

FEW = 8  # records; fewer of a kind are read one by one
GUESSES = 8  # layouts tried on one length before its records are sorted by what they hold
SHORTEST, LONGEST = 8, 4096  # bytes; other records are read one by one
MOST_TAGS = 20_000  # of one file
BLOCK = 1 << 13  # records decoded at a time, so that temporary columns stay in the cache

Starts = NDArray[np.int64]


@dataclass(frozen=True)
class Points:
    """The points of one tag, in file order."""

    offsets: Starts  # (n,), where each record lies in the file
    steps: NDArray[np.int64]  # (n,)
    values: NDArray[np.float64]  # (n,)
    walls: NDArray[np.float64]  # (n,) seconds since the epoch


@dataclass
class Sink:
    """Collects the columns of one file while its records are read, group by group."""

    buffer: bytes
    parts: dict[str, list[Points]] = field(default_factory=lambda: defaultdict(list))
    others: dict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    broken: list[Gap] = field(default_factory=list)
    singles: "array[int]" = field(default_factory=lambda: array("q"))  # payload start, length, start, ...
    rows: "dict[str, tuple[array[int], array[float]]]" = field(
        default_factory=dict
    )  # offset, step; value, wall
    known: set[str] = field(default_factory=set)
    refused: int = 0  # points of tags beyond the limit

    def read_group(self, starts: Starts, length: int) -> None:
        """Read records of one length, layout by layout."""
        mask: bytes | None = b""
        guesses = GUESSES if SHORTEST <= length <= LONGEST else 0
        while guesses and mask is not None and len(starts) >= FEW:
            starts, mask = self._read_alike(starts, length)
            guesses -= 1
        if mask and len(starts) >= FEW:
            starts = self._read_sorted(starts, length, mask)
        for start in starts.tolist():
            self.singles.extend((start, length))

    def _read_alike(self, starts: Starts, length: int) -> tuple[Starts, bytes | None]:
        """Read the records that share the layout of the first; return the others, and its mask."""
        model = self.buffer[starts[0] : starts[0] + length]
        try:
            shape = layout(model)
        except MalformedError:
            return starts, None
        if not shape.scalars or shape.others:
            return starts, None
        mask = mask_of(shape, length)
        rest = []
        for at in range(0, len(starts), BLOCK):
            block = starts[at : at + BLOCK]
            same = Lot(self.buffer, block, length).agrees(model, mask)
            rest.append(block[~same])
            if same.any():
                self._decode(Lot(self.buffer, block[same], length), model)
        return np.concatenate(rest), mask

    def _read_sorted(self, starts: Starts, length: int, mask: bytes) -> Starts:
        """Bring records together by what the mask lets through and read each lot; return what is left."""
        keys = Lot(self.buffer, starts, length).hashes(mask)
        _, lot, sizes = np.unique(keys, return_inverse=True, return_counts=True)
        lots = np.split(starts[np.argsort(lot, kind="stable")], np.cumsum(sizes)[:-1])
        rest = [self._read_alike(alike, length)[0] if len(alike) >= FEW else alike for alike in lots]
        return np.concatenate(rest)

    def _decode(self, lot: Lot, model: bytes) -> None:
        shape = layout(model)
        good = lot.intact(model, shape)
        if not good.all():
            for start in lot.starts[~good].tolist():
                self._damaged(start, lot.length, "a record fails its checksum")
            lot = Lot(lot.buffer, lot.starts[good], lot.length)
        if len(lot.starts):
            steps = lot.numbers(shape.step, 0).astype(np.int64)
            walls = lot.numbers(shape.wall, np.nan).astype(np.float64)
            for slot in shape.scalars:
                if self._accepts(slot.tag, len(steps)):
                    values = lot.numbers(slot, np.nan).astype(np.float64)
                    self.parts[slot.tag].append(Points(lot.starts, steps, values, walls))

    def _accepts(self, tag: str, points: int) -> bool:
        """Bound the number of tags, each of which costs memory beyond its points."""
        if tag not in self.known and len(self.known) >= MOST_TAGS:
            self.refused += points
            return False
        self.known.add(tag)
        return True

    def _damaged(self, start: int, length: int, what: str) -> None:
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
                self._damaged(start, length, "a record fails its checksum")
                continue
            try:
                self._read_single(start, length)
            except MalformedError:
                self._damaged(start, length, "a record is no TensorBoard event")
        for tag, (places, numbers) in self.rows.items():
            offsets, steps = np.array(places, dtype=np.int64).reshape(-1, 2).T
            values, walls = np.array(numbers, dtype=np.float64).reshape(-1, 2).T
            self.parts[tag].append(Points(offsets, steps, values, walls))

    def _read_single(self, start: int, length: int) -> None:
        shape = layout(self.buffer[start : start + length])
        lot = Lot(self.buffer, np.array([start], dtype=np.int64), length)
        step, wall = int(lot.numbers(shape.step, 0)[0]), float(lot.numbers(shape.wall, np.nan)[0])
        for slot in shape.scalars:
            if self._accepts(slot.tag, 1):
                places, numbers = self.rows.setdefault(slot.tag, (array("q"), array("d")))
                places.extend((start, step))
                numbers.extend((float(lot.numbers(slot, np.nan)[0]), wall))
        for other in shape.others:
            if self._accepts(other.tag, 0):
                self.others[other.plugin, other.tag].append((start, length))
