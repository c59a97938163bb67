"""Edges: where a rise begins, and where it is over."""

import numpy as np
from scipy.ndimage import median_filter

from spikediag.detectors.scan import Candidate
from spikediag.model import FloatArray

NEAR = 33  # fewest points before the onset that give the baseline
SLOW = 33  # points: a rise on a shorter scale is a step


def onset(values: FloatArray, candidate: Candidate) -> int:
    """The first position of the new level.

    Between the old median (0) and the new one (1), with values clipped to [0, 1], the onset s maximises
    `sum(x[s:] - 1/2)`: the most likely step for symmetric noise, and blind to outliers.
    """
    width, at = candidate.width, candidate.position
    low = max(0, at - (candidate.before if candidate.salient else max(candidate.before // 2, 20)))
    high = min(len(values), at + width)
    before = level_before(values, at, candidate.before)
    after = values[at:high].min() if candidate.burst else np.median(values[at:high])
    if not after > before:
        return at
    share = np.clip((values[low:high] - before) / (after - before), 0, 1) - 0.5
    return low + len(share) - 1 - int(np.argmax(np.cumsum(share[::-1])))


def level_before(values: FloatArray, at: int, before: int) -> float:
    """Median of the points before a position, n > 0: of 33, or of the few nearest where these are lower.

    On a steep decay 33 points lie too high.
    """
    far = float(np.median(values[max(0, at - max(NEAR, before)) : max(1, at)]))
    near = values[max(0, at - before) : at]
    if before >= NEAR or len(near) < 3:
        return far
    level = float(np.median(near))
    return level if far - level > float(np.ptp(near)) else far


def recovery(values: FloatArray, start: int, threshold: float, width: int) -> int:
    """First position after the onset from where the running median stays below the threshold; n if none."""
    smooth = max(3, width // (2 if width >= SLOW else 4)) | 1
    first, size, n = start + 1, 64 * smooth, len(values)
    while first + smooth <= n:
        chunk = values[first : first + size]
        medians = median_filter(chunk, smooth)[smooth // 2 : len(chunk) - smooth // 2]
        below = np.flatnonzero(medians <= threshold)
        if len(below):
            at = first + int(below[0])
            return at + int(np.argmax(values[at : at + smooth] <= threshold))
        first, size = first + len(medians), 2 * size
    return first if first < n and bool((values[first:] <= threshold).all()) else n
