"""The scale of a value axis: linear if it can be, bent where a spike would flatten everything else."""

import math
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from spikediag.model import FloatArray

FLATTENED = 12.0  # the whole range is this many times the range of nearly all points
POSITIVE = 8.0  # the largest of all-positive values is this many times the median
LARGEST = 1e300  # what is larger is drawn at the edge: limits and ticks must not overflow
EDGES = (0.06, 0.14)  # share of the range left free below and above
TICKS = 5

Transform = Callable[[FloatArray], FloatArray]


def choose(axes: Axes, values: FloatArray, edges: tuple[float, float] = EDGES) -> None:
    """Set scale, limits and ticks for `values` (n,), of which only the finite ones count.

    Logarithmic for positive values with a long tail; for signed values with one, an inverse hyperbolic
    sine around the middle of the bulk, which is linear there and logarithmic far away on both sides.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        axes.set_yticks([])
        return
    low, high, middle = float(finite.min()), float(finite.max()), float(np.median(finite))
    if low > 0 and high > POSITIVE * middle:
        axes.set_yscale("log")
        _bend(axes, (low, high), edges, np.log10, _power)
        axes.yaxis.set_major_locator(FixedLocator(_decades(*axes.get_ylim())))
        return
    left, right = (float(q) for q in np.quantile(finite, (0.02, 0.98)))
    if 0 < FLATTENED * (right - left) < high - low:
        centre, width = (left + right) / 2, (right - left) / 2
        bend, back = _sinh_pair(centre, width)
        axes.set_yscale("function", functions=(bend, back))
        _bend(axes, (low, high), edges, bend, back)
        return
    _linear(axes, low, high, edges)


def drawable(values: FloatArray) -> FloatArray:
    """The values with finite ones beyond `LARGEST` at its edge; infinite ones stay."""
    return np.where(np.isfinite(values), np.clip(values, -LARGEST, LARGEST), values)


def _linear(axes: Axes, low: float, high: float, edges: tuple[float, float]) -> None:
    if low == high:
        room = abs(high) * 0.1 or 1.0
        axes.set_ylim(low - room, high + room)
        axes.yaxis.set_major_locator(FixedLocator([low]))
    else:
        axes.set_ylim(low - edges[0] * (high - low), high + edges[1] * (high - low))
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def _bend(
    axes: Axes, ends: tuple[float, float], edges: tuple[float, float], bend: Transform, back: Transform
) -> None:
    low, high = bend(np.array(ends))
    bottom, top = low - edges[0] * (high - low), high + edges[1] * (high - low)
    axes.set_ylim(*(float(v) for v in back(np.array([bottom, top]))))
    axes.yaxis.set_major_locator(FixedLocator(_round(back(np.linspace(low, high, TICKS)))))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def _round(values: FloatArray) -> list[float]:
    """Values on a bent axis to one digit of the distance to the nearest neighbour; equal ones merge."""
    gaps = np.diff(values)
    nearest = np.minimum(np.append(gaps, np.inf), np.insert(gaps, 0, np.inf))
    return sorted(
        {round(float(v), -math.floor(math.log10(g / 2))) for v, g in zip(values, nearest, strict=True)}
    )


def _decades(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 or only powers of ten, or every n-th of them: at most `TICKS` inside `[low, high]`."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        inside = [v for p in powers for f in factors if low <= (v := f * 10.0**p) <= high]
        if len(inside) <= TICKS + 1:
            return inside
    return inside[:: math.ceil(len(inside) / TICKS)]


def _power(exponents: FloatArray) -> FloatArray:
    powers: FloatArray = np.power(10.0, exponents)
    return powers


def _sinh_pair(centre: float, width: float) -> tuple[Transform, Transform]:
    def bend(values: FloatArray) -> FloatArray:
        bent: FloatArray = np.arcsinh((np.asarray(values) - centre) / width)
        return bent

    def back(bent: FloatArray) -> FloatArray:
        values: FloatArray = np.sinh(bent) * width + centre
        return values

    return bend, back


def tick(value: float) -> str:
    """A tick label without trailing noise: -15, 0.1, 3e-04."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:,.6g}"
    return f"{value:.3g}"
