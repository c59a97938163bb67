"""Run files of W&B for the tests: a small writer, and the slow and obvious reader."""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

BLOCK = 1 << 15
START = b":W&B" + struct.pack("<HB", 0xBEE1, 0)


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def message(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def item(key: str | tuple[str, ...], value: object) -> bytes:
    """A quantity or a setting: a tuple is a nested key; bytes are JSON as they are."""
    name = message(1, key.encode()) if isinstance(key, str) else b"".join(message(2, k.encode()) for k in key)
    return name + message(16, value if isinstance(value, bytes) else json.dumps(value).encode())


def history(step: int, row: Mapping[str | tuple[str, ...], object], *, clock: float = 1.7e9) -> bytes:
    """What one call of `wandb.log` writes."""
    whole = {**row, ("_timestamp",): clock + step, ("_step",): step}
    return message(
        2, b"".join(message(1, item(k, v)) for k, v in whole.items()) + message(2, message(1, step))
    )


def run(
    config: Mapping[str, object],
    name: str = "",
    *,
    resumes: bool = False,
    branch: tuple[str, float] | None = None,
) -> bytes:
    """What a run begins with; one that goes on says so, or from which run, and after which step."""
    settings = b"".join(message(1, item(key, value)) for key, value in config.items())
    parts = message(1, b"abc") + message(4, settings) + (message(8, name.encode()) if name else b"")
    if branch:
        step = bytes([2 << 3 | 1]) + struct.pack("<d", branch[1])
        parts += message(23, message(1, branch[0].encode()) + step + message(3, b"_step"))
    return message(17, parts + (message(24, 1) if resumes else b""))


def counts_itself() -> bytes:
    """The telemetry of a training that says each step."""
    return message(10, message(3, message(61, 1)))


def metric(name: str, counted_by: str) -> bytes:
    return message(12, message(2 if "*" in name else 1, name.encode()) + message(4, counted_by.encode()))


def system(**row: float) -> bytes:
    return message(7, b"".join(message(3, item(key, value)) for key, value in row.items()))


def encoded(records: Iterable[bytes]) -> bytes:
    """The file of these records, each of which is numbered."""
    out = bytearray(START)
    for number, record in enumerate(records, 1):
        rest, begun = message(1, number) + record, False
        while rest or not begun:
            room = BLOCK - len(out) % BLOCK
            if room < 7:
                out += bytes(room)
                continue
            part, rest = rest[: room - 7], rest[room - 7 :]
            kind = (3 if rest else 4) if begun else (2 if rest else 1)
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            begun = True
    return bytes(out)


def write(folder: Path, records: Iterable[bytes], name: str = "run-abc.wandb") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(encoded(records))
    return folder


def naive(content: bytes) -> dict[str, list[tuple[int, float]]]:
    """Read a file that is whole: every field of every record, and the JSON of every quantity."""
    found: dict[str, list[tuple[int, float]]] = {}
    for record in _records(content):
        for number, payload in _fields(record):
            if number != 2:
                continue
            row, step = {}, 0
            for kind, part in _fields(payload):
                if kind == 1:
                    of_item = list(_fields(part))
                    key = ".".join(text.decode() for k, text in of_item if k in (1, 2))
                    row[key] = json.loads(next(text for k, text in of_item if k == 16))
                elif kind == 2:
                    step = dict(_fields(part)).get(1, 0)
            for key, value in row.items():
                if not key.startswith("_") and isinstance(value, int | float):
                    found.setdefault(key, []).append((row.get("_step", step), float(value)))
    return found


def _records(content: bytes) -> Iterator[bytes]:
    at, whole = 7, b""
    while at < len(content):
        room = BLOCK - at % BLOCK
        if room < 7:
            at += room
            continue
        checksum, length, kind = struct.unpack_from("<IHB", content, at)
        data = content[at + 7 : at + 7 + length]
        assert zlib.crc32(bytes([kind]) + data) == checksum
        at += 7 + length
        whole = data if kind in (1, 2) else whole + data
        if kind in (1, 4):
            yield whole


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _fields(content: bytes) -> Iterator[tuple[int, object]]:
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        if key & 7 == 0:
            value, at = _varint(content, at)
            yield key >> 3, value
        else:
            length, at = _varint(content, at)
            yield key >> 3, content[at : at + length]
            at += length
