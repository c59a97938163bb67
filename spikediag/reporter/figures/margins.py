"""Did the error move? Its margin and interval, as a band on its curve and as one line per test."""

import math

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from spikediag.model import CompanionTest, Finding, Role, say
from spikediag.reporter.figures import panel
from spikediag.reporter.figures.style import Theme
from spikediag.reporter.figures.window import Window
from spikediag.wording.numbers import number
from spikediag.wording.writer import Writer, verbatim

TESTS = 5  # lines of the forest
EDGE = 2.4  # margins to either side
SEEN = 2.25  # what lies beyond is drawn here, as an arrow


def band(axes: Axes, test: CompanionTest, window: Window, theme: Theme, writer: Writer) -> None:
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
    panel.remark(axes, writer.text(words), theme)


def testable(finding: Finding) -> tuple[CompanionTest, ...]:
    """The tests that have a margin to be drawn against, the deciding one first."""
    return tuple(t for t in finding.coupling.tests if t.margin > 0 and math.isfinite(t.change))[:TESTS]


def height(finding: Finding) -> float:
    """Inches that the forest of a finding needs."""
    return 0.5 * len(testable(finding)) + 0.1


def forest(axes: Axes, finding: Finding, theme: Theme, writer: Writer) -> None:
    """Each test's change and 90 % interval in units of its own margin, so that all share one axis."""
    shown = testable(finding)
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
    panel.heading(axes, writer.text(say("Did the error move?")), theme)


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
