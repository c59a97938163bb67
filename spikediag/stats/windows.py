"""Local contrasts: the mean of a window minus the median just before it, and its noise elsewhere."""

import math
from dataclasses import dataclass

import numpy as np

from spikediag.model import FloatArray
from spikediag.stats.equivalence import Change
from spikediag.stats.medians import median, medians, quantile
from spikediag.stats.scale import robust_sigma
from spikediag.stats.trend import BLOCKS, trend

BASELINE_POINTS = 33  # shortest stretch a level is taken from
LOOKBACK = 30  # baselines; no contrast looks further back: long ago, level and noise were others
MAX_REFERENCES = 240  # windows of the past a contrast is compared with
FEWEST_REFERENCES = 8
LEVEL_REFERENCES = 24  # calm contrasts over which their own level is taken: a falling error makes them drift
CAUTION = 1.15  # tails heavier than Student's keep the size of a test; benchmarks/coupling measures it
WINDOWS_PER_DEGREE = 3.0  # half-overlapping windows and shared baselines are not independent


@dataclass(frozen=True, eq=False)
class Contrast:
    """How far a window lies from what came before it, against the same measure in calm windows.

    The same window moved by a few points to either side is measured too, from the same level.
    """

    before: float  # level before
    during: float  # mean over the window
    change: float  # contrast minus the median contrast of the calm windows before it
    error: float  # standard error of the change
    degrees: float  # degrees of freedom of that error; 0 when there were too few calm windows
    noise: float  # robust standard deviation of single points around the level before
    shifts: tuple[int, ...]  # by how many points the window was moved, 0 among them
    moved: FloatArray  # (shifts,) the change there; NaN where the values end
    calm: FloatArray  # (references, shifts) the same in calm stretches

    @property
    def known(self) -> Change:
        """The change with its error, for intervals."""
        return Change(self.change, self.error, self.degrees)

    @property
    def worst(self) -> float:
        """The largest change at any shift."""
        return float(np.nanmax(self.moved))


def contrast(
    values: FloatArray, start: int, stop: int, calm: np.ndarray, shifts: tuple[int, ...] = (0,)
) -> Contrast | None:
    """Compare the window [start, stop) with the calm past.

    Args:
        values: (n,) finite values.
        start: First position of the window.
        stop: One past its last position.
        calm: (n,) bool, positions that belong to no spike; those from the earliest window on are ignored.
        shifts: By how many points to move the window as well; 0 must be among them.

    Returns:
        None when fewer than five calm points lie before the window.
    """
    width, gap = stop - start, max(0, -min(shifts))
    length = max(3 * width, BASELINE_POINTS)
    first, last = max(0, start - LOOKBACK * length), max(0, start - gap)
    past = first + np.flatnonzero(calm[first:last])
    if len(past) < 5 or width < 1:
        return None
    series = values[past]
    noise = robust_sigma(series[-8 * length :] - _running_level(series[-8 * length :], length))
    apart = np.array(shifts)
    at = len(series) + start - last + 0.5 * (width - 1) + apart
    flat, foretold = _level(series, width, length, at)
    references, step = _calm_contrasts(flat, width, length, apart)
    moved = _means(values, start, width, apart) - foretold - median(flat[-length:])
    main, error, degrees = shifts.index(0), noise, 0.0
    if len(references) >= FEWEST_REFERENCES:  # what calm times show is no change
        degrees = max(1.0, len(references) / WINDOWS_PER_DEGREE - 1)
        usual = _drift(references[:, main], max(LEVEL_REFERENCES, 8 * length // step))
        references, moved = references - usual[:, None], moved - usual[0]
        error = CAUTION * _spread(references[:, main]) * (1 + 3 / (degrees + 1))
    return Contrast(
        before=median(series[-length:]),
        during=float(values[start:stop].mean()),
        change=float(moved[main]),
        error=error,
        degrees=degrees,
        noise=noise,
        shifts=shifts,
        moved=moved,
        calm=references,
    )


def _level(series: FloatArray, width: int, length: int, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Calm values (n,) without their trend, and that trend at places (m,) counted from the first of them.

    A level that falls ever more slowly makes older contrasts lower, and the scatter of all of them wider.
    """
    held = series[-(max(LOOKBACK * BASELINE_POINTS, LEVEL_REFERENCES * width) + 2 * length) :]
    past = trend(held, max(1, len(held) // BLOCKS))
    if not past.slope:
        return series - past.level, np.full(len(at), past.level)
    middle = len(series) - 0.5 * (past.size + 1)
    oldest = len(series) - len(held)
    return series - past.over(np.maximum(np.arange(len(series)), oldest) - middle), past.over(at - middle)


def _running_means(values: FloatArray, width: int) -> FloatArray:
    """Means of every `width` neighbours among values (n,), (n - width + 1,)."""
    places = np.arange(len(values) - width + 1)[:, None] + np.arange(width)
    return np.asarray(values[places].mean(axis=1))


def _means(values: FloatArray, start: int, width: int, shifts: np.ndarray) -> FloatArray:
    """Of the moved windows, (shifts,); NaN for those that the values do not hold."""
    starts = start + shifts
    first, last = max(0, int(starts.min())), min(len(values) - width, int(starts.max()))
    held = (starts >= first) & (starts <= last)
    means = np.full(len(shifts), math.nan)
    means[held] = _running_means(values[first : last + width], width)[starts[held] - first]
    return means


def _calm_contrasts(
    series: FloatArray, width: int, length: int, shifts: np.ndarray
) -> tuple[FloatArray, int]:
    """Window means minus the median before the earliest window, (references, shifts), latest first.

    The windows overlap by half, or lie half of the earliest shift apart: the second value, in points.
    """
    baseline = min(length, len(series) // 2)
    gap, reach = max(0, -int(shifts.min())), max(0, int(shifts.max()))
    step = max(1, width // 2, gap // 2)
    most = min(MAX_REFERENCES, max(LEVEL_REFERENCES, LOOKBACK * BASELINE_POINTS // step))
    starts = np.arange(len(series) - width - reach, baseline + gap - 1, -step)[:most]
    if not len(starts) or baseline < 1:
        return np.empty((0, len(shifts))), step
    earliest, latest = int(starts[-1]) - gap, int(starts[0]) + reach
    means = _running_means(series[earliest : latest + width], width)[starts[:, None] + shifts - earliest]
    levels = medians(series[(starts - gap - baseline)[:, None] + np.arange(baseline)])
    return np.asarray(means - levels[:, None]), step


def _drift(references: FloatArray, size: int) -> FloatArray:
    """Medians of blocks of at least `size` references, joined by straight lines, at every reference."""
    if len(references) < 2 * size:
        return np.full(len(references), median(references))
    parts = np.array_split(np.arange(len(references)), len(references) // size)
    centres = [float(part.mean()) for part in parts]
    return np.interp(np.arange(len(references)), centres, [median(references[part]) for part in parts])


def _spread(references: FloatArray) -> float:
    """The wider of the MAD and the 5-95 % range: heavy tails must not make a test overconfident."""
    ordered = np.sort(references)
    low, high = quantile(ordered, 0.05), quantile(ordered, 0.95)
    return max(robust_sigma(references), (high - low) / (2 * 1.645))


def _running_level(series: FloatArray, length: int) -> FloatArray:
    """Block medians, repeated: enough to remove a trend before taking the noise."""
    blocks = len(series) // length
    if blocks < 2:
        return np.full(len(series), median(series))
    rest = len(series) - blocks * length
    levels = medians(series[rest:].reshape(blocks, length))
    return np.repeat(levels, [rest + length, *[length] * (blocks - 1)])
