"""Event files of five shapes, each written once into a folder of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

TAGS = ("bc/actor_loss", "bc/total_loss", "bc/mse", "bc/normalized_mse", "bc/learning_rate", "bc/grad_norm")
NAME = "events.out.tfevents.1700000000.host.1.0"
Points = Iterator[tuple[str, int, float]]


def steady(steps: int) -> Points:
    rng = np.random.default_rng(0)
    for step in range(steps):
        for tag, value in zip(TAGS, rng.normal(size=len(TAGS)), strict=True):
            yield tag, step, value


def mixed(steps: int) -> Points:
    """Tags at rates of their own: no period is short."""
    rng = np.random.default_rng(1)
    for step in range(steps):
        for tag, every in zip(TAGS, (1, 1, 3, 10, 7, 100), strict=True):
            if step % every == 0:
                yield tag, step, rng.normal()


def shuffled(steps: int) -> Points:
    """Records of random tags: no order at all."""
    rng = np.random.default_rng(2)
    for step in range(steps):
        for tag in rng.permutation(TAGS)[: rng.integers(1, 6)]:
            yield str(tag), step, rng.normal()


def many_tags(steps: int) -> Points:
    rng = np.random.default_rng(3)
    for step in range(steps):
        for layer in range(500):
            yield f"layers/{layer:03}/grad_norm", step, rng.normal()


def plain(tag: str, step: int, value: float) -> Event:
    record = Event(wall_time=1.7e9 + step * 1e-3, step=step)
    record.summary.value.add(tag=tag, simple_value=value)
    return record


def tensor(tag: str, step: int, value: float) -> Event:
    record = Event(wall_time=1.7e9 + step * 1e-3, step=step)
    number = record.summary.value.add(tag=tag)
    number.tensor.CopyFrom(tensor_util.make_tensor_proto(np.float32(value)))
    number.metadata.plugin_data.plugin_name = "scalars"
    return record


CASES: dict[str, tuple[Callable[[int], Points], int, Callable[[str, int, float], Event]]] = {
    "6 tags x 200,000 steps": (steady, 200_000, plain),
    "6 tags x 30,000 steps, TensorFlow 2 tensors": (steady, 30_000, tensor),
    "6 tags at 6 rates, 70,000 steps": (mixed, 70_000, plain),
    "6 tags in random order, 60,000 steps": (shuffled, 60_000, plain),
    "500 tags x 400 steps": (many_tags, 400, plain),
}


def write(name: str, folder: Path) -> Path:
    """Write one case; returns its file."""
    points, steps, encode = CASES[name]
    folder.mkdir(parents=True)
    path = folder / NAME
    with path.open("wb") as out:
        writer = RecordWriter(out)
        writer.write(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString())
        for point in points(steps):
            writer.write(encode(*point).SerializeToString())
    return path
