"""The overview: every series that matters on one step axis, findings shaded and numbered."""

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from spikediag import phrases
from spikediag.model import (
    CompanionTest,
    Diagnosis,
    Finding,
    FloatArray,
    Role,
    Series,
    Shape,
    Text,
    by_gravity,
    say,
)
from spikediag.reporter.figures import series_panel
from spikediag.reporter.figures.style import BETWEEN, DPI, WIDTH, NotebookFigure, Stack, Theme
from spikediag.reporter.page import main_findings, run_headline
from spikediag.wording.numbers import number
from spikediag.wording.writer import Writer, verbatim

FIRST = 2.4  # inches
HEIGHTS = {Role.LOSS: 0.85, Role.COMPANION: 0.85, Role.REWARD: 0.85}
OTHER = 0.7
BARE, HEAD, FOOT, LINE = 0.85, 1.1, 0.48, 0.15
ABOVE = 0.05  # inches between the axes and its badges
ROOM = 18  # points that the titles of a panel move up to leave room for badges
MOST = 24  # badges that fit side by side; the gravest findings get one
GAP = 0.026  # share of the axes width that a badge needs
# at most so many panels of each role, in the order of the page
PANELS = {
    Role.LOSS: 3,
    Role.COMPANION: 2,
    Role.REWARD: 2,
    Role.LOG_STD: 2,
    Role.ENTROPY: 1,
    Role.LEARNING_RATE: 1,
    Role.GRAD_NORM: 1,
    Role.LOSS_SCALE: 1,
}
CALM_LOSSES = 2  # losses shown of a run without findings
ALIKE = 0.99  # correlation from which two panels would say the same


def overview(diagnosis: Diagnosis, theme: Theme, writer: Writer) -> Figure:
    """A figure with one panel for each series of `panels`."""
    shown = panels(diagnosis)
    heights = [FIRST if n == 0 else HEIGHTS.get(s.role, OTHER) for n, s in enumerate(shown)]
    named = [_numbered(diagnosis, shown, n) for n in range(len(shown))]
    between = BETWEEN + ROOM / 72 * any(named[1:])
    second_line = LINE * _wrapped(diagnosis, writer).count("\n")
    stack = Stack(tuple(heights), (HEAD if any(named[:1]) else BARE) + second_line, between)
    total = stack.total + FOOT
    figure = NotebookFigure(figsize=(WIDTH, total), dpi=DPI)
    axes = [figure.add_axes(box) for box in stack.boxes(total, 0.075, 0.975)]
    _headline(figure, diagnosis, theme, writer)
    for ax, series, findings in zip(axes, shown, named, strict=True):
        _draw(ax, series, diagnosis, View(theme, writer, ROOM if findings else 0))
    if shown:
        _share_steps(axes, shown, diagnosis, writer)
        for ax, series, findings in zip(axes, shown, named, strict=True):
            _findings(ax, series, findings, diagnosis, theme)
    return figure


def on_axes(diagnosis: Diagnosis, axes: Axes, theme: Theme, writer: Writer) -> None:
    """Only the leading loss with its findings, on axes that the caller owns."""
    shown = panels(diagnosis)[:1]
    for series in shown:
        findings = _numbered(diagnosis, shown, 0)
        _draw(axes, series, diagnosis, View(theme, writer, ROOM if findings else 0))
        _share_steps([axes], shown, diagnosis, writer)
        _findings(axes, series, findings, diagnosis, theme)


@dataclass(frozen=True)
class View:
    """How a panel is drawn."""

    theme: Theme
    writer: Writer
    raised: float  # points that its titles leave to the badges


def _draw(axes: Axes, series: Series, diagnosis: Diagnosis, view: View) -> None:
    series_panel.draw(axes, series, view.theme, view.writer, raised=view.raised)
    said = panel_remark(series, diagnosis, view.writer)
    if said is not None:
        series_panel.write_remark(axes, view.writer.text(said), view.theme, view.raised)


def _headline(figure: Figure, diagnosis: Diagnosis, theme: Theme, writer: Writer) -> None:
    inch = 1 / float(figure.get_figheight())
    name = writer.name(diagnosis.run.name, 70)
    figure.text(0.012, 1 - 0.1 * inch, name, va="top", fontsize=12, fontweight="bold")
    figure.text(
        0.012,
        1 - 0.33 * inch,
        _wrapped(diagnosis, writer),
        va="top",
        fontsize=8.5,
        color=theme.muted,
        linespacing=1.25,
    )


def _wrapped(diagnosis: Diagnosis, writer: Writer) -> str:
    sentence = textwrap.shorten(writer.text(run_headline(diagnosis)), 250, placeholder=" …")
    return textwrap.fill(sentence, 128)


def _share_steps(axes: list[Axes], shown: tuple[Series, ...], diagnosis: Diagnosis, writer: Writer) -> None:
    first = min(int(s.steps[0]) for s in shown)
    last = max(int(s.steps[-1]) for s in shown)
    for ax in axes:
        series_panel.show_steps(ax, first, last, 0.008)
        series_panel.step_axis(ax)
        ax.tick_params(labelbottom=ax is axes[-1], length=3)
    axes[-1].set_xlabel(writer.text(writer.word("unit", diagnosis.run.step_unit)))


def _numbered(diagnosis: Diagnosis, shown: tuple[Series, ...], panel: int) -> list[Finding]:
    """The findings that a panel bears a badge of; the first, of those too whose series has no panel."""
    tags = [series.tag for series in shown]
    gravest = by_gravity(diagnosis.findings)[:MOST]
    ours = [f for f in gravest if f.spike.tag == tags[panel] or (panel == 0 and f.spike.tag not in tags)]
    return sorted(ours, key=lambda f: f.spike.peak_step)


def _findings(
    axes: Axes, series: Series, numbered: Sequence[Finding], diagnosis: Diagnosis, theme: Theme
) -> None:
    for finding in main_findings(diagnosis):
        axes.axvline(finding.spike.peak_step, color=theme.mark, alpha=0.35, linewidth=0.8, zorder=0.5)
    for finding in diagnosis.findings:
        if finding.spike.tag == series.tag:
            _stretch(axes, finding, series, theme)
    if numbered:
        _badges(axes, [_top(f, series) for f in numbered], [f.id for f in numbered], theme)


def _top(finding: Finding, series: Series) -> tuple[float, float | None]:
    """Step and value of its highest point in this series; no value where there is none to point at."""
    spike = finding.spike
    value = float(series.values[spike.peak]) if spike.tag == series.tag else math.nan
    return float(spike.peak_step), value if math.isfinite(value) else None


def _stretch(axes: Axes, finding: Finding, series: Series, theme: Theme) -> None:
    """A train by a tick for each member, what lasts by a pale shade; a lone burst needs neither."""
    spike = finding.spike
    if spike.members:
        _rug(axes, [int(series.steps[m.peak]) for m in spike.members], theme)
    elif spike.shape is not Shape.BURST:
        end = float(series.steps[-1] if spike.end_step is None else spike.end_step)
        axes.axvspan(spike.onset_step, end, color=theme.mark, alpha=0.1, linewidth=0, zorder=0)


def panels(diagnosis: Diagnosis) -> tuple[Series, ...]:
    """The series of an overview from top to bottom; the loss of the leading finding comes first."""
    return tuple(s for role, limit in PANELS.items() for s in islice(_ordered(diagnosis, role), limit))


def _ordered(diagnosis: Diagnosis, role: Role) -> Iterator[Series]:
    """Series that show something new: those that findings name, then, except for losses, the others."""
    named = [s for tag in dict.fromkeys(_named(diagnosis)) if (s := diagnosis.run.series.get(tag))]
    chosen = [s for s in named if s.role is role and len(s)]
    others = [s for s in diagnosis.run.having(role) if len(s) and s not in chosen]
    if role is Role.LOSS:
        others = others[:CALM_LOSSES] if diagnosis.lead is None or not chosen else []
    shown: list[Series] = []
    for series in (*chosen, *others):
        flat = role is not Role.LOSS and bool((series.values == series.values[0]).all())
        if not flat and not any(_alike(series, other) for other in shown):
            shown.append(series)
            yield series


def _alike(one: Series, other: Series) -> bool:
    """Whether two series draw the same curve, in other units perhaps."""
    if len(one) != len(other) or not np.array_equal(one.steps, other.steps):
        return False
    both = one.finite & other.finite
    a, b = (s.values[both] / (np.abs(s.values[both]).max(initial=0) or 1.0) for s in (one, other))
    spread = float(a.std() * b.std()) if len(a) else 0.0
    return spread > 0 and float(np.mean((a - a.mean()) * (b - b.mean()))) > ALIKE * spread


def _named(diagnosis: Diagnosis) -> Iterable[str]:
    first = diagnosis.lead
    yield from (past.tag for past in diagnosis.overall.past_best)
    if first is None:
        return
    yield first.spike.tag
    for finding in (*main_findings(diagnosis), *diagnosis.findings):
        yield finding.spike.tag
        yield from (test.tag for test in finding.coupling.tests)
    yield from (loss.tag for loss in first.losses)


def panel_remark(series: Series, diagnosis: Diagnosis, writer: Writer) -> Text | None:
    """The jump of a loss, or the change of an error or reward."""
    finding = diagnosis.lead
    if finding is None:
        return None
    if series.role is Role.REWARD:
        return _around(series, finding, diagnosis)
    test = next((t for t in finding.coupling.tests if t.tag == series.tag), None)
    if test is not None:  # a held-out loss is an error metric
        return _moved(test, finding, writer)
    return _jump(series, finding) if series.role is Role.LOSS else None


def _moved(test: CompanionTest, finding: Finding, writer: Writer) -> Text:
    verdict = writer.word("coupling", test.verdict.value)
    if not math.isfinite(test.change):
        return say("{id}: {verdict}", id=verbatim(finding.id), verdict=verdict)
    return say(
        "{id}: {change}, margin {margin}: {verdict}",
        id=verbatim(finding.id),
        change=verbatim(number(test.change, signed=True)),
        margin=verbatim(f"±{number(test.margin)}"),
        verdict=verdict,
    )


def _around(series: Series, finding: Finding, diagnosis: Diagnosis) -> Text | None:
    ended = (o for o in diagnosis.overall.outcomes if (o.finding, o.tag) == (finding.id, series.tag))
    outcome = next(ended, None)
    if outcome is None:
        return None
    levels = {"before": outcome.before, "during": outcome.during, "after": outcome.after}
    shown = {name: verbatim(number(x)) for name, x in levels.items() if math.isfinite(x)}
    identifier = verbatim(finding.id)
    if len(shown) == len(levels):
        return say("{id}: {before} before, {during} at worst during, {after} after", id=identifier, **shown)
    if shown.keys() == {"before", "after"}:  # nothing was logged while it stood high
        return say("{id}: {before} before, {after} after", id=identifier, **shown)
    return None


def _jump(series: Series, finding: Finding) -> Text | None:
    loss = next((c for c in finding.losses if c.tag == series.tag), None)
    return None if loss is None else phrases.change_label(finding, loss)


def spread(wanted: FloatArray, gap: float, low: float, high: float) -> FloatArray:
    """Positions nearest to `wanted` (n,), ascending, at least `gap` apart and inside [low, high].

    Isotonic in one sweep: clusters that touch share the mean of what their members want.
    """
    clusters: list[tuple[float, int]] = []  # sum of wanted minus offset, members
    for n, w in enumerate(wanted):
        clusters.append((float(w) - n * gap, 1))
        while len(clusters) > 1 and clusters[-2][0] / clusters[-2][1] > clusters[-1][0] / clusters[-1][1]:
            total, members = clusters.pop()
            clusters[-1] = (clusters[-1][0] + total, clusters[-1][1] + members)
    base = np.concatenate([np.full(members, total / members) for total, members in clusters])
    room = high - (len(wanted) - 1) * gap
    placed: FloatArray = np.clip(base, low, max(low, room)) + np.arange(len(wanted)) * gap
    return placed


def _badges(
    axes: Axes, tops: Sequence[tuple[float, float | None]], names: Sequence[str], theme: Theme
) -> None:
    """A badge for each finding above the axes, with a line down to its highest point."""
    left, right = axes.get_xlim()
    height = axes.get_window_extent().height / axes.figure.dpi  # inches
    at = (np.array([step for step, _ in tops]) - left) / (right - left)
    placed = spread(at, max(GAP, 0.011 * max(map(len, names))), 0.01, 0.99)
    for name, x, anchor, (step, value) in zip(names, placed, at, tops, strict=True):
        axes.annotate(
            name,
            xy=(anchor, 1.0) if value is None else (step, value),
            xytext=(x, 1 + ABOVE / height),
            xycoords="axes fraction" if value is None else "data",
            textcoords="axes fraction",
            ha="center",
            va="bottom",
            fontsize=7.5,
            fontweight="bold",
            color=theme.paper,
            bbox={"boxstyle": "round,pad=0.28", "facecolor": theme.mark, "edgecolor": "none"},
            arrowprops={"arrowstyle": "-", "color": theme.mark, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
        )


def _rug(axes: Axes, steps: Sequence[int], theme: Theme) -> None:
    """Small ticks at the upper edge: the members of a train."""
    top = blended_transform_factory(axes.transData, axes.transAxes)
    axes.plot(
        steps,
        np.full(len(steps), 0.985),
        "|",
        color=theme.mark,
        markersize=5,
        markeredgewidth=0.8,
        transform=top,
    )
