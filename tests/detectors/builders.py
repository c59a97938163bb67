"""Curves with a known answer. Every builder takes a generator, so that a seed names a curve."""

from collections.abc import Callable
from itertools import accumulate

import numpy as np

from spikediag.model import FloatArray, IntArray, Role, Series

Noise = Callable[[np.random.Generator, int], FloatArray]


def series_of(values: FloatArray, tag: str = "bc/actor_loss", steps: IntArray | None = None) -> Series:
    """A loss logged every ten steps."""
    steps = np.arange(len(values)) * 10 if steps is None else steps
    return Series(tag, Role.LOSS, steps, values, np.arange(len(values)))


def planted(
    values: FloatArray, height: float, *, at: int, length: int | None = None, ramp: int = 0
) -> FloatArray:
    """A rise of so many points (None: to the end), reached at once or over `ramp` points."""
    values = values.copy()
    stop = len(values) if length is None else at + length
    values[at:stop] += height * np.minimum(1, np.arange(1, stop - at + 1) / max(1, ramp))
    return values


def white(rng: np.random.Generator, n: int) -> FloatArray:
    return rng.normal(size=n)


def ar(rng: np.random.Generator, n: int) -> FloatArray:
    """Correlated noise of unit variance, lag-one correlation 0.9."""
    fresh = np.sqrt(1 - 0.81) * rng.normal(size=n + 200)
    return np.array(list(accumulate(fresh.tolist(), lambda last, new: 0.9 * last + new)))[200:]


def student(rng: np.random.Generator, n: int) -> FloatArray:
    """Heavy-tailed noise of unit variance."""
    return rng.standard_t(3, size=n) / np.sqrt(3)


def skewed(rng: np.random.Generator, n: int) -> FloatArray:
    return np.exp(0.6 * rng.normal(size=n))


def wandering(rng: np.random.Generator, n: int) -> FloatArray:
    """White noise on a random walk."""
    return rng.normal(size=n) + np.cumsum(0.02 * rng.normal(size=n))


NOISES: dict[str, Noise] = {
    "white": white,
    "ar": ar,
    "student": student,
    "skewed": skewed,
    "wandering": wandering,
}
