"""The figure of a sweep: the rate of spikes against one setting, and the rate ratio of every setting."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spikediag.model import Text, say
from spikediag.wording import language
from spikediag.wording.escape import visible
from spikediag.wording.writer import PLAIN, Writer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

HEIGHT, ROW = 2.8, 0.32  # inches: at least, and for each setting
MOST = 16  # settings
NAME = 40  # characters of a setting
DIVERGED = "diverged"  # the verdict that has a mark of its own
DECADES = 3  # of a rate ratio to either side of 1; what reaches beyond has an arrow
FEW = 300.0  # largest over smallest value below which decades alone are too few ticks
LOG_FROM = 5.0  # largest over smallest value of a setting from which its axis is logarithmic


@dataclass(frozen=True)
class Point:
    """One run."""

    x: float
    rate: float
    verdict: str


@dataclass(frozen=True)
class Scatter:
    """The runs at the values of a setting, and where to draw a line."""

    setting: Text
    rate: Text
    points: tuple[Point, ...]
    line: float | None = None


@dataclass(frozen=True)
class RatioBar:
    """The rate ratio of one setting with its interval, and whether it is shown."""

    name: Text | str
    value: float
    low: float
    high: float
    shown: bool


def sweep_figure(scatter: Scatter, effects: Sequence[RatioBar], lang: str = language.ENGLISH) -> "Figure":
    """The runs left, the settings right; the left alone where no setting has a rate ratio."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # Matplotlib is heavy
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    from spikediag.reporter.figures.style import DPI, LIGHT, WIDTH, drawing  # noqa: PLC0415

    shown = effects[:MOST]
    with drawing(LIGHT, language.load(lang)) as writer:
        height = max(HEIGHT, 1.2 + ROW * len(shown))
        figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.12))
        panels = figure.subplots(1, 2 if shown else 1, squeeze=False)[0]
        _draw_runs(panels[0], scatter, writer)
        if shown:
            _draw_effects(panels[1], shown, writer)
    return figure


def sweep_png(scatter: Scatter, effects: Sequence[RatioBar], lang: str = language.ENGLISH) -> bytes:
    """The figure as a PNG; the same sweep gives the same bytes."""
    from spikediag.reporter.figures.style import LIGHT, drawing, png  # noqa: PLC0415

    with drawing(LIGHT, language.load(lang)):
        return png(sweep_figure(scatter, effects, lang))


def sweep_svg(scatter: Scatter, effects: Sequence[RatioBar], lang: str = language.ENGLISH) -> str:
    """The figure as an element of a web page."""
    from spikediag.reporter.figures.style import LIGHT, drawing  # noqa: PLC0415
    from spikediag.reporter.figures.svg import svg  # noqa: PLC0415

    label = Writer(language.load(lang), PLAIN).text(LABEL)
    with drawing(LIGHT, language.load(lang)):
        return svg(sweep_figure(scatter, effects, lang), "sweep", label, LIGHT)


LABEL = say(
    "The rate of spikes against a setting, and what it is multiplied by from the lowest to the highest value"
)


def _draw_runs(axes: "Axes", scatter: Scatter, writer: Writer) -> None:
    from spikediag.model import Role  # noqa: PLC0415
    from spikediag.reporter.figures.style import LIGHT  # noqa: PLC0415

    lost = [point for point in scatter.points if point.verdict == DIVERGED]
    others = [point for point in scatter.points if point.verdict != DIVERGED]
    for points, colour, marker in ((others, LIGHT.line(Role.LOSS), "o"), (lost, LIGHT.mark, "X")):
        axes.plot(
            [p.x for p in points],
            [p.rate for p in points],
            marker,
            color=colour,
            markersize=6,
            alpha=0.6,
            markeredgewidth=0,
            clip_on=False,
            label=writer.text(writer.word("run", DIVERGED)),
        )
    if lost:
        axes.legend(
            handles=axes.lines[-1:],
            loc="lower left",
            bbox_to_anchor=(0, 1),
            frameon=False,
            fontsize=8,
            handletextpad=0.1,
            borderpad=0.2,
        )
    values = [point.x for point in scatter.points]
    if values and min(values) > 0 and max(values) > LOG_FROM * min(values):
        axes.set_xscale("log")
        _plain_ticks(axes.xaxis, max(values) / min(values))
    rates = [point.rate for point in scatter.points]
    axes.set_yscale("symlog", linthresh=max(1.0, min((r for r in rates if r > 0), default=1.0)))
    axes.set_ylim(bottom=-0.1, top=2 * max((*rates, 1.0)))
    _plain_ticks(axes.yaxis)
    if scatter.line is not None:
        axes.axvline(scatter.line, color=LIGHT.muted, linewidth=0.8, linestyle="--")
    axes.set_xlabel(writer.text(scatter.setting))
    axes.set_ylabel(writer.text(scatter.rate))


def _draw_effects(axes: "Axes", effects: Sequence[RatioBar], writer: Writer) -> None:
    from spikediag.model import Role  # noqa: PLC0415
    from spikediag.reporter.figures.style import LIGHT  # noqa: PLC0415

    least, most = 10.0**-DECADES, 10.0**DECADES

    def within(value: float) -> float:
        return min(most, max(least, value))

    for n, effect in enumerate(effects):
        colour = LIGHT.mark if effect.shown else LIGHT.line(Role.LOSS)
        low, high = within(effect.low), within(effect.high)
        axes.plot([low, high], [n, n], color=colour, linewidth=1.2)
        if least < effect.value < most:
            axes.plot([effect.value], [n], "o", color=colour, markersize=5, markeredgewidth=0)
        for end, marker in ((low, "<"), (high, ">")):
            if end in (least, most):
                axes.plot([end], [n], marker, color=colour, markersize=6, markeredgewidth=0)
    axes.axvline(1.0, color=LIGHT.muted, linewidth=0.8)
    axes.set_xscale("log")
    _plain_ticks(axes.xaxis)
    names = (e.name if isinstance(e.name, str) else writer.text(e.name) for e in effects)
    axes.set_yticks(range(len(effects)), [visible(name, NAME) for name in names])
    axes.set_ylim(len(effects) - 0.5, -0.5)
    axes.set_xlabel(writer.text(say("rate ratio, highest over lowest value (95 %)")))


def _plain_ticks(axis: "Axis", span: float = math.inf) -> None:
    """Write the ticks of a logarithmic axis as plain numbers; 1, 2 and 5 of each of few decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator  # noqa: PLC0415

    if span < FEW:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
