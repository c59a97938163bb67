"""Fewer points, same picture: the extremes of each pixel column stay, so no spike is ever hidden."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spikediag.model import FloatArray, IntArray

COLUMNS = 1600  # pixel columns of a figure 9 inches wide at 200 dots per inch, margins taken off

BANDS = 400  # columns of the line through the middle: smooth to the eye
CROWDED = 64  # points in one of them from which on that line is drawn
LOST = np.full(3, np.nan)  # a column without a finite value


class Line(NamedTuple):
    """What is drawn: steps ascending, values with NaN where the line breaks."""

    steps: IntArray  # (k,), k <= 2 * columns + 2
    values: FloatArray  # (k,)


def decimate(steps: IntArray, values: FloatArray, columns: int = COLUMNS) -> Line:
    """Keep the first, last, lowest and highest point of every column of equal step width.

    A column without a finite value breaks the line; a short series is returned as it is.
    """
    finite = np.isfinite(values)
    if len(steps) <= 2 * columns:
        return Line(steps, np.where(finite, values, np.nan))
    bounds = _bounds(steps, columns)
    low, high = (
        (values, values) if finite.all() else (np.where(finite, values, end) for end in (np.inf, -np.inf))
    )
    kept = {0, len(steps) - 1}
    for start, stop in pairwise(bounds.tolist()):
        kept |= {start + int(np.argmin(low[start:stop])), start + int(np.argmax(high[start:stop]))}
    keep = np.array(sorted(kept))
    return Line(steps[keep], np.where(finite[keep], values[keep], np.nan))


class Band(NamedTuple):
    """Columns of a crowded series: where each is, and what its finite values span."""

    steps: IntArray  # (k,)
    middle: FloatArray  # (k,) medians
    low: FloatArray  # (k,)
    high: FloatArray  # (k,)


def band(steps: IntArray, values: FloatArray, columns: int = BANDS) -> Band | None:
    """The columns, where so many points share one that its extremes hide the level; else None."""
    if len(steps) < CROWDED * columns:
        return None
    bounds = _bounds(steps, columns)
    parts = (values[start:stop] for start, stop in pairwise(bounds.tolist()))
    spans = [
        np.quantile(part[np.isfinite(part)], (0.5, 0, 1)) if np.isfinite(part).any() else LOST
        for part in parts
    ]
    middle, low, high = np.array(spans).T
    return Band(steps[(bounds[:-1] + bounds[1:]) // 2], middle, low, high)


def _bounds(steps: IntArray, columns: int) -> IntArray:
    """Positions at which columns of equal step width begin, and the end; columns without a point left out."""
    edges = np.linspace(float(steps[0]), float(steps[-1]), columns + 1)[1:-1]
    return np.unique(np.concatenate(([0], np.searchsorted(steps, edges), [len(steps)])))
