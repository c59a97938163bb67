"""Where a series ends before and after, with an interval for the difference."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from spikediag.comparison.values import Change, Cost, Curve
from spikediag.model import FloatArray, Measure, say

END = 0.1  # share of the window that is its end
BLOCKS = 10  # consecutive stretches of the end: neighbouring points depend on each other, stretches hardly
MARGIN = 0.1  # a companion that ends at most this share of its former level worse cost nothing worth a name
CONFIDENCE = 0.95


def change(before: Sequence[Curve], after: Sequence[Curve]) -> Change:
    """The final levels (median of the last tenth) and a 95 % interval of their difference.

    Several trainings a side: Student's interval with the variance between trainings, pooled over the sides.
    One training a side: the noise within each run, from the medians of ten stretches of its end; another seed
    may differ by more, and the basis says so.
    """
    ends = [[_end(curve) for curve in side] for side in (before, after)]
    levels = [[float(np.median(end)) if len(end) else math.nan for end in side] for side in ends]
    old, new = (float(np.mean(side)) for side in levels)
    degrees = len(before) + len(after) - 2
    if degrees:
        squares = sum((x - m) ** 2 for m, side in zip((old, new), levels, strict=True) for x in side)
        error = math.sqrt(squares / degrees * (1 / len(before) + 1 / len(after)))
        basis = say("between {n} trainings, variance pooled over both sides", n=len(before) + len(after))
    else:
        error = math.hypot(_noise(ends[0][0]), _noise(ends[1][0]))
        degrees = BLOCKS - 1
        basis = say("noise within one training a side; another seed may differ by more")
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees)) * error
    return Change(before[0].tag, old, new, new - old - half, new - old + half, basis)


def cost(companion: Change | None, measure: Measure) -> Cost:
    """Whether the error metric ends worse: by more than a tenth, by surely less, or not told apart."""
    if companion is None:
        return Cost.NOT_LOGGED
    sign = -1 if measure is Measure.ACCURACY else 1
    worse = sign * (companion.after - companion.before)
    low, high = sorted((sign * companion.low, sign * companion.high))
    margin = MARGIN * abs(companion.before)
    if high <= margin:
        return Cost.NONE
    if low > 0 and worse > margin:
        return Cost.PAID
    return Cost.UNCLEAR


def _end(curve: Curve) -> FloatArray:
    if not len(curve.x):
        return np.empty(0)
    late = curve.values[curve.x >= curve.x[-1] - END * (curve.x[-1] - curve.x[0])]
    finite: FloatArray = late[np.isfinite(late)]
    return finite


def _noise(end: FloatArray) -> float:
    """Standard error of the level of one run's end; NaN with too few points to tell."""
    if len(end) < 2 * BLOCKS:
        return math.nan
    medians = [np.median(block) for block in np.array_split(end, BLOCKS)]
    return float(np.std(medians, ddof=1) / math.sqrt(BLOCKS))
