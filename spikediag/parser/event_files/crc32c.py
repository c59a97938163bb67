"""CRC-32C of many records at once, by the linearity of the checksum over GF(2).

TFRecord stores Castagnoli's CRC (RFC 3720, appendix B.4) rotated and offset ("masked"). The CRC of a message
is the XOR of one contribution per byte, which depends on the byte and on its distance to the end alone, and
of one contribution of the length. So a column of bytes at the same distance costs one table look-up.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

CASTAGNOLI = 0x82F63B78  # the polynomial, bit-reversed
MASK_DELTA = 0xA282EAD8  # TFRecord's offset
PIECE = 256  # bytes; long records are checked in pieces of this size
FEW = 2048  # bytes; so little is checked faster in plain Python
BLOCK = 8192  # pieces at a time: 2 MB, inside the second-level cache


def masked(message: bytes) -> int:
    """Return the checksum as TFRecord stores it, of one short message."""
    crc = crc_of(message)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF


def crc_of(message: bytes) -> int:
    """Return the checksum as RFC 3720 defines it, of one short message."""
    state = 0xFFFFFFFF
    table = _byte_table()
    for byte in message:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def unmask(stored: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Undo `mask` for an array of stored checksums, shape (n,)."""
    turned = stored - np.uint32(MASK_DELTA)
    return (turned >> np.uint32(17)) | (turned << np.uint32(15))


def contributions(distance: int) -> NDArray[np.uint32]:
    """Table (256,) of what a byte contributes when `distance` bytes follow it."""
    tables = _contributions()
    while len(tables) <= distance:
        before = tables[-1]
        tables.append(tables[0][before & 0xFF] ^ (before >> np.uint32(8)))
    return tables[distance]


@cache
def _contributions() -> list[NDArray[np.uint32]]:
    return [np.array(_byte_table(), dtype=np.uint32)]


@cache
def of_zeros(length: int) -> int:
    """Return the plain CRC of `length` NUL bytes: what the length itself contributes."""
    state = 0xFFFFFFFF
    table = _byte_table()
    for _ in range(length % PIECE):
        state = table[state & 0xFF] ^ (state >> 8)
    for _ in range(length // PIECE):
        state = _append_zeros(state)
    return state ^ 0xFFFFFFFF


def is_whole(buffer: bytes, start: int, length: int) -> bool:
    """Tell whether one short record matches the checksum that follows it."""
    end = start + length
    return masked(buffer[start:end]) == int.from_bytes(buffer[end : end + 4], "little")


def of_columns(items: NDArray[np.uint8], width: int) -> NDArray[np.uint32]:
    """Return the plain CRC of n items of `width` bytes that lie one after another, (n * width,)."""
    total = np.full(len(items) // width, of_zeros(width), dtype=np.uint32)
    for column in range(width):
        total ^= contributions(width - 1 - column).take(items[column::width], mode="clip")
    return total


def intact(buffer: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which records match the checksum that follows them, whatever their lengths.

    Args:
        buffer: the whole file.
        starts: where each payload begins, (n,); its checksum must lie inside the buffer.
        lengths: bytes of each payload, (n,).
    """
    if int(lengths.sum()) <= FEW:
        spans = zip(starts.tolist(), lengths.tolist(), strict=True)
        return np.array([is_whole(buffer, start, length) for start, length in spans], dtype=bool)
    data = np.frombuffer(buffer, dtype=np.uint8)
    counts = (lengths + PIECE - 1) // PIECE
    owner = np.repeat(np.arange(len(starts)), counts)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    # Pieces end where the record ends; the first one begins early and its foreign bytes are cleared,
    # because leading zeros contribute nothing.
    ends = (starts + lengths)[owner] - (counts[owner] - 1 - rank) * PIECE
    parts = np.empty(len(owner), dtype=np.uint32)
    for at in range(0, len(owner), BLOCK):
        block = slice(at, at + BLOCK)
        parts[block] = _pieces(data, ends[block], starts[owner[block]])
    stored = np.array(
        [int.from_bytes(buffer[end : end + 4], "little") for end in (starts + lengths).tolist()],
        dtype=np.uint32,
    )
    full = _fold(parts, counts) ^ np.array([of_zeros(n) for n in lengths.tolist()], dtype=np.uint32)
    whole: NDArray[np.bool_] = np.equal(full, unmask(stored))
    return whole


def _pieces(
    data: NDArray[np.uint8], ends: NDArray[np.int64], floors: NDArray[np.int64]
) -> NDArray[np.uint32]:
    total = np.zeros(len(ends), dtype=np.uint32)
    for distance in range(PIECE):
        at = ends - 1 - distance
        byte = np.where(at >= floors, data[np.maximum(at, 0)], np.uint8(0))
        total ^= contributions(distance).take(byte, mode="clip")
    return total


def _fold(parts: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Join the pieces of each record: shift the sum so far over one piece, add the next."""
    folded = np.zeros(len(counts), dtype=np.uint32)
    values = iter(parts.tolist())
    for record, count in enumerate(counts.tolist()):
        state = 0
        for _ in range(count):
            state = _append_zeros(state) ^ next(values)
        folded[record] = state
    return folded


def _append_zeros(state: int) -> int:
    """Advance a state over one piece of zeros: four look-ups, one per byte of the state."""
    far = _far_tables()
    return far[0][state & 0xFF] ^ far[1][state >> 8 & 0xFF] ^ far[2][state >> 16 & 0xFF] ^ far[3][state >> 24]


@cache
def _far_tables() -> tuple[list[int], ...]:
    # A state followed by zeros behaves as four message bytes at the front of the piece.
    tables = tuple(contributions(PIECE - 1 - k).tolist() for k in range(4))
    assert all(len(table) == 256 for table in tables)
    return tables


@cache
def _byte_table() -> list[int]:
    table = []
    for byte in range(256):
        state = byte
        for _ in range(8):
            state = state >> 1 ^ (CASTAGNOLI if state & 1 else 0)
        table.append(state)
    return table
