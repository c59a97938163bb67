"""Marks on the loss of a close-up: level before, onset, peak with its height, level after."""

import math
from typing import Literal

from matplotlib.axes import Axes

from spikediag.model import Finding, Kind, Text, say
from spikediag.reporter.figures.style import Theme
from spikediag.reporter.figures.window import Window
from spikediag.reporter.story import LASTING, new_level
from spikediag.wording.numbers import number
from spikediag.wording.writer import Writer, verbatim

PEAKED = (Kind.TRANSIENT, Kind.TRAIN)  # height is that of the peak


def annotate(axes: Axes, finding: Finding, window: Window, theme: Theme, writer: Writer) -> None:
    """Draw the marks; labels stand where the curve is not: below it, and above the axes."""
    spike = finding.spike
    _level(axes, spike.baseline, (window.first, window.start), theme)
    _label(axes, "left", say("before {level}", level=verbatim(number(spike.baseline))), theme, writer)
    axes.axvline(window.start, color=theme.mark, linewidth=0.8, linestyle=(0, (1, 2)))
    after, begin = (
        (new_level(finding), window.start) if spike.kind in LASTING else (_after(finding), window.end)
    )
    if math.isfinite(after):
        _level(axes, after, (begin, window.last), theme)
        _label(axes, "right", say("after {level}", level=verbatim(number(after))), theme, writer)
    said = _said(finding, window)
    axes.set_title(writer.text(said), loc="right", fontsize=9, fontweight="bold", color=theme.mark, pad=4)
    if spike.kind in PEAKED and math.isfinite(window.peak_value):
        axes.plot([window.peak], [window.peak_value], "o", color=theme.mark, markersize=4.5, zorder=5)
        _arrow(axes, window.peak, (spike.baseline, window.peak_value), theme)
    elif spike.kind in LASTING and math.isfinite(after):
        _arrow(axes, window.start, (spike.baseline, after), theme)


def _after(finding: Finding) -> float:
    """The level after a jump that came back."""
    came_back = finding.spike.end_step is not None and finding.losses
    return finding.losses[0].after if came_back else math.nan


def _said(finding: Finding, window: Window) -> Text:
    spike = finding.spike
    sigmas = verbatim(number(spike.sigmas))
    if spike.kind is Kind.NON_FINITE:
        return say("NaN or Inf from step {step:,} on", step=spike.onset_step)
    if spike.kind in PEAKED:
        up = verbatim(number(window.peak_value - spike.baseline, signed=True))
        return say("{height} at step {step:,}, {sigmas} sigma", height=up, step=window.peak, sigmas=sigmas)
    up = verbatim(number(spike.height, signed=True))
    if spike.kind is Kind.VARIANCE:
        return say("standard deviation {height} from step {step:,} on", height=up, step=spike.onset_step)
    return say(
        "{height} from step {step:,} on, {sigmas} sigma", height=up, step=spike.onset_step, sigmas=sigmas
    )


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
