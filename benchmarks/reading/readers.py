"""The readers that are compared. Each returns the seconds it took and how many points it found."""

import re
import struct
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import tensorboard_data_server
from tbparse import SummaryReader
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event

from spikediag.parser import read_run

LOADED = re.compile(r"Finished load cycle \(([\d.]+)(m?s)\)")
Timing = tuple[float, int | None]


def timed(read: Callable[[Path], int]) -> Callable[[Path], Timing]:
    def run(path: Path) -> Timing:
        start = time.perf_counter()
        points = read(path)
        return time.perf_counter() - start, points

    return run


@timed
def spikediag(path: Path) -> int:
    return sum(len(series) for series in read_run(path).series.values())


@timed
def tbparse(path: Path) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = SummaryReader(str(path), event_types={"scalars", "tensors"})
        return len(reader.scalars) + len(reader.tensors)


@timed
def event_accumulator(path: Path) -> int:
    reader = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0})
    reader.Reload()
    tags = reader.Tags()
    return sum(len(reader.Scalars(t)) for t in tags["scalars"]) + sum(
        len(reader.Tensors(t)) for t in tags["tensors"]
    )


@timed
def protobuf_loop(path: Path) -> int:
    """The plainest loop in Python that keeps step, value and clock; no checksum is verified."""
    buffer, at, points = path.read_bytes(), 0, []
    while at < len(buffer):
        size = struct.unpack_from("<Q", buffer, at)[0]
        record = Event.FromString(buffer[at + 12 : at + 12 + size])
        points.extend((v.tag, record.step, v.simple_value, record.wall_time) for v in record.summary.value)
        at += size + 16
    return len(points)


def rust(*options: str) -> Callable[[Path], Timing]:
    """TensorBoard's own data server: one load cycle, as it reports it, every point kept."""

    def run(path: Path) -> Timing:
        command = [
            tensorboard_data_server.server_binary(),
            "--logdir",
            str(path.parent),
            "--reload",
            "1000",
            "-v",
        ]
        command += ["--port", "0", "--samples-per-plugin", "scalars=all", *options]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
            for line in server.stderr or ():
                found = LOADED.search(line)
                if found:
                    server.kill()
                    return float(found[1]) * (1e-3 if found[2] == "ms" else 1.0), None
        raise RuntimeError("the data server did not finish a load cycle")

    return run


READERS: dict[str, Callable[[Path], Timing]] = {
    "tbparse": tbparse,
    "EventAccumulator": event_accumulator,
    "protobuf loop, no checksums": protobuf_loop,
    "Rust server, `--checksum`": rust("--checksum"),
    "Rust server, no checksums": rust("--no-checksum"),
}
