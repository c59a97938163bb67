"""Beside a close-up: did the error move, and the jump in parts."""

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from spikediag.model import CompanionTest, Finding, Role, say
from spikediag.reporter.figures import series_panel
from spikediag.reporter.figures.series_panel import Window
from spikediag.reporter.figures.style import Theme
from spikediag.wording.numbers import number
from spikediag.wording.writer import Writer, verbatim

TESTS = 5  # lines of the forest
EDGE = 2.4  # margins to either side
SEEN = 2.25  # what lies beyond is drawn here, as an arrow


Drawing: TypeAlias = Callable[[Axes, Finding, Theme, Writer], None]


def asides(finding: Finding) -> Iterator[tuple[float, Drawing]]:
    """What stands beside the curves of a finding: inches of height, and how it is drawn."""
    if _has_parts(finding):
        yield 0.44 * (len(finding.why.components) + 1) + 0.1, _parts
    if tests := _testable(finding):
        yield 0.5 * len(tests) + 0.1, _forest


def margin_band(axes: Axes, test: CompanionTest, window: Window, theme: Theme, writer: Writer) -> None:
    """The margin around the level before, and the 90 % interval of the change over the spike."""
    if not (math.isfinite(test.before) and math.isfinite(test.margin)):
        return
    colour = theme.line(Role.COMPANION)
    low, high = test.before - test.margin, test.before + test.margin
    axes.axhspan(low, high, color=colour, alpha=0.1, linewidth=0, zorder=0)
    bottom, top = axes.get_ylim()
    if axes.get_yscale() == "linear":
        reach = [v for v in (low, high, test.before + test.low, test.before + test.high) if math.isfinite(v)]
        room = 0.08 * (max(reach) - min(reach))
        axes.set_ylim(min(bottom, min(reach) - room), max(top, max(reach) + room))
    axes.plot(
        (window.first, window.start),
        (test.before, test.before),
        color=theme.ink,
        linewidth=1.1,
        linestyle=(0, (4, 2)),
        zorder=4,
    )
    if math.isfinite(test.low) and math.isfinite(test.high):
        begin, end = window.span
        axes.add_patch(
            Rectangle(
                (begin, test.before + test.low),
                end - begin,
                test.high - test.low,
                facecolor="none",
                edgecolor=theme.mark,
                linewidth=1.2,
                zorder=5,
            )
        )
    if not math.isfinite(test.change):
        return
    words = say(
        "change {change}, margin {margin}",
        change=verbatim(number(test.change, signed=True)),
        margin=verbatim(f"±{number(test.margin)}"),
    )
    series_panel.remark(axes, writer.text(words), theme)


def _testable(finding: Finding) -> tuple[CompanionTest, ...]:
    """The tests that have a margin to be drawn against, the deciding one first."""
    return tuple(t for t in finding.coupling.tests if t.margin > 0 and math.isfinite(t.change))[:TESTS]


def _forest(axes: Axes, finding: Finding, theme: Theme, writer: Writer) -> None:
    """Each test's change and 90 % interval in units of its own margin, so that all share one axis."""
    shown = _testable(finding)
    axes.axvspan(-1, 1, color=theme.line(Role.COMPANION), alpha=0.12, linewidth=0)
    for row, test in enumerate(shown):
        _row(axes, row, test, theme, writer)
    axes.set_xlim(-EDGE, EDGE)
    axes.set_ylim(len(shown) - 0.6, -0.8)
    axes.set_yticks([])
    axes.set_xticks([-2, -1, 0, 1, 2])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.tick_params(length=3)
    axes.set_xlabel(writer.text(say("change of the error, in margins")))
    series_panel.heading(axes, writer.text(say("Did the error move?")), theme)


def _row(axes: Axes, row: int, test: CompanionTest, theme: Theme, writer: Writer) -> None:
    low, centre, high = (_inside(value / test.margin) for value in (test.low, test.change, test.high))
    inside = test.low >= -test.margin and test.high <= test.margin
    colour = theme.line(Role.COMPANION) if inside else theme.mark
    axes.plot((0, 0), (row - 0.16, row + 0.16), color=theme.muted, linewidth=0.8)
    axes.plot((low, high), (row, row), color=colour, linewidth=2.2, solid_capstyle="butt")
    axes.plot(
        [centre],
        [row],
        "o" if abs(centre) < SEEN else (">" if centre > 0 else "<"),
        color=colour,
        markersize=6,
    )
    words = say("{tag} {change}", tag=test.tag, change=verbatim(number(test.change, signed=True)))
    axes.annotate(
        writer.text(words), xy=(-EDGE, row - 0.3), ha="left", va="center", fontsize=8, color=theme.ink
    )


def _inside(margins: float) -> float:
    return min(max(margins, -SEEN), SEEN)


def _has_parts(finding: Finding) -> bool:
    """Whether there are parts, and every one is a number."""
    return bool(finding.why.components) and all(math.isfinite(c.value) for c in finding.why.components)


def _parts(axes: Axes, finding: Finding, theme: Theme, writer: Writer) -> None:
    """Components from top to bottom, their sum at the end; labels above the bars, values beside them."""
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
        axes.barh(n, value, left=start, height=0.36, color=colour, alpha=0.9 if last else 0.8)
        axes.annotate(
            name,
            xy=(0, n - 0.36),
            xycoords=("axes fraction", "data"),
            fontsize=8,
            color=theme.ink,
            va="bottom",
            bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 0.5},
        )
        axes.annotate(
            number(value, signed=True),
            xy=(max(start, level), n),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=theme.ink,
            bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 0.3},
        )
    span = (max(reach) - min(reach)) or 1.0
    axes.set_xlim(min(reach) - 0.02 * span, max(reach) + 0.2 * span)
    axes.set_ylim(len(rows) - 0.6, -0.85)
    axes.set_yticks([])
    axes.axvline(0, color=theme.muted, linewidth=0.8)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.tick_params(length=3)
    series_panel.heading(axes, writer.text(say("The jump in parts")), theme)
