"""The overview: every series that matters on one step axis, findings shaded and numbered."""

import textwrap
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikediag.model import Diagnosis, Finding, Role, Series, say
from spikediag.reporter.figures import badges, panel
from spikediag.reporter.figures.choice import panels
from spikediag.reporter.figures.layout import Stack
from spikediag.reporter.figures.remarks import remark
from spikediag.reporter.figures.style import DPI, WIDTH, Theme
from spikediag.reporter.headline import headline
from spikediag.reporter.selection import by_gravity
from spikediag.wording.writer import Writer

FIRST = 2.4  # inches
HEIGHTS = {Role.LOSS: 0.85, Role.COMPANION: 0.85}
OTHER = 0.7
BARE, HEAD, FOOT = 0.85, 1.1, 0.48
STEP_UNITS = {"step": say("step"), "epoch": say("epoch"), "sample": say("sample")}
NARROWEST = 0.004  # share of the axis that a shaded stretch has at least, so that it can be seen


def overview(diagnosis: Diagnosis, theme: Theme, writer: Writer) -> Figure:
    """A figure with one panel for each series of `choice.panels`."""
    shown = panels(diagnosis)
    heights = [FIRST if n == 0 else HEIGHTS.get(s.role, OTHER) for n, s in enumerate(shown)]
    stack = Stack(tuple(heights), HEAD if diagnosis.findings else BARE)
    total = stack.total + FOOT
    figure = Figure(figsize=(WIDTH, total), dpi=DPI)
    axes = [figure.add_axes(box) for box in stack.boxes(total, 0.075, 0.975)]
    _headline(figure, diagnosis, theme, writer)
    for n, (ax, series) in enumerate(zip(axes, shown, strict=True)):
        raised = badges.ROOM if n == 0 and diagnosis.findings else 0
        _draw(ax, series, diagnosis, View(theme, writer, raised))
    if shown:
        _share_steps(axes, shown, diagnosis, writer)
        _findings(axes, shown, diagnosis, theme)
    return figure


def on_axes(diagnosis: Diagnosis, axes: Axes, theme: Theme, writer: Writer) -> None:
    """Only the leading loss with its findings, on axes that the caller owns."""
    shown = panels(diagnosis)[:1]
    for series in shown:
        _draw(axes, series, diagnosis, View(theme, writer, badges.ROOM if diagnosis.findings else 0))
        _share_steps([axes], shown, diagnosis, writer)
        _findings([axes], shown, diagnosis, theme)


@dataclass(frozen=True)
class View:
    """How a panel is drawn."""

    theme: Theme
    writer: Writer
    raised: float  # points that its titles leave to the badges


def _draw(axes: Axes, series: Series, diagnosis: Diagnosis, view: View) -> None:
    panel.draw(axes, series, view.theme, view.writer, raised=view.raised)
    said = remark(series, diagnosis, view.writer)
    if said is not None:
        panel.remark(axes, view.writer.text(said), view.theme, view.raised)


def _headline(figure: Figure, diagnosis: Diagnosis, theme: Theme, writer: Writer) -> None:
    inch = 1 / float(figure.get_figheight())
    name = writer.name(diagnosis.run.name, 70)
    figure.text(0.012, 1 - 0.1 * inch, name, va="top", fontsize=12, fontweight="bold")
    sentence = textwrap.shorten(writer.text(headline(diagnosis)), 250, placeholder=" …")
    figure.text(
        0.012,
        1 - 0.33 * inch,
        textwrap.fill(sentence, 128),
        va="top",
        fontsize=8.5,
        color=theme.muted,
        linespacing=1.25,
    )


def _share_steps(axes: list[Axes], shown: tuple[Series, ...], diagnosis: Diagnosis, writer: Writer) -> None:
    first = min(int(s.steps[0]) for s in shown)
    last = max(int(s.steps[-1]) for s in shown)
    edge = 0.008 * ((last - first) or 1)
    for ax in axes:
        ax.set_xlim(first - edge, last + edge)
        panel.step_axis(ax)
        ax.tick_params(labelbottom=ax is axes[-1], length=3)
    axes[-1].set_xlabel(writer.text(STEP_UNITS.get(diagnosis.run.step_unit, STEP_UNITS["step"])))


def _findings(axes: list[Axes], shown: tuple[Series, ...], diagnosis: Diagnosis, theme: Theme) -> None:
    numbered = sorted(by_gravity(diagnosis)[: badges.MOST], key=lambda f: f.spike.onset_step)
    for ax, series in zip(axes, shown, strict=True):
        for finding in diagnosis.findings:
            _shade(ax, finding, series, theme)
    if numbered:
        badges.draw(axes[0], [f.spike.onset_step for f in numbered], [f.id for f in numbered], theme)


def _shade(axes: Axes, finding: Finding, series: Series, theme: Theme) -> None:
    left, right = axes.get_xlim()
    spike = finding.spike
    end = float(series.steps[-1] if spike.end_step is None else spike.end_step)
    half = max(end - spike.onset_step, NARROWEST * (right - left)) / 2
    centre = (end + spike.onset_step) / 2
    alpha = 0.07 if spike.members or spike.end_step is None else 0.2
    axes.axvspan(centre - half, centre + half, color=theme.mark, alpha=alpha, linewidth=0, zorder=0)
    if spike.members and spike.tag == series.tag:
        badges.rug(axes, [int(series.steps[m.peak]) for m in spike.members], theme)
