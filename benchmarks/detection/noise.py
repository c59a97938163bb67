"""Eleven kinds of noise in which nothing happens, of unit scale except where stated."""

from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

from spikediag.model import FloatArray

Noise = Callable[[np.random.Generator, int], FloatArray]
N = 20_000


def white(rng, n):
    return rng.normal(size=n)


def ar9(rng, n):
    return _ar(0.9, rng.normal(size=n + 1000))


def ar99(rng, n):
    return _ar(0.99, rng.normal(size=n + 1000))


def ar9_student(rng, n):
    return _ar(0.9, _student(rng, n + 1000, 3))


def student(rng, n):
    return _student(rng, n, 3)


def lognormal(rng, n):
    variance = 0.6**2
    return np.exp(0.6 * rng.normal(size=n)) / np.sqrt(np.expm1(variance) * np.exp(variance))


def realistic(rng, n):
    """A power-law decay; the noise is 3 % of the level, correlated (0.7) and heavy-tailed."""
    return level(np.arange(n)) * (1 + 0.03 * _ar(0.7, _student(rng, n + 1000, 4)))


def garch(rng, n):
    """Noise whose variance comes in clusters."""
    shocks, values, variance = _student(rng, n, 5), np.empty(n), 1.0
    for t in range(n):
        values[t] = np.sqrt(variance) * shocks[t]
        variance = 0.05 + 0.1 * values[t] ** 2 + 0.85 * variance
    return values


def local_level(rng, n):
    return rng.normal(size=n) + np.cumsum(0.02 * rng.normal(size=n))


def epochs(rng, n):
    """A saw-tooth of one noise deviation every 500 points."""
    return rng.normal(size=n) - (np.arange(n) % 500) / 500


def steep(rng, n):
    """A steep decay with little noise."""
    return 100 / (1 + np.arange(n)) + 0.01 * rng.normal(size=n)


KINDS: dict[str, Noise] = {
    f.__name__: f
    for f in (white, ar9, ar9_student, ar99, student, lognormal, realistic, garch, local_level, epochs, steep)
}


def level(t):
    return 1.5 + 4 * (1 + t / 50) ** -0.3


def sigma(kind: str, at: int) -> float:
    """Standard deviation of the noise at a position."""
    return {"realistic": 0.03 * level(at), "steep": 0.01}.get(kind, 1.0)


def _ar(phi, shocks):
    return lfilter([np.sqrt(1 - phi**2)], [1, -phi], shocks)[1000:]


def _student(rng, n, freedom):
    return rng.standard_t(freedom, size=n) / np.sqrt(freedom / (freedom - 2))
