"""One series on one axes: line, breaks, non-finite points, and a title that names it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import blended_transform_factory

from spikediag.model import Series
from spikediag.reporter.figures import scale
from spikediag.reporter.figures.decimate import decimate
from spikediag.reporter.figures.style import Theme

TITLE_LIMIT = 60  # characters of a tag that fit above a panel


def draw(axes: Axes, series: Series, theme: Theme, title: str, **edges: float) -> None:
    """The line of a series, decimated, with `title` above it (escaped for Matplotlib)."""
    line = decimate(series.steps, series.values)
    dots = "o" if len(line.steps) <= 40 else None
    axes.plot(line.steps, line.values, color=theme.line(series.role), marker=dots, markersize=3)
    scale.choose(axes, line.values, **edges)
    _non_finite(axes, series, theme)
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold", color=theme.ink, pad=4)


def step_axis(axes: Axes, unit: str) -> None:
    """Ticks of the shared axis as 5,000 or 2.5M."""
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short(step)))
    axes.set_xlabel(unit)


def short(step: float) -> str:
    """A step for an axis: 15,260, 2.5M."""
    return f"{step / 1e6:g}M" if abs(step) >= 1e6 else f"{step:,.0f}"


def _non_finite(axes: Axes, series: Series, theme: Theme) -> None:
    lost = series.steps[~np.isfinite(series.values)]
    if not len(lost):
        return
    shown = lost if len(lost) <= 200 else lost[np.linspace(0, len(lost) - 1, 200).astype(int)]
    above = blended_transform_factory(axes.transData, axes.transAxes)
    axes.plot(
        shown,
        np.full(len(shown), 0.96),
        "x",
        color=theme.mark,
        markersize=4,
        transform=above,
        label="non-finite",
    )
