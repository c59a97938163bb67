"""Where the records of an event file begin, and where it is damaged.

A record is: length (8 bytes), masked CRC of the length (4), payload, masked CRC of the payload (4),
little-endian. Writers repeat the same tags in the same order, so lengths are periodic: once a period is
seen, the file ahead is viewed as a table with one period per row, and whole columns of length fields are
compared at once.

A file is read stretch by stretch. What a stretch cannot decide, because it ends inside a record or in the
middle of damage, is left for the next one, so that where stretches end makes no difference.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spikediag.parser.event_files import crc32c
from spikediag.parser.log_files import Gap
from spikediag.text import say

HEADER = 12  # bytes: length and its checksum
OVERHEAD = 16  # bytes around a payload
FOOTER = OVERHEAD - HEADER
PROBE = 64  # records walked one by one before a period is looked for
LONGEST_PERIOD = 512  # records
MOST_ROWS = 1 << 16  # rows of a leap compared at a time
LONGEST = 1 << 26  # bytes of a payload; a longer one, as of a picture, is passed over
NEAR, SCAN = 512, 1 << 18  # bytes searched at a time for the next intact record: at first, at most
KNOWN_HEADERS = 1 << 16  # distinct headers remembered
PATIENCE = 2  # bytes of payload checked while searching, per byte of file: bounds the work on hostile files

Block = NDArray[np.int64]  # (2, n): payload starts and lengths


@dataclass(frozen=True)
class Records:
    """Records of one stretch in file order, and the bytes between that could not be framed.

    Attributes:
        starts: where each payload begins in the stretch, (n,).
        lengths: bytes of each, (n,).
        gaps: where nothing could be framed, by its place in the file.
        settled: where the next stretch must begin, in the file.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    gaps: tuple[Gap, ...]
    settled: int


@dataclass
class RecordFinder:
    """Finds every record of one file; the checksums of payloads are left to the caller."""

    size: int  # bytes of the file
    known: dict[bytes, int] = field(default_factory=dict)  # true headers -> payload length
    checked: int = 0  # bytes of payload checked while searching
    lost: "_Lost | None" = None  # the damage in which the last stretch ended

    def find(self, buffer: bytes, begin: int, stop: int) -> Records:
        """Find the records of a stretch.

        Args:
            buffer: the stretch.
            begin: where it begins in the file: where the last one was settled, or behind a hole.
            stop: where the bytes end that follow without a hole.
        """
        reader, blocks = _Reader(buffer, begin, stop, self), [np.empty((2, 0), dtype=np.int64)]
        gaps: list[Gap] = []
        position, probe = 0, PROBE
        while position < len(buffer) or self.lost is not None:
            if self.lost is not None:
                position, found = reader.resume(self.lost, position)
                if not found and reader.beyond:
                    break
                gaps.append(self.lost.until(begin + position, self.size))
                self.lost = None
                continue
            walked = reader.walk(position, probe)
            if walked.size:
                blocks.append(walked)
                position = _end(walked)
            if walked.shape[1] == probe:
                leap = reader.leap(walked)
                probe = PROBE if leap.shape[1] >= probe else min(4 * probe, MOST_ROWS)
                if leap.size:
                    blocks.append(leap)
                    position = _end(leap)
            elif passed := reader.too_long(position):
                what = say("a record longer than {size} MB was passed over", size=LONGEST >> 20)
                gaps.append(Gap(begin + position, passed, what))
                position += passed
            elif position == len(buffer) or reader.goes_on(position):
                break
            else:
                self.lost = reader.lost(blocks[-1], position)
                position = self.lost.lowest - begin
        joined = np.concatenate(blocks, axis=1)
        if reader.beyond and self.lost is None and joined.size and _end(joined) == position:
            # If the next record is damaged, it may have begun inside this one.
            position, joined = int(joined[0, -1]) - HEADER, joined[:, :-1]
        return Records(joined[0], joined[1], tuple(gaps), begin + position)


@dataclass(frozen=True)
class _Lost:
    """Damage whose end is not found yet, by its place in the file."""

    begin: int
    lowest: int  # where the next record may begin
    is_cut: bool  # a record began and did not end

    def until(self, end: int, size: int) -> Gap:
        """The damage, which ends where reading goes on, in a file of that size."""
        if self.is_cut:
            what = say("the last record is cut off") if end == size else say("a record is cut off")
        elif end < size:
            what = say("no record begins here")
        else:
            what = say("no intact record to the end of the file")
        return Gap(self.begin, max(end - self.begin, 0), what)


def _end(block: Block) -> int:
    return int(block[0, -1] + block[1, -1]) + FOOTER


@dataclass(frozen=True)
class _Window:
    """Bytes that were searched for headers with a true checksum: their positions, and the lengths stated."""

    low: int
    high: int
    headers: tuple[tuple[int, int], ...]


@dataclass
class _Reader:
    """Walks, leaps and resumes over one stretch of a file."""

    buffer: bytes
    begin: int
    stop: int
    file: RecordFinder
    window: _Window = _Window(0, 0, ())

    @property
    def beyond(self) -> int:
        """Bytes that follow the stretch without a hole."""
        return self.stop - self.begin - len(self.buffer)

    def walk(self, position: int, most: int) -> Block:
        """Follow up to `most` records one by one; fewer when the chain breaks."""
        buffer, known, size = self.buffer, self.file.known, len(self.buffer)
        lengths: list[int] = []
        at = position
        while len(lengths) < most:
            header = buffer[at : at + HEADER]
            length = known.get(header)
            if length is None:
                length = self._followed(header)
            at += length + OVERHEAD
            if length < 0 or at > size:
                break
            lengths.append(length)
        ahead = np.cumsum([0, *(length + OVERHEAD for length in lengths)], dtype=np.int64)[:-1]
        return np.stack([position + HEADER + ahead, np.array(lengths, dtype=np.int64)])

    def _followed(self, header: bytes) -> int:
        """The length that a header states; -1 where none or where it is too large."""
        length = _stated(header)
        if not 0 <= length <= LONGEST:
            return -1
        if len(self.file.known) < KNOWN_HEADERS:
            self.file.known[header] = length
        return length

    def _room(self, position: int) -> int:
        """Bytes that a payload could have, whose header stands here."""
        return self.stop - self.begin - position - OVERHEAD

    def goes_on(self, position: int) -> bool:
        """Whether what begins here may end in the next stretch."""
        header = self.buffer[position : position + HEADER]
        if len(header) < HEADER:
            return self.beyond > 0
        return self.beyond > 0 and 0 <= _stated(header) <= self._room(position)

    def too_long(self, position: int) -> int:
        """Bytes of a record that is there and longer than is read; 0 where none begins here."""
        length = _stated(self.buffer[position : position + HEADER])
        return length + OVERHEAD if LONGEST < length <= self._room(position) else 0

    def lost(self, before: Block, position: int) -> _Lost:
        """The damage that begins at `position`, or inside the record before if that is damaged."""
        lowest = position + 1
        if before.size and not self._whole(int(before[0, -1]), int(before[1, -1])):
            lowest = int(before[0, -1]) - HEADER + 1  # bytes are missing: the next record began earlier
        header = self.buffer[position : position + HEADER]
        is_cut = len(header) < HEADER or _stated(header) >= 0
        return _Lost(self.begin + position, self.begin + lowest, is_cut)

    def leap(self, walked: Block) -> Block:
        """Take all whole periods ahead that repeat the headers just walked."""
        period = _period(walked[1].tolist())
        position = _end(walked)
        cycle = walked[:, -period:] if period else walked[:, :0]
        stride = int((cycle[1] + OVERHEAD).sum())
        rows = (len(self.buffer) - position) // stride if period else 0
        if not rows:
            return walked[:, :0]
        heads = cycle[0] - HEADER - int(cycle[0, 0] - HEADER)
        taken, block = 0, PROBE
        while taken < rows:
            count = min(block, rows - taken)
            same = self._repeats(position + taken * stride, heads, cycle[0] - HEADER, stride, count)
            if same < count:
                rows = taken + same
            taken += same
            block = min(4 * block, MOST_ROWS)
        starts = (position + np.arange(taken)[:, None] * stride + heads[None, :] + HEADER).ravel()
        return np.stack([starts, np.tile(cycle[1], taken)])

    def _repeats(self, position: int, heads: Block, models: Block, stride: int, count: int) -> int:
        """Count the leading rows whose every header equals the one at `models`."""
        same = np.ones(count, dtype=bool)
        for head, model in zip(heads.tolist(), models.tolist(), strict=True):
            for at, kind in ((0, "<u8"), (8, "<u4")):
                column = np.ndarray((count,), kind, self.buffer, position + head + at, (stride,))
                same &= column == np.frombuffer(self.buffer, kind, 1, model + at)
        return count if same.all() else int(same.argmin())

    def resume(self, lost: _Lost, at: int) -> tuple[int, bool]:
        """Find the next intact record from `at` on.

        Returns:
            Where it begins, or else where to go on; and whether it was found.
        """
        at = max(at, lost.lowest - self.begin)
        highest = len(self.buffer) - (HEADER - 1 if self.beyond else OVERHEAD)
        for candidate, length in self._candidates(at, highest):
            if candidate + length + OVERHEAD > len(self.buffer):
                return candidate, False
            if self._whole(candidate + HEADER, length):
                return candidate, True
        return max(at, highest) if self.beyond else len(self.buffer), False

    def _candidates(self, at: int, highest: int) -> Iterator[tuple[int, int]]:
        """Yield every position in `[at, highest)` that holds a header with a true checksum, and its length.

        What was searched last is remembered: in a file full of damage the next search begins inside it.
        """
        if not self.window.low <= at < self.window.high:
            self.window = _Window(at, at, ())
        while True:
            yield from self.window.headers[bisect_left(self.window.headers, (at, 0)) :]
            low, size = self.window.high, self.window.high - self.window.low
            if low >= highest:
                return
            high = min(low + min(max(8 * size, NEAR), SCAN), highest)
            self.window = _Window(low, high, tuple(self._headers(low, high)))

    def _headers(self, low: int, high: int) -> list[tuple[int, int]]:
        """Find every position in `[low, high)` that holds a header with a true checksum, and its length."""
        words = np.ndarray((high - low,), "<u8", self.buffer, low, (1,))
        room = np.minimum(self._room(low) - np.arange(high - low), LONGEST)
        # An empty payload is never written, and its header is what a hole of NULs looks like.
        near = np.flatnonzero((words > 0) & (words <= np.maximum(room, 0).astype(np.uint64)))
        lengths = words[near]
        stored = np.ndarray((high - low,), "<u4", self.buffer, low + 8, (1,))[near]
        true = np.flatnonzero(crc32c.of_columns(lengths.view(np.uint8), 8) == crc32c.unmask(stored))
        return list(zip((low + near[true]).tolist(), lengths[true].tolist(), strict=True))

    def _whole(self, start: int, length: int) -> bool:
        self.file.checked += length
        if self.file.checked > PATIENCE * self.file.size:
            return True  # its checksum is verified again when it is decoded
        return bool(crc32c.intact(self.buffer, np.array([start]), np.array([length]))[0])


def _stated(header: bytes) -> int:
    """The length of the payload that a header states; -1 where its checksum is not true."""
    if len(header) < HEADER or int.from_bytes(header[8:], "little") != crc32c.masked(header[:8]):
        return -1
    return int.from_bytes(header[:8], "little")


def _period(lengths: list[int]) -> int:
    """Return the smallest number of records after which the lengths repeat; 0 if there is none."""
    for period in range(1, min(len(lengths) // 2, LONGEST_PERIOD) + 1):
        if lengths[-1] == lengths[-1 - period] and lengths[-period:] == lengths[-2 * period : -period]:
            return period
    return 0
