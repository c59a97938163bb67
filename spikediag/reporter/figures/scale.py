"""The scale of a value axis: linear if it can be, logarithmic if a spike would flatten everything else."""

import math
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from spikediag.model import FloatArray

FLATTENED = (
    12.0  # the whole range is this many times the range of nearly all points: linear would flatten them
)


def choose(axes: Axes, values: FloatArray, *, low_edge: float = 0.06, high_edge: float = 0.14) -> None:
    """Set scale, limits and ticks for finite `values` (n,); edges are shares of the range left free."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        axes.set_yticks([])
        return
    low, high = float(finite.min()), float(finite.max())
    core_low, core_high = (float(q) for q in np.quantile(finite, (0.02, 0.98)))
    core = core_high - core_low
    if high - low <= FLATTENED * core or high == low or core == 0:
        _linear(axes, low, high, low_edge, high_edge)
    elif low > 0:
        axes.set_yscale("log")
        _bounded(axes, (math.log10(low), math.log10(high)), (low_edge, high_edge), lambda x: 10.0**x)
        _ticks(axes, [m * 10.0**e for e in range(-30, 31) for m in (1, 2, 5)])
    else:
        threshold = 10.0 ** math.ceil(math.log10(max(abs(core_low), abs(core_high))))
        axes.set_yscale("symlog", linthresh=threshold, linscale=1.5)
        forward, back = axes.yaxis.get_transform().transform, axes.yaxis.get_transform().inverted().transform
        ends = forward(np.array([low, high]))
        _bounded(
            axes,
            (float(ends[0]), float(ends[1])),
            (low_edge, high_edge),
            lambda x: float(back(np.array([x]))[0]),
        )
        powers = [threshold * 10.0**e for e in range(31)]
        _ticks(axes, [-p for p in powers] + [-threshold / 2, 0, threshold / 2, *powers])


def _linear(axes: Axes, low: float, high: float, low_edge: float, high_edge: float) -> None:
    span = (high - low) or abs(high) * 0.2 or 1.0
    centre = span / 2 if high == low else 0.0
    axes.set_ylim(low - centre - low_edge * span, high + centre + high_edge * span)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def _bounded(
    axes: Axes, ends: tuple[float, float], edges: tuple[float, float], back: Callable[[float], float]
) -> None:
    (low, high), span = ends, ends[1] - ends[0]
    axes.set_ylim(back(low - edges[0] * span), back(high + edges[1] * span))


def _ticks(axes: Axes, candidates: list[float]) -> None:
    bottom, top = axes.get_ylim()
    inside = sorted(c for c in candidates if bottom <= c <= top)
    while len(inside) > 5:
        inside = (
            inside[::2]
            if 0 not in inside
            else [c for n, c in enumerate(inside) if (n - inside.index(0)) % 2 == 0]
        )
    axes.yaxis.set_major_locator(FixedLocator(inside))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def _tick(value: float) -> str:
    """A tick label without trailing noise: -15, 0.1, 3e-04."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:,.10g}"
    return f"{value:.3g}"
