"""Medians and quantiles: of a few values, and running ones, without the cost of the general functions.

What is done thousands of times on short arrays costs its calls, not its arithmetic: `np.median` takes 20
microseconds to do what a sort does in two. Running medians of 3, 5 and 9 values are made of comparisons of
whole arrays, five times faster than a filter that keeps a heap; longer ones are that filter.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.ndimage import median_filter

from spikediag.model import FloatArray, IntArray

FEW = 400  # values that are sorted faster than parted
CHUNK = 4096  # values that are compared at a time, so that they stay in the cache


def median(values: FloatArray) -> float:
    """Median of finite values (n,), n >= 1: the same number as `np.median` gives."""
    n = len(values)
    half, ordered = n // 2, values.copy()
    if n > FEW:
        ordered.partition(half)
        lower = half if n % 2 else int(ordered[:half].argmax())
    else:
        ordered.sort()
        lower = half - 1 + n % 2
    upper = ordered.item(half)
    return (upper if n % 2 else (ordered.item(lower) + upper) / 2) + 0.0  # no -0


def medians(rows: FloatArray) -> FloatArray:
    """Median of each row of finite values (..., n), n >= 1, (...); for short rows."""
    ordered, half = rows.copy(), rows.shape[-1] // 2
    ordered.sort(axis=-1)
    upper = ordered[..., half]
    return np.asarray(upper if rows.shape[-1] % 2 else (ordered[..., half - 1] + upper) / 2)


def quantile(ordered: FloatArray, share: float) -> float:
    """The value below which a share of finite values (n,) in order lies, n >= 1; else in between."""
    place = share * (len(ordered) - 1)
    below = int(place)
    low, high = ordered.item(below), ordered.item(min(below + 1, len(ordered) - 1))
    return float(low + (high - low) * (place - below))


def before_each(
    values: FloatArray, places: IntArray, length: int, of: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """What `of` makes of the `length` values before each place, of fewer where there are no more, (k,).

    Args:
        values: (n,) finite.
        places: (k,) positions, each at least 1.
        length: values looked at.
        of: rows (..., m) to (...): all full ones are asked for at once.
    """
    out, full = np.empty(len(places)), places >= length
    out[full] = of(values[places[full, None] + np.arange(-length, 0)])
    for k in np.flatnonzero(~full):
        out[k] = of(values[: places[k]])
    return out


def running_median(values: FloatArray, size: int) -> FloatArray:
    """Medians of every `size` (odd) neighbours among finite values (n,), (n - size + 1,); empty for fewer."""
    count = max(0, len(values) - size + 1)
    short = SHORT.get(size)
    if short is None:
        return np.asarray(median_filter(values, size)[size // 2 : size // 2 + count]) if count else values[:0]
    out = np.empty(count)
    for first in range(0, count, CHUNK):
        last = min(first + CHUNK, count)
        out[first:last] = short(values[first : last + size - 1])
    return out


@dataclass(frozen=True, eq=False)
class RunningMedians:
    """Running medians of finite values (n,) of several sizes; those that many ask for are kept."""

    values: FloatArray
    kept: tuple[int, ...] = (9, 33)
    _known: dict[int, FloatArray] = field(default_factory=dict)

    def of(self, size: int) -> FloatArray:
        """As `running_median`."""
        known = self._known.get(size)
        if known is None:
            known = running_median(self.values, size)
            if size in self.kept:
                self._known[size] = known
        return known

    def around(self, size: int) -> FloatArray:
        """Median of the `size` values around each, (n,); beyond its ends the series is mirrored."""
        n, side = len(self.values), size // 2
        if n < 2 * size:
            return np.asarray(median_filter(self.values, size))
        begin, end = self.values[: 2 * size], self.values[-2 * size :]
        first, last = median_filter(begin, size)[:side], median_filter(end, size)[-side:]
        return np.concatenate([first, self.of(size), last])


def _middle(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """The middle one of three, elementwise."""
    return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))


def _of_three(x: FloatArray) -> FloatArray:
    return _middle(x[:-2], x[1:-1], x[2:])


def _of_five(x: FloatArray) -> FloatArray:
    """Of two pairs and a fifth: neither the smaller of the lows nor the larger of the highs is the median."""
    low, high = np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:])
    return _middle(np.maximum(low[:-3], low[2:-1]), np.minimum(high[:-3], high[2:-1]), x[4:])


def _of_nine(x: FloatArray) -> FloatArray:
    """Of three sorted triples: the median of the highest low, the middle middle and the lowest high.

    References: Smith (1996), Implementing median filters in XC4000E FPGAs, Xcell 23.
    """
    low, high = np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:])
    middle = np.maximum(low[:-1], np.minimum(high[:-1], x[2:]))
    low, high = np.minimum(low[:-1], x[2:]), np.maximum(high[:-1], x[2:])
    lows = np.maximum(np.maximum(low[:-6], low[3:-3]), low[6:])
    highs = np.minimum(np.minimum(high[:-6], high[3:-3]), high[6:])
    return _middle(lows, _middle(middle[:-6], middle[3:-3], middle[6:]), highs)


SHORT: MappingProxyType[int, Callable[[FloatArray], FloatArray]] = MappingProxyType(
    {3: _of_three, 5: _of_five, 9: _of_nine}
)
