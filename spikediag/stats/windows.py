"""Local contrasts: the mean of a window minus the median just before it, and its noise elsewhere."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from spikediag.model import FloatArray
from spikediag.stats.scale import robust_sigma

BASELINE_POINTS = 33  # shortest stretch a level is taken from
LOOKBACK = 250  # baselines; no contrast looks further back, so that a million points cost no more
MAX_REFERENCES = 120  # windows of the past a contrast is compared with
CAUTION = 1.15  # tails heavier than Student's keep the size of a test; benchmarks/coupling measures it
WINDOWS_PER_DEGREE = 3.0  # half-overlapping windows and shared baselines are not independent


@dataclass(frozen=True)
class Contrast:
    """How far a window lies from what came before it, against the same measure in calm windows."""

    before: float  # level before
    during: float  # mean over the window
    change: float  # contrast minus the median contrast of calm windows
    error: float  # standard error of the change
    degrees: float  # degrees of freedom of that error; 0 when there were too few calm windows
    noise: float  # robust standard deviation of single points around the level before


def contrast(values: FloatArray, start: int, stop: int, calm: np.ndarray) -> Contrast | None:
    """Compare the window [start, stop) with the calm past.

    Args:
        values: (n,) finite values.
        start: First position of the window.
        stop: One past its last position.
        calm: (n,) bool, positions that belong to no spike; those at and after `start` are ignored.

    Returns:
        None when fewer than five calm points lie before the window.
    """
    width = stop - start
    length = max(width, BASELINE_POINTS)
    first = max(0, start - LOOKBACK * length)
    past = first + np.flatnonzero(calm[first:start])
    if len(past) < 5 or width < 1:
        return None
    series = values[past]
    level = float(np.median(series[-length:]))
    noise = robust_sigma(series[-8 * length :] - _running_level(series[-8 * length :], length))
    references = _calm_contrasts(series, width, length)
    during = float(np.mean(values[start:stop]))
    if len(references) < 8:
        return Contrast(level, during, during - level, noise, 0.0, noise)
    degrees = max(1.0, len(references) / WINDOWS_PER_DEGREE - 1)
    error = CAUTION * _spread(references) * (1 + 3 / (degrees + 1))
    return Contrast(level, during, during - level - float(np.median(references)), error, degrees, noise)


def _calm_contrasts(series: FloatArray, width: int, length: int) -> FloatArray:
    """Window mean minus the median of the points before it, at half-overlapping windows."""
    baseline = min(length, len(series) // 2)
    step = max(1, width // 2)
    starts = np.arange(len(series) - width, baseline - 1, -step)[:MAX_REFERENCES]
    if not len(starts) or baseline < 1:
        return np.array([])
    means = sliding_window_view(series, width)[starts].mean(axis=1)
    levels = np.median(sliding_window_view(series, baseline)[starts - baseline], axis=1)
    return np.asarray(means - levels)


def _spread(references: FloatArray) -> float:
    """The wider of the MAD and the 5-95 % range: heavy tails must not make a test overconfident."""
    low, high = np.quantile(references, [0.05, 0.95])
    return max(robust_sigma(references), float(high - low) / (2 * 1.645))


def _running_level(series: FloatArray, length: int) -> FloatArray:
    """Block medians, repeated: enough to remove a trend before taking the noise."""
    blocks = max(1, math.ceil(len(series) / length))
    return np.concatenate([np.full(len(part), np.median(part)) for part in np.array_split(series, blocks)])
