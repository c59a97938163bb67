"""One series on one axes: line, breaks, non-finite points, and a title that names it."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import blended_transform_factory

from spikediag.model import Finding, Series, Text, say
from spikediag.reporter.figures import scale
from spikediag.reporter.figures.decimate import Band, band, decimate
from spikediag.reporter.figures.style import Theme
from spikediag.wording.writer import Writer, verbatim

Drawing: TypeAlias = Callable[[Axes, Finding, Theme, Writer], None]

TITLE_LIMIT = 36  # characters of a tag above a panel, so that a remark fits beside it
DOTS = 80  # points that still stand apart
THICK = 5  # points on paper
CROSSES = 30  # non-finite points that are still told apart


def draw(
    axes: Axes,
    series: Series,
    theme: Theme,
    writer: Writer,
    *,
    part: slice = slice(None),
    edges: tuple[float, float] = scale.EDGES,
    raised: float = 0.0,
) -> None:
    """The positions of `part`, decimated, the tag above them, `raised` by points; few points get dots."""
    values = scale.drawable(series.values[part])
    line = decimate(series.steps[part], values)
    dots = "o" if len(line.steps) <= DOTS else None
    axes.plot(line.steps, line.values, color=theme.line(series.role), marker=dots, markersize=2.5)
    scale.choose(axes, line.values, edges)
    crowd = band(series.steps[part], values)
    if crowd is not None:
        _middle(axes, crowd, theme)
    _non_finite(axes, series, part, theme)
    heading(axes, writer.text(_title(axes, writer.name(series.tag, TITLE_LIMIT))), theme, raised)


def _middle(axes: Axes, crowd: Band, theme: Theme) -> None:
    """The medians, in the colour of the paper, where the band of points is thick enough to carry a line."""
    ends = (
        axes.transData.transform(np.column_stack((crowd.steps, y)))[:, 1] for y in (crowd.low, crowd.high)
    )
    low, high = ends
    thick = (high - low) * 72 / axes.figure.dpi >= THICK
    if thick.any():
        axes.plot(crowd.steps, np.where(thick, crowd.middle, np.nan), color=theme.paper, linewidth=1.1)


def heading(axes: Axes, title: str, theme: Theme, raised: float = 0.0) -> None:
    """The name of a panel, above its left edge."""
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold", color=theme.ink, pad=4 + raised)


def remark(axes: Axes, said: str, theme: Theme, raised: float = 0.0) -> None:
    """What a panel says at its right edge."""
    axes.set_title(said, loc="right", fontsize=8, color=theme.muted, pad=4 + raised)


def _title(axes: Axes, name: str) -> Text:
    """The tag, and what a reader must know to read heights off the axis."""
    if axes.get_yscale() == "log":
        return say("{name} (log scale)", name=verbatim(name))
    if axes.get_yscale() == "function":
        return say("{name} (asinh scale)", name=verbatim(name))
    return verbatim(name)


def step_axis(axes: Axes, most: int = 8) -> None:
    """Ticks of the shared axis as 5,000 or 2.5M, at most so many."""
    axes.xaxis.set_major_locator(MaxNLocator(most, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: short(step)))


def short(step: float) -> str:
    """A step for an axis: 15,260, 2.5M."""
    return f"{step / 1e6:g}M" if abs(step) >= 1e6 else f"{step:,.0f}"


def _non_finite(axes: Axes, series: Series, part: slice, theme: Theme) -> None:
    lost = series.steps[part][~np.isfinite(series.values[part])]
    if not len(lost):
        return
    shown = lost[np.unique(np.linspace(0, len(lost) - 1, CROSSES).astype(int))]
    top = blended_transform_factory(axes.transData, axes.transAxes)
    axes.plot(shown, np.full(len(shown), 0.95), "x", color=theme.mark, markersize=4, transform=top)
