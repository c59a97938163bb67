"""The jump in parts: one bar per component, each starting where the last one ended."""

import math

from matplotlib.axes import Axes

from spikediag.model import Finding, Role, say
from spikediag.reporter.figures import panel
from spikediag.reporter.figures.style import Theme
from spikediag.wording.numbers import number
from spikediag.wording.writer import Writer


def drawable(finding: Finding) -> bool:
    """Whether there are parts, and every one is a number."""
    return bool(finding.why.components) and all(math.isfinite(c.value) for c in finding.why.components)


def height(finding: Finding) -> float:
    """Inches that the bars of a finding need."""
    return 0.44 * (len(finding.why.components) + 1) + 0.1


def draw(axes: Axes, finding: Finding, theme: Theme, writer: Writer) -> None:
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
    panel.heading(axes, writer.text(say("The jump in parts")), theme)
