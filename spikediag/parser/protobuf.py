"""The protocol-buffer wire format: the fields of a message, and the numbers in it.

References: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
LONGEST_VARINT = 10  # bytes

Field = tuple[int, int, int, int]  # number, wire type, start, stop


class MalformedError(ValueError):
    """The bytes are no protocol buffer of the expected shape."""


def fields(payload: bytes, at: int, stop: int) -> Iterator[Field]:
    """Yield the fields of the message in `payload[at:stop]`.

    Raises:
        MalformedError: the bytes are no message.
    """
    while at < stop:
        key, at = varint(payload, at, stop)
        number, kind = key >> 3, key & 7
        start = at
        if kind == VARINT:
            _, at = varint(payload, at, stop)
        elif kind == BYTES:
            size, start = varint(payload, at, stop)
            at = start + size
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        else:
            raise MalformedError
        if at > stop or not number:
            raise MalformedError
        yield number, kind, start, at


def varint(payload: bytes, at: int, stop: int) -> tuple[int, int]:
    """Return the number that begins at `at` and the position after it.

    Raises:
        MalformedError: no number ends before `stop`.
    """
    value = shift = 0
    while at < stop and shift < 7 * LONGEST_VARINT:
        byte = payload[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise MalformedError
