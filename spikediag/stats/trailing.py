"""Running medians of the past only."""

import numpy as np
from scipy.ndimage import median_filter

from spikediag.model import FloatArray

FEWEST = 12  # earlier values below which there is no median


def trailing_median(values: FloatArray, memory: int, lag: int) -> FloatArray:
    """Median of the `memory` (odd) values that end `lag` before each of values (n,), itself included at 0.

    While there are fewer, the first 12, 16, 24, 32, ... values stand in, so that the cost stays linear and
    the past never changes. NaN while there are fewer than 12.
    """
    n = len(values)
    out = np.full(n, np.nan)
    sizes = [size for k in range(2, 16) for size in (3 * 2**k, 4 * 2**k) if size < memory]
    for size, following in zip(sizes, [*sizes[1:], memory], strict=True):
        if size <= n:
            out[size + lag - 1 : following + lag - 1] = _median(values[:size])
    if n >= memory + lag:
        running = median_filter(values, memory)[memory // 2 : n - memory // 2]
        out[memory + lag - 1 :] = running[: n - lag - memory + 1]
    return out


def _median(values: FloatArray) -> float:
    """Median of an even number of values; a sort of so few is a tenth of the cost of `np.median`."""
    ordered = np.sort(values)
    return float(ordered[len(ordered) // 2 - 1] + ordered[len(ordered) // 2]) / 2
