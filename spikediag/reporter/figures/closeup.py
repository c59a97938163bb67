"""The close-up of one finding: a jump with its levels, the members of a train over each other, its parts."""

import math
from dataclasses import dataclass
from typing import Any, Literal, assert_never

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from spikediag import phrases
from spikediag.model import (
    CompanionTest,
    Diagnosis,
    Excursion,
    Finding,
    FloatArray,
    Role,
    Series,
    Shape,
    Text,
    say,
)
from spikediag.reporter import page
from spikediag.reporter.figures import series_panel
from spikediag.reporter.figures.series_panel import Window, around
from spikediag.reporter.figures.style import DPI, WIDTH, Stack, Theme
from spikediag.wording.numbers import number
from spikediag.wording.writer import Writer, verbatim

CONTEXT = (Role.GRAD_NORM, Role.LOG_STD, Role.LEARNING_RATE)  # shown below the error where they vary
HEIGHTS = {Role.LOSS: 2.2, Role.COMPANION: 1.2}  # inches
OTHER = 0.8
PART = 0.42  # inches for one part of the jump
PANELS = 4  # below the loss
HEAD, FOOT, BETWEEN = 0.72, 0.48, 0.62
LEFT, RIGHT = 0.075, 0.975  # shares of the width
REACH = 12  # logged points to either side of a member's highest one
MEMBERS = 60  # of a train beside its highest, the highest ones


@dataclass(frozen=True)
class CloseUp:
    """What one close-up is drawn from."""

    finding: Finding
    window: Window
    theme: Theme
    writer: Writer


def closeup(diagnosis: Diagnosis, finding: Finding, theme: Theme, writer: Writer) -> Figure:
    """The series around the finding below each other; at the end the parts of the jump, where known."""
    loss = diagnosis.run.series[finding.spike.tag]
    view = CloseUp(finding, around(finding.spike, loss), theme, writer)
    together = len(finding.spike.members) > 1
    shown = (loss, *_below(diagnosis, view, together=together))
    heights = [HEIGHTS.get(s.role, OTHER) for s in shown]
    parts = [PART * (len(finding.why.components) + 1)] if _has_parts(finding) else []
    stack = Stack((*heights, *parts), HEAD, BETWEEN if parts else 0.42)
    total = stack.total + FOOT
    figure = Figure(figsize=(WIDTH, total), dpi=DPI)
    axes = [figure.add_axes(box) for box in stack.boxes(total, LEFT, RIGHT)]
    caption = writer.text(phrases.caption(finding))
    figure.text(0.012, 1 - 0.12 / total, caption, va="top", fontsize=12, fontweight="bold")
    curves = axes[: len(shown)]
    for n, (ax, series) in enumerate(zip(curves, shown, strict=True)):
        last = n == len(curves) - 1
        if together:
            _members(ax, series, loss, view, last=last)
        else:
            _curve(ax, series, view, last=last)
    unit = writer.word("unit", diagnosis.run.step_unit)
    if together:
        unit = say("{unit}, counted from the highest point of each jump", unit=unit)
    curves[-1].set_xlabel(writer.text(unit))
    if parts:
        _parts(axes[-1], finding, theme, writer)
    return figure


def _below(diagnosis: Diagnosis, view: CloseUp, *, together: bool) -> list[Series]:
    """The error that decided, the witness that tells most, then of each context role a series that varies."""
    run = diagnosis.run
    tested = [s for test in view.finding.coupling.tests if (s := run.series.get(test.tag))][:1]
    shown = [s for s in tested if len(s.values[view.window.cut(s)])]
    if together:
        return shown
    context = (next(run.having(role), None) for role in CONTEXT)
    varying = [s for s in context if s is not None and len(set(s.values[view.window.cut(s)].tolist())) > 1]
    named = [run.series[w.tag] for w in page.witnesses(view.finding)[:1] if w.tag in run.series]
    return (shown + named + [s for s in varying if s not in named])[:PANELS]


def _members(axes: Axes, series: Series, loss: Series, view: CloseUp, *, last: bool) -> None:
    """Every member over each other, each from its own level before; the highest one strong."""
    theme, spike, leads = view.theme, view.finding.spike, series.tag == view.finding.spike.tag
    others = sorted((m for m in spike.members if m != spike.highest), key=lambda m: loss.values[m.peak])
    told = (*others[-MEMBERS:], spike.highest)
    aligned = [c for m in told if (c := _aligned(series, loss, m)) is not None]
    for n, (steps, values) in enumerate(aligned):
        strong = leads and n == len(aligned) - 1
        colour = theme.mark if strong else theme.line(series.role)
        axes.plot(
            steps, values, color=colour, alpha=1.0 if strong else 0.35, linewidth=1.4 if strong else 0.8
        )
    everything = np.concatenate([values for _, values in aligned]) if aligned else np.zeros(1)
    series_panel.choose_scale(axes, everything)
    axes.axvline(0, color=theme.mark, linewidth=0.8, linestyle=(0, (1, 2)))
    reach = REACH * loss.interval
    series_panel.show_steps(axes, int(-reach), int(reach), 0.02)
    series_panel.step_axis(axes, most=5)
    axes.tick_params(labelbottom=last, length=3)
    title = say("{tag}, from its level before", tag=verbatim(view.writer.name(series.tag, 36)))
    series_panel.heading(axes, view.writer.text(title), theme)
    if leads:
        said = view.writer.text(phrases.mark(spike))
        axes.set_title(said, loc="right", fontsize=9, fontweight="bold", color=theme.mark, pad=4)
    elif view.finding.coupling.tests:
        _margin(axes, view.finding.coupling.tests[0], 0.0, view)


def _aligned(series: Series, loss: Series, member: Excursion) -> tuple[FloatArray, FloatArray] | None:
    """One member, steps from its highest point, values from the level just before; None without a level."""
    top, reach = float(loss.steps[member.peak]), REACH * loss.interval
    onset = float(loss.steps[member.start])
    first, last = np.searchsorted(series.steps, (top - reach, top + reach + 1))
    steps, values = series.steps[first:last].astype(np.float64), series.values[first:last]
    before = values[(steps < onset) & np.isfinite(values)]
    if not len(before):
        return None
    return steps - top, np.where(np.isfinite(values), values, np.nan) - float(np.median(before))


def _curve(axes: Axes, series: Series, view: CloseUp, *, last: bool) -> None:
    window, theme, writer = view.window, view.theme, view.writer
    leading = series.tag == view.finding.spike.tag
    edges = (0.16, 0.14) if leading else (0.08, 0.14)
    series_panel.draw(axes, series, theme, writer, part=window.cut(series), edges=edges)
    series_panel.show_steps(axes, window.first, window.last, 0.02)
    series_panel.step_axis(axes, most=5)
    axes.tick_params(labelbottom=last, length=3)
    axes.axvspan(*window.span, color=theme.mark, alpha=0.1, linewidth=0, zorder=0)
    tests = view.finding.coupling.tests
    if leading:
        _annotate(axes, view.finding, window, theme, writer)
    elif tests and series.tag == tests[0].tag:
        _margin(axes, tests[0], _level_before(series, window), view)
    else:
        _testify(axes, series, view)


def _level_before(series: Series, window: Window) -> float:
    """Where the series stood in the part of the window before the jump; NaN where it was not logged there."""
    shown = series.values[window.cut(series)]
    before = shown[(series.steps[window.cut(series)] < window.start) & np.isfinite(shown)]
    return float(np.median(before)) if len(before) else math.nan


def _margin(axes: Axes, test: CompanionTest, level: float, view: CloseUp) -> None:
    """The margin around a level, and where this jump alone was tested, the 90 % interval of its change."""
    theme, window = view.theme, view.window
    if not (math.isfinite(level) and math.isfinite(test.margin)):
        return
    low, high = level - test.margin, level + test.margin
    axes.axhspan(low, high, color=theme.line(Role.COMPANION), alpha=0.1, linewidth=0, zorder=0)
    if axes.get_yscale() == "linear":
        (bottom, top), room = axes.get_ylim(), 0.16 * test.margin
        axes.set_ylim(min(bottom, low - room), max(top, high + room))
    alone = test.tested is None
    ends = (window.first, window.start) if alone else axes.get_xlim()
    axes.plot(ends, (level, level), color=theme.ink, linewidth=1.1, linestyle=(0, (4, 2)), zorder=4)
    if alone and math.isfinite(test.low) and math.isfinite(test.high):
        (begin, end), height = window.span, test.high - test.low
        box = Rectangle((begin, level + test.low), end - begin, height, facecolor="none", zorder=5)
        box.set(edgecolor=theme.mark, linewidth=1.2)
        axes.add_patch(box)
    if math.isfinite(test.change):
        change = verbatim(number(test.change, signed=True))
        margin = verbatim(f"±{number(test.margin)}")
        said = say("change {change}, margin {margin}", change=change, margin=margin)
        if not alone:
            said = say(
                "mean of {tested:,}: {change}, margin {margin}",
                tested=test.tested,
                change=change,
                margin=margin,
            )
        series_panel.write_remark(axes, view.writer.text(said), theme)


def _testify(axes: Axes, series: Series, view: CloseUp) -> None:
    """When a witness moved, above its curve."""
    witness = next((w for w in page.witnesses(view.finding) if w.tag == series.tag), None)
    if witness is not None:
        series_panel.write_remark(axes, view.writer.text(phrases.order(witness.lag)), view.theme)


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


def _has_parts(finding: Finding) -> bool:
    """Whether there are parts, and every one is a number."""
    return bool(finding.why.components) and all(math.isfinite(c.value) for c in finding.why.components)


def _parts(axes: Axes, finding: Finding, theme: Theme, writer: Writer) -> None:
    """Components from top to bottom, their sum at the end; names at the left, values behind the bars."""
    total = sum(c.value for c in finding.why.components)
    rows = [
        *((writer.text(c.name), c.value) for c in finding.why.components),
        (writer.text(say("jump")), total),
    ]
    level, reach = 0.0, [0.0]
    for n, (name, value) in enumerate(rows):
        last = n == len(rows) - 1
        start = 0.0 if last else level
        level = start + value
        reach += [start, level]
        colour = theme.ink if last else (theme.mark if value >= 0 else theme.line(Role.LOSS))
        axes.barh(n, value, left=start, height=0.4, color=colour, alpha=0.85)
        ends: dict[str, Any] = {"va": "center", "fontsize": 8, "color": theme.ink}
        axes.annotate(name, (0.006, n), xycoords=("axes fraction", "data"), **ends)
        axes.annotate(
            number(value, signed=True), (max(start, level), n), (4, 0), textcoords="offset points", **ends
        )
    span = (max(reach) - min(reach)) or 1.0
    axes.set_xlim(min(reach) - 0.55 * span, max(reach) + 0.1 * span)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks([])
    axes.axvline(0, color=theme.muted, linewidth=0.8)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_bounds(min(reach), max(reach) + 0.1 * span)
    axes.set_xticks([t for t in axes.get_xticks() if min(reach) <= t <= max(reach) + 0.1 * span])
    axes.grid(visible=False)
    axes.tick_params(length=3)
    series_panel.heading(axes, writer.text(say("The jump in parts")), theme)
