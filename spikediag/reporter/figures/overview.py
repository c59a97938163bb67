"""The overview: every series that matters on one step axis, findings shaded and numbered."""

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikediag.model import Diagnosis, Finding, Role, Series, say
from spikediag.reporter.figures import badges, panel
from spikediag.reporter.figures.choice import panels
from spikediag.reporter.figures.style import DPI, WIDTH, Theme
from spikediag.reporter.words.writer import Writer

HEIGHTS = {Role.LOSS: 1.5, Role.COMPANION: 1.0}  # inches; the first loss gets more
FIRST, OTHER, BETWEEN = 2.5, 0.8, 0.42
STEP_UNITS = {"step": say("step"), "epoch": say("epoch"), "sample": say("sample")}
NARROWEST = 0.004  # share of the axis that a shaded stretch has at least, so that it can be seen


def overview(diagnosis: Diagnosis, theme: Theme, writer: Writer) -> Figure:
    """A figure with one panel for each series of `choice.panels`."""
    shown = panels(diagnosis)
    heights = [FIRST if n == 0 else HEIGHTS.get(s.role, OTHER) for n, s in enumerate(shown)] or [FIRST]
    head, foot = 0.95, 0.5
    total = sum(heights) + BETWEEN * (len(heights) - 1) + head + foot
    figure = Figure(figsize=(WIDTH, total), dpi=DPI)
    grid = figure.add_gridspec(
        len(heights),
        height_ratios=heights,
        left=0.075,
        right=0.985,
        top=1 - head / total,
        bottom=foot / total,
        hspace=BETWEEN / (sum(heights) / len(heights)),
    )
    axes = [figure.add_subplot(grid[n]) for n in range(len(heights))]
    _headline(figure, diagnosis, theme, writer, total)
    for ax, series in zip(axes, shown, strict=False):
        panel.draw(ax, series, theme, writer.name(series.tag, panel.TITLE_LIMIT))
    _share_steps(axes, shown, diagnosis, writer)
    for n, (ax, series) in enumerate(zip(axes, shown, strict=False)):
        _shade(ax, diagnosis.findings, series, theme)
        if n == 0 and diagnosis.findings:
            badges.draw(
                ax,
                [f.spike.onset_step for f in diagnosis.findings],
                [f.id for f in diagnosis.findings],
                theme,
            )
    return figure


def on_axes(diagnosis: Diagnosis, axes: Axes, theme: Theme, writer: Writer) -> None:
    """Only the leading loss with its findings, on axes that the caller owns."""
    shown = panels(diagnosis)[:1]
    for series in shown:
        panel.draw(axes, series, theme, writer.name(series.tag, panel.TITLE_LIMIT))
        _share_steps([axes], shown, diagnosis, writer)
        _shade(axes, diagnosis.findings, series, theme)
        if diagnosis.findings:
            badges.draw(
                axes,
                [f.spike.onset_step for f in diagnosis.findings],
                [f.id for f in diagnosis.findings],
                theme,
            )


def _headline(figure: Figure, diagnosis: Diagnosis, theme: Theme, writer: Writer, height: float) -> None:
    figure.text(
        0.012,
        1 - 0.12 / height,
        writer.name(diagnosis.run.name, 70),
        va="top",
        fontsize=12,
        fontweight="bold",
    )
    sentence = textwrap.shorten(writer.text(diagnosis.overall.summary), 230, placeholder=" …")
    figure.text(
        0.012,
        1 - 0.36 / height,
        textwrap.fill(sentence, 118),
        va="top",
        fontsize=9,
        color=theme.muted,
        linespacing=1.3,
    )


def _share_steps(axes: list[Axes], shown: tuple[Series, ...], diagnosis: Diagnosis, writer: Writer) -> None:
    if not shown:
        return
    first = min(int(s.steps[0]) for s in shown)
    last = max(int(s.steps[-1]) for s in shown)
    edge = 0.008 * ((last - first) or 1)
    for ax in axes:
        ax.set_xlim(first - edge, last + edge)
        panel.step_axis(ax, "")
        ax.tick_params(labelbottom=ax is axes[-1], length=3)
    axes[-1].set_xlabel(writer.text(STEP_UNITS.get(diagnosis.run.step_unit, STEP_UNITS["step"])))


def _shade(axes: Axes, findings: tuple[Finding, ...], series: Series, theme: Theme) -> None:
    left, right = axes.get_xlim()
    least = NARROWEST * (right - left)
    for finding in findings:
        spike = finding.spike
        end = series.steps[-1] if spike.end_step is None else spike.end_step
        width = max(float(end) - spike.onset_step, least)
        centre = (float(end) + spike.onset_step) / 2
        calm = 0.08 if spike.members or spike.end_step is None else 0.22
        axes.axvspan(
            centre - width / 2, centre + width / 2, color=theme.mark, alpha=calm, linewidth=0, zorder=0
        )
        if spike.members and spike.tag == series.tag:
            badges.rug(axes, [int(series.steps[m.peak]) for m in spike.members], theme)
