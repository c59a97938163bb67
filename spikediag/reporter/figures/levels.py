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
    """Draw the marks; labels stand where the curve is not: left below, at the peak, right below."""
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
    text = say(
        "{height} at step {step:,}",
        height=verbatim(number(height, signed=True)),
        step=window.peak,
    )
    chance = (
        say("{sigmas} sigma", sigmas=verbatim(number(height / finding.spike.noise)))
        if finding.spike.noise
        else None
    )
    right = (window.peak - window.first) < 0.55 * (window.last - window.first)
    axes.plot([window.peak], [window.peak_value], "o", color=theme.mark, markersize=4.5, zorder=5)
    axes.annotate(
        writer.text(text) + ("" if chance is None else "\n" + writer.text(chance)),
        xy=(window.peak, window.peak_value),
        xytext=(9 if right else -9, 4),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
        fontsize=9,
        fontweight="bold",
        color=theme.mark,
        linespacing=1.35,
        bbox={"facecolor": theme.paper, "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
    )
    axes.annotate(
        "",
        xy=(window.peak, window.peak_value),
        xytext=(window.peak, finding.spike.baseline),
        arrowprops={"arrowstyle": "<->", "color": theme.mark, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0},
    )
