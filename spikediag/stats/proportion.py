"""Noise in proportion to the level: a scale on which it is even, and a large value is no leap by itself."""

import numpy as np

from spikediag.model import FloatArray

CLEARLY = 1.5  # noise of the upper half over that of the lower, at least
UNSURE = 5.0  # the logarithm of it times the root of the number of points: noise of even scale shows no more
BELOW = 0.1  # the zero of the scale lies so far below all values, as a share of what the median does
FEWEST = 8  # points


def evened(values: FloatArray) -> FloatArray | None:
    """`log(x - c)` of finite values x (n,) whose noise grows with their level; None for all others.

    The noise is taken from second differences, which no slope moves, the level from the mean of the same
    three points, which says nothing about the noise if that is symmetric. The zero c is where a line through
    noise and level of both halves vanishes, but below all values. `a x + b` differs by a constant only.

    References: Box, Cox (1964), doi:10.1111/j.2517-6161.1964.tb00553.x, with an estimated shift.
    """
    if len(values) < FEWEST:
        return None
    before, here, after = values[:-2], values[1:-1], values[2:]
    noise, level = np.abs(before - 2 * here + after), (before + here + after) / 3
    upper = level > np.median(level)
    quiet, loud = float(np.median(noise[~upper])), float(np.median(noise[upper] if upper.any() else 0.0))
    if not loud > max(CLEARLY, np.exp(UNSURE / np.sqrt(len(values)))) * quiet > 0:
        return None
    low, high = float(np.median(level[~upper])), float(np.median(level[upper]))
    lowest = float(values.min())
    zero = min((loud * low - quiet * high) / (loud - quiet), lowest - BELOW * (low - lowest))
    return np.asarray(np.log(values - zero)) if zero < lowest else None
