"""Records of one length, read column by column: comparison, checksums and numbers.

A batch whose records lie at equal distances is a strided view of the file; another is gathered.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikediag.parser.event_files import crc32c
from spikediag.parser.event_files.event_layout import Layout, Slot
from spikediag.parser.protobuf import varint

FEW = 8  # payloads; the checksums of fewer are reckoned one by one
HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads differences over all bits
PACKED = ("varint", "half", "bhalf")  # numbers written seven bits at a time
STRUCTS = {"<f4": Struct("<f"), "<f8": Struct("<d")}
MOST_UNSIGNED, MOST_SIGNED = (1 << 64) - 1, (1 << 63) - 1
WORDS = {1: "u1", 2: "<u2", 4: "<u4", 8: "<u8"}


@dataclass(frozen=True)
class Prototypes:
    """One example of each kind of record in a batch, and which kind each record is of."""

    payloads: tuple[bytes, ...]
    kinds: NDArray[np.int64]  # (n,) positions in `payloads`; not looked at when there is only one

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Bring one value per kind to one per record, (n,) or (1,)."""
        return values if len(values) == 1 else values[self.kinds]


@dataclass(frozen=True)
class RecordBatch:
    """Payloads of `length` bytes at `starts`, (n,), ascending."""

    buffer: bytes
    starts: NDArray[np.int64]
    length: int

    @classmethod
    def of(cls, payloads: Sequence[bytes]) -> "RecordBatch":
        """Payloads of one length, apart from any file."""
        length = len(payloads[0])
        return cls(b"".join(payloads), np.arange(len(payloads), dtype=np.int64) * length, length)

    def column(self, at: int, kind: str) -> NDArray[Any]:
        """Read one number of `kind` at byte `at` of every payload, (n,)."""
        if self._stride:
            first = int(self.starts[0]) + at
            return np.ndarray((len(self.starts),), kind, self.buffer, first, (self._stride,)).copy()
        room = len(self.buffer) - np.dtype(kind).itemsize + 1
        return np.ndarray((room,), kind, self.buffer, 0, (1,))[self.starts + at]

    @cached_property
    def _stride(self) -> int:
        """Bytes from one record to the next where that is always the same, else 0."""
        ahead = np.diff(self.starts)
        return int(ahead[0]) if len(ahead) and bool((ahead == ahead[0]).all()) else 0

    def only(self, which: NDArray[np.bool_]) -> "RecordBatch":
        """Take some of the records."""
        return self if which.all() else RecordBatch(self.buffer, self.starts[which], self.length)

    def agrees(self, prototypes: Prototypes, mask: bytes) -> NDArray[np.bool_]:
        """Tell which payloads equal their prototype wherever `mask` has a one, (n,)."""
        same = np.ones(len(self.starts), dtype=bool)
        examples = RecordBatch.of(prototypes.payloads)
        for at, visible in _visible(mask):
            expected = prototypes.spread(examples.column(at, "<u8")) & visible
            same &= (self.column(at, "<u8") & visible) == expected
        return same

    def hashes(self, mask: bytes) -> NDArray[np.uint64]:
        """Hash what the mask lets through, so that equal payloads can be brought together, (n,)."""
        total = np.zeros(len(self.starts), dtype=np.uint64)
        for at, visible in _visible(mask):
            total = (total ^ (total >> np.uint64(29))) * HASH_FACTOR + (self.column(at, "<u8") & visible)
        return total

    def numbers(self, slot: Slot | None, missing: float) -> NDArray[np.int64] | NDArray[np.float64]:
        """Read the number in `slot` of every payload, (n,)."""
        if slot is None:
            return np.full(len(self.starts), missing)
        if slot.kind in PACKED:
            return _unpacked([self.column(slot.at + k, "u1") for k in range(slot.width)], slot.kind)
        if slot.kind == "bfloat16":
            return _brain_floats(self.column(slot.at, "<u2")).astype(np.float64)
        with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
            return self.column(slot.at, slot.kind).astype(np.float64)

    def intact(self, prototypes: Prototypes, shape: Layout) -> NDArray[np.bool_]:
        """Tell which payloads match their checksum, given that they agree with their prototype, (n,)."""
        total = prototypes.spread(_bare_crcs(prototypes.payloads, shape))
        total = np.broadcast_to(total, len(self.starts)).astype(np.uint32)
        for slot in shape.slots:
            for at, word in self._words(slot):
                items = word.view(np.uint8)
                for k in range(word.itemsize):
                    table = crc32c.contributions(self.length - 1 - at - k)
                    total ^= table.take(items[k :: word.itemsize], mode="clip")
        whole: NDArray[np.bool_] = np.equal(total, crc32c.unmask(self.column(self.length, "<u4")))
        return whole

    def _words(self, slot: Slot) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield the bytes of a slot as whole words where it has such a width, else one by one."""
        size = slot.width if slot.width in WORDS else 1
        for at in range(slot.at, slot.at + slot.width, size):
            yield at, self.column(at, WORDS[size])


def _bare_crcs(payloads: Sequence[bytes], shape: Layout) -> NDArray[np.uint32]:
    """The checksums of payloads whose numbers are all zero, (n,): what their other bytes contribute."""
    items = np.frombuffer(bytearray(b"".join(payloads)), dtype=np.uint8).reshape(len(payloads), -1)
    for slot in shape.slots:
        items[:, slot.at : slot.at + slot.width] = 0
    if len(payloads) < FEW:
        return np.array([crc32c.crc_of(item.tobytes()) for item in items], dtype=np.uint32)
    return crc32c.of_columns(items.ravel(), items.shape[1])


def mask_of(shape: Layout, length: int, *, tags: bool = True) -> bytes:
    """Return a mask with ones where payloads of this layout must agree, or may differ in their tags alone."""
    mask = bytearray(b"\xff" * length)
    for start, stop in () if tags else (slot.named for slot in shape.scalars):
        mask[start:stop] = bytes(stop - start)
    for slot in shape.slots:
        # The bits of a packed number may vary, but not those that say where it ends.
        hidden = 0x80 if slot.kind in PACKED else 0
        mask[slot.at : slot.at + slot.width] = bytes([hidden] * slot.width)
    return bytes(mask)


def _visible(mask: bytes) -> Iterator[tuple[int, np.uint64]]:
    """Yield the 8-byte words that cover a payload, the last one overlapping, unless all is hidden."""
    last = len(mask) - 8
    for at in (*range(0, last, 8), last):
        word = int.from_bytes(mask[at : at + 8], "little")
        if word:
            yield at, np.uint64(word)


def number_in(payload: bytes, slot: Slot) -> float:
    """Read one number of one payload; the common kinds without an array, which takes 30 times as long."""
    if slot.kind == "varint":
        value = varint(payload, slot.at, slot.at + slot.width)[0] & MOST_UNSIGNED
        return value - MOST_UNSIGNED - 1 if value > MOST_SIGNED else value
    if slot.kind in STRUCTS:
        return float(STRUCTS[slot.kind].unpack_from(payload, slot.at)[0])
    return float(RecordBatch(payload, np.zeros(1, dtype=np.int64), len(payload)).numbers(slot, np.nan)[0])


def _unpacked(columns: list[NDArray[Any]], kind: str) -> NDArray[np.int64] | NDArray[np.float64]:
    total = np.zeros(len(columns[0]), dtype=np.uint64)
    for k, column in enumerate(columns):
        total |= (column & np.uint8(0x7F)).astype(np.uint64) << np.uint64(7 * k)
    if kind == "half":
        with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
            return total.astype(np.uint16).view(np.float16).astype(np.float64)
    if kind == "bhalf":
        return _brain_floats(total.astype(np.uint16))
    return total.view(np.int64)


def _brain_floats(bits: NDArray[Any]) -> NDArray[np.float64]:
    """Widen bfloat16, the upper half of a float32."""
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32).astype(np.float64)
