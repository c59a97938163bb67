"""One series on one axes: the stretch shown, fewer points, the scale, the line, and a title that names it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from spikediag.model import FloatArray, IntArray, Series, Spike, Text, say
from spikediag.reporter.figures.style import Theme
from spikediag.stats.medians import median
from spikediag.wording.writer import Writer, verbatim

TITLE_LIMIT = 36  # characters of a tag above a panel, so that a remark fits beside it
DOTS = 80  # points that still stand apart
THICK = 5  # points on paper
CROSSES = 30  # non-finite points that are still told apart
LEAST = 20  # points on either side
SIDE = 3.0  # lengths of the spike on either side
NARROWEST = 0.006  # share of the window that a shaded stretch has at least, to either side
LONGEST = 0.25  # share of the series shown before a spike that lasts
COLUMNS = 1600  # pixel columns of a figure 9 inches wide at 200 dots per inch, margins taken off
BANDS = 400  # columns of the line through the middle: smooth to the eye
CROWDED = 64  # points in one of them from which on that line is drawn
LOST = np.full(3, np.nan)  # a column without a finite value
FLATTENED = 12.0  # the whole range is this many times the range of nearly all points
POSITIVE = 8.0  # the largest of all-positive values is this many times the median
LARGEST = 1e300  # what is larger is drawn at the edge: limits and ticks must not overflow
EDGES = (0.06, 0.14)  # share of the range left free below and above
TICKS = 5
DECADES = 8  # below the largest, that a bent axis is asked for ticks
PLAIN, LONG = 1e-3, 1e5  # between them ticks are written without an exponent
FINEST = 1e-12  # share of a step that an axis can tell apart
Transform = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Window:
    """Steps [first, last] shown, and the stretch [start, end] that is shaded."""

    first: int
    last: int
    start: int
    end: int
    peak: int
    peak_value: float

    @property
    def span(self) -> tuple[float, float]:
        """The stretch to shade, wide enough to be seen."""
        middle, half = (self.start + self.end) / 2, (self.end - self.start) / 2
        half = max(half, NARROWEST * (self.last - self.first))
        return middle - half, middle + half

    def cut(self, series: Series) -> slice:
        """The positions of another series inside the window, one point beyond on either side."""
        left = int(np.searchsorted(series.steps, self.first)) - 1
        right = int(np.searchsorted(series.steps, self.last, side="right")) + 1
        return slice(max(left, 0), min(right, len(series)))


class Line(NamedTuple):
    """What is drawn: steps ascending, values with NaN where the line breaks."""

    steps: IntArray  # (k,), k <= 2 * columns + 2
    values: FloatArray  # (k,)


class CrowdBand(NamedTuple):
    """Columns of a crowded series: where each is, and what its finite values span."""

    steps: IntArray  # (k,)
    middle: FloatArray  # (k,) medians
    low: FloatArray  # (k,)
    high: FloatArray  # (k,)


def draw(
    axes: Axes,
    series: Series,
    theme: Theme,
    writer: Writer,
    *,
    part: slice = slice(None),
    edges: tuple[float, float] = EDGES,
    raised: float = 0.0,
) -> None:
    """The positions of `part`, decimated, the tag above them, `raised` by points; few points get dots."""
    values = drawable(series.values[part])
    line = decimate(series.steps[part], values)
    dots = "o" if len(line.steps) <= DOTS else None
    axes.plot(line.steps, line.values, color=theme.line(series.role), marker=dots, markersize=2.5)
    choose_scale(axes, line.values, edges)
    crowd = band(series.steps[part], values)
    if crowd is not None:
        _middle(axes, crowd, theme)
    _non_finite(axes, series, part, theme)
    heading(axes, writer.text(_title(axes, writer.name(series.tag, TITLE_LIMIT))), theme, raised)


def _middle(axes: Axes, crowd: CrowdBand, theme: Theme) -> None:
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


def write_remark(axes: Axes, said: str, theme: Theme, raised: float = 0.0) -> None:
    """What a panel says at its right edge."""
    axes.set_title(said, loc="right", fontsize=8, color=theme.muted, pad=4 + raised)


def _title(axes: Axes, name: str) -> Text:
    """The tag, and what a reader must know to read heights off the axis."""
    if axes.get_yscale() == "log":
        return say("{name} (log scale)", name=verbatim(name))
    if axes.get_yscale() == "function":
        return say("{name} (asinh scale)", name=verbatim(name))
    return verbatim(name)


def show_steps(axes: Axes, first: int, last: int, edge: float) -> None:
    """Limit the axis to steps [first, last] and a share of them on either side; never to a single number."""
    room = max(edge * ((last - first) or 1), abs(first) * FINEST, abs(last) * FINEST)
    axes.set_xlim(first - room, last + room)


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


def around(spike: Spike, series: Series) -> Window:
    """The window of a spike; of a train, that of its highest member."""
    part = spike.highest
    stop = max(part.stop, part.start + 1)
    side = max(LEAST, int(SIDE * (stop - part.start)))
    if stop >= len(series):
        side = max(LEAST, min(side, int(LONGEST * len(series))))
    first, last = max(part.start - side, 0), min(stop + side, len(series)) - 1
    return Window(
        first=int(series.steps[first]),
        last=int(series.steps[last]),
        start=int(series.steps[part.start]),
        end=int(series.steps[min(stop, len(series)) - 1]),
        peak=int(series.steps[part.peak]),
        peak_value=float(series.values[part.peak]),
    )


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
    ends = np.array([0, len(steps) - 1])
    keep = np.unique(np.concatenate([ends, _lowest(low, bounds), _lowest(-high, bounds)]))
    return Line(steps[keep], np.where(finite[keep], values[keep], np.nan))


def band(steps: IntArray, values: FloatArray, columns: int = BANDS) -> CrowdBand | None:
    """The columns, where so many points share one that its extremes hide the level; else None."""
    if len(steps) < CROWDED * columns:
        return None
    bounds = _bounds(steps, columns)
    parts = (values[start:stop] for start, stop in pairwise(bounds.tolist()))
    known = (part[np.isfinite(part)] for part in parts)
    spans = [(median(part), part.min(), part.max()) if len(part) else LOST for part in known]
    middle, low, high = np.array(spans).T
    return CrowdBand(steps[(bounds[:-1] + bounds[1:]) // 2], middle, low, high)


def _lowest(values: FloatArray, bounds: IntArray) -> IntArray:
    """Position of the first lowest of values (n,) in each column, (k,)."""
    column = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    at = np.flatnonzero(values == np.minimum.reduceat(values, bounds[:-1])[column])
    return np.asarray(at[np.unique(column[at], return_index=True)[1]])


def _bounds(steps: IntArray, columns: int) -> IntArray:
    """Positions at which columns of equal step width begin, and the end; columns without a point left out."""
    edges = np.linspace(float(steps[0]), float(steps[-1]), columns + 1)[1:-1]
    return np.unique(np.concatenate(([0], np.searchsorted(steps, edges), [len(steps)])))


def choose_scale(axes: Axes, values: FloatArray, edges: tuple[float, float] = EDGES) -> None:
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
        room = edges[0] * math.log10(high / low), edges[1] * math.log10(high / low)
        axes.set_ylim(10 ** (math.log10(low) - room[0]), 10 ** (math.log10(high) + room[1]))
        decades = _decades(*axes.get_ylim())
        axes.yaxis.set_major_locator(FixedLocator(decades))
        axes.yaxis.set_minor_locator(NullLocator())
        small = min(decades, default=1.0) < PLAIN or max(decades, default=1.0) >= LONG
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: _power_of_ten(v) if small else tick(v)))
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
    axes.yaxis.set_major_locator(FixedLocator(_read(low, high, bend, back)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def _read(low: float, high: float, bend: Transform, back: Transform) -> list[float]:
    """Ticks that people read on a bent axis, the roundest first, each well apart from those before it.

    Args:
        low: Lower end, bent.
        high: Upper end, bent.
        bend: Values to heights.
        back: Heights to values.
    """
    apart = (high - low) / TICKS
    middle = back(np.linspace(low + apart / 2, high - apart / 2, TICKS))
    sizes = np.abs(back(np.array([low, high])))
    top = math.floor(math.log10(float(sizes.max()) or 1.0))
    powers = [10.0**n for n in range(top, top - DECADES, -1)]
    bulk = MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(float(middle[1]), float(middle[-2]))
    wanted = (0.0, *(s * f * p for f in (1, 5, 2) for p in powers for s in (1, -1)), *bulk)
    taken: list[float] = []
    for value in wanted:
        height = float(bend(np.array([value]))[0])
        if low <= height <= high and all(abs(height - h) >= apart for h in map(_first(bend), taken)):
            taken.append(value)
    return sorted(taken)


def _first(bend: Transform) -> Callable[[float], float]:
    return lambda value: float(bend(np.array([value]))[0])


def _decades(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 or only powers of ten, or every n-th of them: at most `TICKS` inside `[low, high]`."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        inside = [v for p in powers for f in factors if low <= (v := f * 10.0**p) <= high]
        if len(inside) <= TICKS + 1:
            return inside
    return inside[:: math.ceil(len(inside) / TICKS)]


def _power_of_ten(value: float) -> str:
    """1e-7, 3e-4, 1, 1e5: all ticks of an axis that needs an exponent have one."""
    digit, _, power = f"{value:.0e}".partition("e")
    return digit if int(power) == 0 else f"{digit}e{int(power)}"


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
    if value == 0 or PLAIN <= abs(value) < LONG:
        return f"{value:,.6g}"
    digits, _, power = f"{value:.2e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
