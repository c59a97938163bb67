"""Marks on the loss of a close-up: level before, onset, peak with its height, level after."""

import math
from typing import Literal

from matplotlib.axes import Axes

from spikediag.model import Finding, Text, say
from spikediag.reporter.figures.style import Theme
from spikediag.reporter.figures.window import Window
from spikediag.reporter.words.numbers import number
from spikediag.reporter.words.writer import Writer, verbatim


def annotate(axes: Axes, finding: Finding, window: Window, theme: Theme, writer: Writer) -> None:
    """Draw the marks; labels stand where the curve is not: below it, and above the axes."""
    spike = finding.spike
    after = finding.losses[0].after if finding.losses else math.nan
    _level(axes, spike.baseline, (window.first, window.start), theme)
    _label(axes, "left", say("before {level}", level=verbatim(number(spike.baseline))), theme, writer)
    if spike.end_step is not None and math.isfinite(after):
        _level(axes, after, (window.end, window.last), theme)
        _label(axes, "right", say("after {level}", level=verbatim(number(after))), theme, writer)
    axes.axvline(window.start, color=theme.mark, linewidth=0.8, linestyle=(0, (1, 2)))
    if math.isfinite(window.peak_value):
        _peak(axes, finding, window, theme, writer)


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


def _peak(axes: Axes, finding: Finding, window: Window, theme: Theme, writer: Writer) -> None:
    height = window.peak_value - finding.spike.baseline
    up = verbatim(number(height, signed=True))
    said = say("{height} at step {step:,}", height=up, step=window.peak)
    if finding.spike.noise > 0:
        sigmas = verbatim(number(height / finding.spike.noise))
        said = say("{height} at step {step:,}, {sigmas} sigma", height=up, step=window.peak, sigmas=sigmas)
    axes.set_title(writer.text(said), loc="right", fontsize=9, fontweight="bold", color=theme.mark, pad=4)
    axes.plot([window.peak], [window.peak_value], "o", color=theme.mark, markersize=4.5, zorder=5)
    axes.annotate(
        "",
        xy=(window.peak, window.peak_value),
        xytext=(window.peak, finding.spike.baseline),
        arrowprops={"arrowstyle": "<->", "color": theme.mark, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0},
    )
