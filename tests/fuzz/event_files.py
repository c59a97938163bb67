"""Event files that are nearly right: true frames around odd messages, repeated, cut and damaged."""

import random
import struct
from functools import lru_cache
from itertools import pairwise

from spikediag.parser.event_files.scalars import Scalars
from tests.parser.writing import frame

TAGS = (b"loss", b"train/loss", b"mse", b"log_std", b"args/text_summary", b"", b"\xff\xfe", b"x" * 60)
PLUGINS = (b"scalars", b"text", b"hparams", b"histograms", b"", b"\x00")
INTS = (0, 1, 5, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1)
FLOATS = (0.0, -0.0, 1.0, -1e300, 1e-310, float("nan"), float("inf"), 1.7e9)
DTYPES = (0, 1, 2, 3, 7, 9, 14, 19, 23, 99)


def file(rng: random.Random) -> bytes:
    """Up to six kinds of record, each alone or many times, as a file that may be damaged."""
    records: list[bytes] = []
    for _ in range(rng.randrange(1, 7)):
        payload = event(rng)
        for _ in range(rng.choice((1, 1, 1, 2, 9))):
            if rng.random() < 0.3:
                payload = _renumbered(rng, payload)
            records.append(_framed(payload))
    if rng.random() < 0.3:
        rng.shuffle(records)
    return _damaged(rng, b"".join(records))


def stretches(rng: random.Random, content: bytes) -> list[tuple[int, bytes]]:
    """A file as it is read, stretch by stretch, each with its offset."""
    usual = rng.choice((1, 7, 50, 300, 1000))
    places = {rng.randrange(len(content) + 1) for _ in range(len(content) // usual + 1)}
    return [(start, content[start:stop]) for start, stop in pairwise(sorted({0, len(content), *places}))]


def all_of(read: Scalars) -> object:
    """Everything that was read of a file, to be compared."""
    points = {
        tag: (p.steps.tolist(), p.values.tobytes(), p.walls.tobytes()) for tag, p in read.points.items()
    }
    gaps = [(gap.offset, gap.length, str(gap.what)) for gap in read.gaps]
    excerpt = (read.excerpt.tags, read.excerpt.records, tuple(map(str, read.excerpt.notes)))
    return points, gaps, excerpt, read.records, read.refused, read.astray


def event(rng: random.Random) -> bytes:
    """An `Event`, most often of one summary with one to three values."""
    fields = [
        _fixed64(1, rng.choice(FLOATS)),
        _varint(2, rng.choice(INTS)) if rng.random() < 0.9 else b"",
        _bytes(5, b"".join(_bytes(1, _value(rng)) for _ in range(rng.choice((1, 1, 1, 2, 3))))),
    ]
    if rng.random() < 0.1:
        fields.append(rng.choice((_bytes(3, b"brain.Event:2"), _varint(0, 1), b"\x0b", _bytes(5, b"\x00"))))
    if rng.random() < 0.1:
        rng.shuffle(fields)
    return b"".join(fields)


def _value(rng: random.Random) -> bytes:
    tag, kind = _bytes(1, rng.choice(TAGS)), rng.randrange(8)
    plugin = _bytes(9, _bytes(1, _bytes(1, rng.choice(PLUGINS))))
    if kind < 3:
        return tag + _fixed32(2, rng.choice(FLOATS))
    if kind == 3:
        histogram = b"".join(_fixed64(n, rng.choice(FLOATS)) for n in range(1, 6))
        return tag + _bytes(5, histogram + _bytes(6, struct.pack("<d", 1.0)))
    if kind == 4:
        return tag + _bytes(8, _varint(1, 7) + _bytes(8, b"lr: 1\nbatch_size: 4")) + plugin
    content = rng.choice(
        (b"", b"\x00" * 2, struct.pack("<f", 1.5), struct.pack("<d", 1.5), b"\x80\x80", b"1" * 30)
    )
    number = rng.choice(
        (_bytes(4, content), _bytes(5, content), _varint(10, rng.choice(INTS)), _bytes(13, content))
    )
    return tag + _bytes(8, _varint(1, rng.choice(DTYPES)) + number) + (plugin if rng.random() < 0.7 else b"")


@lru_cache(maxsize=16)
def _framed(payload: bytes) -> bytes:
    return frame(payload)


def _renumbered(rng: random.Random, payload: bytes) -> bytes:
    """The payload with a byte changed, so that the columns of a group differ."""
    changed = bytearray(payload)
    changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _damaged(rng: random.Random, content: bytes) -> bytes:
    kind, at = rng.randrange(6), rng.randrange(len(content))
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]
    if kind == 2:
        stop = at + rng.choice((1, 12, 40))
        return content[:at] + content[stop:]
    if kind == 3:
        return content[:at] + bytes(rng.choice((1, 16, 100))) + content[at:]
    return content


def _key(number: int, wire: int) -> bytes:
    return _number(number << 3 | wire)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _varint(number: int, value: int) -> bytes:
    return _key(number, 0) + _number(value)


def _fixed64(number: int, value: float) -> bytes:
    return _key(number, 1) + struct.pack("<d", value)


def _fixed32(number: int, value: float) -> bytes:
    return _key(number, 5) + struct.pack("<f", 3e38 if 3e38 < abs(value) < float("inf") else value)


def _bytes(number: int, content: bytes) -> bytes:
    return _key(number, 2) + _number(len(content)) + content
