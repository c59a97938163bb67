"""The close-up of one finding: levels, onset, peak, the error's interval and margin, the jump in parts."""

import math
from dataclasses import dataclass
from typing import Literal, assert_never

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikediag import phrases
from spikediag.model import Diagnosis, Finding, Role, Series, Shape, Text, say
from spikediag.reporter import selection
from spikediag.reporter.figures import closeup_asides, series_panel
from spikediag.reporter.figures.series_panel import Window, around
from spikediag.reporter.figures.style import DPI, WIDTH, Stack, Theme
from spikediag.wording.numbers import number
from spikediag.wording.writer import Writer, verbatim

CONTEXT = (Role.GRAD_NORM, Role.LOG_STD, Role.LEARNING_RATE)  # shown below the error where they vary
HEIGHTS = {Role.LOSS: 2.6, Role.COMPANION: 1.3}  # inches
OTHER = 0.8
PANELS = 4  # below the loss
HEAD, FOOT = 0.72, 0.48
LEFT, SPLIT, ASIDE, RIGHT = 0.075, 0.615, 0.675, 0.975  # shares of the width


@dataclass(frozen=True)
class CloseUp:
    """What one close-up is drawn from."""

    finding: Finding
    window: Window
    theme: Theme
    writer: Writer


def closeup(diagnosis: Diagnosis, finding: Finding, theme: Theme, writer: Writer) -> Figure:
    """The series around the finding on the left; on the right, parts of the jump and tests of the error."""
    loss = diagnosis.run.series[finding.spike.tag]
    view = CloseUp(finding, around(finding.spike, loss), theme, writer)
    shown = (loss, *_below(diagnosis, view))
    curves = Stack(tuple(HEIGHTS.get(s.role, OTHER) for s in shown), HEAD)
    asides = tuple(closeup_asides.asides(finding))
    side = Stack(tuple(height for height, _ in asides), HEAD, between=0.75)
    total = max(curves.total, side.total) + FOOT
    figure = Figure(figsize=(WIDTH, total), dpi=DPI)
    right = SPLIT if asides else RIGHT
    axes = [figure.add_axes(box) for box in curves.boxes(total, LEFT, right)]
    _title(figure, view, total)
    for n, (ax, series) in enumerate(zip(axes, shown, strict=True)):
        _curve(ax, series, view, last=n == len(axes) - 1)
    axes[-1].set_xlabel(writer.text(writer.word("unit", diagnosis.run.step_unit)))
    for box, (_, draw) in zip(side.boxes(total, ASIDE, RIGHT), asides, strict=True):
        draw(figure.add_axes(box), finding, theme, writer)
    return figure


def _below(diagnosis: Diagnosis, view: CloseUp) -> list[Series]:
    """The error that decided, the witness that tells most, then of each context role a series that varies."""
    run = diagnosis.run
    tested = [s for test in view.finding.coupling.tests if (s := run.series.get(test.tag))][:1]
    context = (next(run.having(role), None) for role in CONTEXT)
    varying = [s for s in context if s is not None and len(set(s.values[view.window.cut(s)].tolist())) > 1]
    named = [run.series[w.tag] for w in selection.witnesses(view.finding)[:1] if w.tag in run.series]
    shown = [s for s in tested if len(s.values[view.window.cut(s)])] + named
    return (shown + [s for s in varying if s not in named])[:PANELS]


def _curve(axes: Axes, series: Series, view: CloseUp, *, last: bool) -> None:
    window, theme, writer = view.window, view.theme, view.writer
    leading = series.tag == view.finding.spike.tag
    edges = (0.16, 0.14) if leading else (0.08, 0.14)
    series_panel.draw(axes, series, theme, writer, part=window.cut(series), edges=edges)
    series_panel.show_steps(axes, window.first, window.last, 0.02)
    series_panel.step_axis(axes, most=5)
    axes.tick_params(labelbottom=last, length=3)
    axes.axvspan(*window.span, color=theme.mark, alpha=0.1, linewidth=0, zorder=0)
    if leading:
        _annotate(axes, view.finding, window, theme, writer)
    elif view.finding.coupling.tests and series.tag == view.finding.coupling.tests[0].tag:
        closeup_asides.margin_band(axes, view.finding.coupling.tests[0], window, theme, writer)
    else:
        _testify(axes, series, view)


def _testify(axes: Axes, series: Series, view: CloseUp) -> None:
    """When a witness moved, above its curve."""
    witness = next((w for w in selection.witnesses(view.finding) if w.tag == series.tag), None)
    if witness is not None:
        series_panel.remark(axes, view.writer.text(phrases.order(witness.lag)), view.theme)


def _title(figure: Figure, view: CloseUp, height: float) -> None:
    title = view.writer.text(phrases.caption(view.finding))
    figure.text(0.012, 1 - 0.12 / height, title, va="top", fontsize=12, fontweight="bold")


def _annotate(axes: Axes, finding: Finding, window: Window, theme: Theme, writer: Writer) -> None:
    """Draw the marks; labels stand where the curve is not: below it, and above the axes."""
    spike = finding.spike
    _level(axes, spike.baseline, (window.first, window.start), theme)
    _label(axes, "left", say("before {level}", level=verbatim(number(spike.baseline))), theme, writer)
    axes.axvline(window.start, color=theme.mark, linewidth=0.8, linestyle=(0, (1, 2)))
    said = writer.text(phrases.mark(spike))
    axes.set_title(said, loc="right", fontsize=9, fontweight="bold", color=theme.mark, pad=4)
    after, begin = _after(finding, window)
    if math.isfinite(after):
        _level(axes, after, (begin, window.last), theme)
        _label(axes, "right", say("after {level}", level=verbatim(number(after))), theme, writer)
    match spike.shape:
        case Shape.BURST if math.isfinite(window.peak_value):
            axes.plot([window.peak], [window.peak_value], "o", color=theme.mark, markersize=4.5, zorder=5)
            _arrow(axes, window.peak, (spike.baseline, window.peak_value), theme)
        case Shape.LEVEL | Shape.TREND if math.isfinite(after):
            _arrow(axes, window.start, (spike.baseline, after), theme)


def _after(finding: Finding, window: Window) -> tuple[float, int]:
    """The level after the spike and the step from which it is drawn; NaN where there is none to speak of."""
    spike = finding.spike
    match spike.shape:
        case Shape.LEVEL | Shape.TREND:
            return spike.level_after, window.start
        case Shape.BURST | Shape.NOISE | Shape.LOST:
            came_back = spike.recovered and finding.losses
            return (finding.losses[0].after if came_back else math.nan), window.end
        case _:
            assert_never(spike.shape)


def _arrow(axes: Axes, step: int, ends: tuple[float, float], theme: Theme) -> None:
    axes.annotate(
        "",
        xy=(step, ends[1]),
        xytext=(step, ends[0]),
        arrowprops={"arrowstyle": "<->", "color": theme.mark, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0},
    )


def _level(axes: Axes, level: float, ends: tuple[int, int], theme: Theme) -> None:
    if math.isfinite(level):
        axes.plot(ends, (level, level), color=theme.ink, linewidth=1.1, linestyle=(0, (4, 2)), zorder=4)


def _label(axes: Axes, side: Literal["left", "right"], text: Text, theme: Theme, writer: Writer) -> None:
    axes.annotate(
        writer.text(text),
        xy=(0.012 if side == "left" else 0.988, 0.03),
        xycoords="axes fraction",
        ha=side,
        va="bottom",
        fontsize=8,
        color=theme.ink,
    )
