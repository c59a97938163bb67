"""A climb: did a new level come at once, or was it reached slowly?"""

from dataclasses import dataclass

import numpy as np

from spikediag.model import FloatArray

CELLS = 48  # block medians that the climb is fitted to
AROUND = 3  # widths of the rise to either side that are looked at
FILLED = 0.8  # share of the view ahead; a climb that reaches further may go on
SLOWER = 0.7  # squared error of a ramp over that of a step, below which the rise is a ramp


@dataclass(frozen=True)
class Climb:
    """A straight line from one level to another. Positions as in `Spike`."""

    start: int
    stop: int
    baseline: float
    level: float


def slow_climb(values: FloatArray, start: int, width: int) -> Climb | None:
    """The whole climb of which a rise is a part, or None: the view widens while the climb fills it."""
    climb = None
    while wider := fitted_climb(values, start, width):
        climb, seen = wider, start + AROUND * width
        if climb.stop < start + FILLED * AROUND * width or seen >= len(values):
            break
        width *= 2
    return climb


def fitted_climb(values: FloatArray, start: int, width: int) -> Climb | None:
    """The ramp around a rise, if it describes finite values (n,) clearly better than a step does.

    Block medians m around the onset are fitted by `baseline + height * r`, where r is 0 before cell a, 1
    after cell b and straight between, for every pair a <= b; a step is a = b.
    """
    low, high = max(0, start - AROUND * width), min(len(values), start + AROUND * width)
    size = max(1, (high - low) // CELLS)
    usable = (high - low) // size * size
    medians = np.median(values[low : low + usable].reshape(-1, size), axis=1)
    begin, end = np.triu_indices(len(medians))
    at = np.arange(len(medians)) - begin[:, None]
    ramps = np.clip((at + 1) / (end - begin + 1)[:, None], 0, 1)
    mean = ramps.mean(axis=1)
    centred = ramps - mean[:, None]
    power = (centred**2).sum(axis=1)
    gain = np.divide(centred @ medians, power, out=np.zeros_like(power), where=power > 0)
    error = ((medians - medians.mean()) ** 2).sum() - gain**2 * power
    error[gain <= 0] = np.inf
    best, steps = int(np.argmin(error)), begin == end
    if not error[best] < SLOWER * error[steps].min():
        return None
    baseline = float(medians.mean() - gain[best] * mean[best])
    first, last = low + size * int(begin[best]), low + size * (int(end[best]) + 1)
    return Climb(first, last, baseline, baseline + float(gain[best]))
