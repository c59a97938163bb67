"""Trainings for the tests of the monitor: what a sample run logged, row by row, and curves made here."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from spikediag import Monitor
from spikediag.live import Alert
from spikediag.parser.finding import source_at
from spikediag.parser.run_files import files_of

Row = tuple[int, dict[str, float]]


def rows_of(folder: Path) -> Iterator[Row]:
    """What a run logged, in the order of its files and their steps."""
    for stream in files_of(source_at(folder)).streams.values():
        for file in stream:
            points = [
                (int(step), tag, float(value))
                for tag, track in file.points.items()
                for step, value in zip(track.steps, track.values, strict=True)
            ]
            for step, group in groupby(
                sorted(points, key=lambda point: point[0]), key=lambda point: point[0]
            ):
                yield step, {tag: value for _, tag, value in group}


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def bc(loss: np.ndarray, seed: int = 1) -> Iterator[Row]:
    """A loss with an error metric beside it that stays where it is."""
    errors = 0.1 + 0.01 * noise(len(loss), seed)
    for step, (value, error) in enumerate(zip(loss, errors, strict=True)):
        yield step, {"bc/actor_loss": float(value), "bc/mse": float(error)}


def watched(rows: Iterator[Row], **given: object) -> tuple[Monitor, list[Alert]]:
    """A monitor that was given these rows, not yet closed, and what it told."""
    told: list[Alert] = []
    monitor = Monitor(on_spike=told.append, **given)
    for step, row in rows:
        monitor.log(row, step=step)
    return monitor, told
