"""Event files for the tests, written record by record with fixed clocks, so that their bytes never change."""

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

START = 1_700_000_000.0  # wall time of the first record
NAME = "events.out.tfevents.1700000000.host.1.0"


def scalar(tag: str, step: int, value: float, wall: float | None = None) -> Event:
    """One plain scalar."""
    record = Event(wall_time=START + step if wall is None else wall, step=step)
    record.summary.value.add(tag=tag, simple_value=value)
    return record


def write(path: Path, records: Iterable[Event | bytes]) -> Path:
    """Write an event file, with its header record first; `path` is the file or its folder."""
    file = path if "tfevents" in path.name else path / NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        writer = RecordWriter(out)
        writer.write(Event(wall_time=START, file_version="brain.Event:2").SerializeToString())
        for record in records:
            writer.write(record if isinstance(record, bytes) else record.SerializeToString())
    return file


def curves(
    columns: Mapping[str, Iterable[float]], steps: Iterable[int] | None = None, wall: float = START
) -> list[Event]:
    """Several tags logged together, step by step; clocks advance one second per step."""
    names, rows = list(columns), list(zip(*columns.values(), strict=True))
    at = list(range(len(rows))) if steps is None else list(steps)
    return [
        scalar(name, step, value, wall + k)
        for k, (step, row) in enumerate(zip(at, rows, strict=True))
        for name, value in zip(names, row, strict=True)
    ]


def tags_run(folder: Path, tags: Iterable[str], points: int = 3) -> Path:
    """A run with these tags and nothing remarkable in them."""
    names = list(tags)
    write(folder, curves({tag: [float(k + row) for row in range(points)] for k, tag in enumerate(names)}))
    return folder


def frame(payload: bytes) -> bytes:
    """One TFRecord, for files that are put together by hand."""
    from spikediag.parser.event_files.crc32c import masked

    size = struct.pack("<Q", len(payload))
    return size + struct.pack("<I", masked(size)) + payload + struct.pack("<I", masked(payload))


def paths(root: Path | str) -> tuple[Path, ...]:
    """Where the runs below a folder are."""
    from spikediag.parser import find_runs

    return tuple(run.path for run in find_runs(root))
