"""Crossings of one height: spikes counted by the same ruler in every training.

A detector asks what is unusual *for its run*: the noisier the run, the less it finds, and a run that spikes
all the time sets its own standard. To say which of two trainings spikes more, both are held to one height.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from spikediag.model import FloatArray
from spikediag.stats.scale import local_noise

WINDOW = 257  # points of the running median that is the baseline; shorter rises do not move it
SIGMAS = 8.0  # of the runs that set the ruler
ALONE = 5.0  # of any other run: noise alone crosses that once in millions of points
RECOVERED = 0.5  # share of the ruler below which a crossing is over
CALM = 3  # consecutive points below that; one alone may be noise
LONGEST = 2 * WINDOW  # points after which a new level is a level, and further rises are news


@dataclass(frozen=True)
class Crossing:
    """A stretch above the ruler. Positions `[start, stop)` of the series."""

    start: int
    stop: int
    peak: int
    height: float  # above the baseline, unit of the values; infinite where the values are not finite


def ruler(reference: Iterable[FloatArray], others: Iterable[FloatArray] = (), least: float = 0.0) -> float:
    """The height to count by: 8 robust sigmas of the noisiest reference series.

    So that the reference has one count whatever it is held against, other series raise the ruler only where
    their own noise would cross it: above 5 of their robust sigmas. At least `least`.
    """
    set_by = (SIGMAS * noise(values) for values in reference)
    raised_by = (ALONE * noise(values) for values in others)
    return max([least, *set_by, *raised_by])


def noise(values: FloatArray) -> float:
    """Robust standard deviation of the finite values around the baseline; 0 without any."""
    finite = values[np.isfinite(values)]
    return local_noise(finite - _baseline(finite)) if len(finite) else 0.0


def crossings(values: FloatArray, height: float) -> tuple[Crossing, ...]:
    """Every rise above the running median by more than `height`, in order.

    The fall with which a training begins is none: a rise that begins with the series is left out.
    Each stretch of values that are not finite is one.
    """
    return tuple(sorted((*_finite(values, height), *_lost(values)), key=lambda e: e.start))


def _finite(values: FloatArray, height: float) -> Iterator[Crossing]:
    positions = np.flatnonzero(np.isfinite(values))
    x = values[positions]
    if not len(x):
        return
    base = _baseline(x)
    above = np.flatnonzero(x - base > height)
    end = 0
    for start in above:
        if start < end:
            continue
        end = _end(x, int(start), float(base[start]) + RECOVERED * height)
        if start == 0:
            continue
        peak = start + int(np.argmax(x[start:end]))
        top = float(x[peak] - base[start])
        yield Crossing(int(positions[start]), int(positions[end - 1]) + 1, int(positions[peak]), top)


def _lost(values: FloatArray) -> Iterator[Crossing]:
    lost = np.concatenate(([0], ~np.isfinite(values), [0])).astype(np.int8)
    edges = np.flatnonzero(np.diff(lost))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        yield Crossing(int(start), int(stop), int(start), np.inf)


def _end(x: FloatArray, start: int, level: float) -> int:
    """One past the last point before CALM points in a row lie below the level."""
    late = x[start + 1 : start + LONGEST] <= level
    calm = np.convolve(late, np.ones(CALM), "valid") == CALM if len(late) >= CALM else np.zeros(0, bool)
    return start + 1 + (int(np.argmax(calm)) if calm.any() else len(late))


def _baseline(values: FloatArray) -> FloatArray:
    """The lower of two running medians: around each point, and of the points up to it.

    The first follows a fall without delay, the second does not follow a new level before it has lasted.
    """
    size = max(1, min(WINDOW, len(values) // 2 * 2 - 1))
    around = median_filter(values, size, mode="reflect")
    before = median_filter(values, size, mode="reflect", origin=size // 2)
    return np.minimum(around, before)
