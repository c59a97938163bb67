"""Where the records of an event file begin, and where it is damaged.

A record is: length (8 bytes), masked CRC of the length (4), payload, masked CRC of the payload (4),
little-endian. Writers repeat the same tags in the same order, so lengths are periodic: once a period is
seen, the file ahead is viewed as a table with one period per row, and whole columns of length fields are
compared at once.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spikediag.parser.event_files import crc32c
from spikediag.parser.log_files import Gap
from spikediag.text import Text, say

HEADER = 12  # bytes: length and its checksum
OVERHEAD = 16  # bytes around a payload
PROBE = 64  # records walked one by one before a period is looked for
LONGEST_PERIOD = 512  # records
MOST_ROWS = 1 << 16  # rows of a leap compared at a time
NEAR, SCAN = 512, 1 << 18  # bytes searched at a time for the next intact record: at first, at most
KNOWN_HEADERS = 1 << 16  # distinct headers remembered
PATIENCE = 2  # bytes of payload checked while searching, per byte of file: bounds the work on hostile files

Block = NDArray[np.int64]  # (2, n): payload starts and lengths


@dataclass(frozen=True)
class Records:
    """Payload positions in file order, and the stretches between that could not be framed."""

    starts: NDArray[np.int64]  # (n,)
    lengths: NDArray[np.int64]  # (n,)
    gaps: tuple[Gap, ...]


def find_records(buffer: bytes) -> Records:
    """Find every record of a file; the checksums of payloads are left to the caller."""
    blocks: list[Block] = [np.empty((2, 0), dtype=np.int64)]
    gaps: list[Gap] = []
    reader = _Reader(buffer)
    position, probe = 0, PROBE
    while position < len(buffer):
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
        elif position < len(buffer):
            found = reader.resume(blocks[-1], position)
            gaps.append(Gap(position, max(found - position, 0), reader.complaint(position, found)))
            position = found
    joined = np.concatenate(blocks, axis=1)
    return Records(joined[0], joined[1], tuple(gaps))


def _end(block: Block) -> int:
    return int(block[0, -1] + block[1, -1]) + OVERHEAD - HEADER


@dataclass
class _Reader:
    """Walks, leaps and resumes over one file, and remembers the headers it has verified."""

    buffer: bytes
    known: dict[bytes, int] = field(default_factory=dict)  # header -> payload length, -1 when damaged
    checked: int = 0  # bytes of payload checked while searching

    def walk(self, position: int, most: int) -> Block:
        """Follow up to `most` records one by one; fewer when the chain breaks."""
        buffer, known, size = self.buffer, self.known, len(self.buffer)
        lengths: list[int] = []
        at = position
        while len(lengths) < most:
            header = buffer[at : at + HEADER]
            length = known.get(header)
            if length is None:
                length = self._verify(header)
            at += length + OVERHEAD
            if length < 0 or at > size:
                break
            lengths.append(length)
        ahead = np.cumsum([0, *(length + OVERHEAD for length in lengths)], dtype=np.int64)[:-1]
        return np.stack([position + HEADER + ahead, np.array(lengths, dtype=np.int64)])

    def _verify(self, header: bytes) -> int:
        length = int.from_bytes(header[:8], "little")
        whole = len(header) == HEADER and int.from_bytes(header[8:], "little") == crc32c.masked(header[:8])
        if not whole or length > len(self.buffer):
            return -1 if not whole else len(self.buffer)  # longer than the file: cut, never followed
        if len(self.known) < KNOWN_HEADERS:
            self.known[header] = length
        return length

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

    def resume(self, before: Block, position: int) -> int:
        """Find the next intact record from `position`, or inside the one before if that is damaged."""
        lowest = position + 1
        if before.size and not self._whole(int(before[0, -1]), int(before[1, -1])):
            lowest = int(before[0, -1]) - HEADER + 1  # bytes are missing: the next record began earlier
        at, size, highest = lowest, NEAR, len(self.buffer) - OVERHEAD
        while at < highest:
            for candidate, length in self._headers(at, min(at + size, highest)):
                if self._whole(candidate + HEADER, length):
                    return candidate
            at, size = at + size, min(8 * size, SCAN)
        return len(self.buffer)

    def _headers(self, low: int, high: int) -> list[tuple[int, int]]:
        """Find every position in `[low, high)` that holds a header with a true checksum, and its length."""
        words = np.ndarray((high - low,), "<u8", self.buffer, low, (1,))
        room = np.uint64(len(self.buffer) - OVERHEAD) - np.arange(low, high, dtype=np.uint64)
        # An empty payload is never written, and its header is what a hole of NULs looks like.
        near = np.flatnonzero((words > 0) & (words <= room))
        lengths = words[near]
        stored = np.ndarray((high - low,), "<u4", self.buffer, low + 8, (1,))[near]
        true = np.flatnonzero(crc32c.of_columns(lengths.view(np.uint8), 8) == crc32c.unmask(stored))
        return list(zip((low + near[true]).tolist(), lengths[true].tolist(), strict=True))

    def _whole(self, start: int, length: int) -> bool:
        self.checked += length
        if self.checked > PATIENCE * len(self.buffer):
            return True  # its checksum is verified again when it is decoded
        return bool(crc32c.intact(self.buffer, np.array([start]), np.array([length]))[0])

    def complaint(self, position: int, found: int) -> Text:
        """Say what is wrong with the bytes at `position`, after which reading went on at `found`."""
        header = self.buffer[position : position + HEADER]
        if len(header) < HEADER or self._verify(header) >= 0:
            return (
                say("the last record is cut off") if found == len(self.buffer) else say("a record is cut off")
            )
        if found < len(self.buffer):
            return say("no record begins here")
        return say("no intact record to the end of the file")


def _period(lengths: list[int]) -> int:
    """Return the smallest number of records after which the lengths repeat; 0 if there is none."""
    for period in range(1, min(len(lengths) // 2, LONGEST_PERIOD) + 1):
        if lengths[-1] == lengths[-1 - period] and lengths[-period:] == lengths[-2 * period : -period]:
            return period
    return 0
