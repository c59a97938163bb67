"""The close-up of one finding: levels, onset, peak, the error's interval and margin, the jump in parts."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikediag.model import Diagnosis, Finding, Kind, Role, Series, say
from spikediag.reporter.figures import margins, panel, parts
from spikediag.reporter.figures.layout import Stack
from spikediag.reporter.figures.levels import annotate
from spikediag.reporter.figures.overview import STEP_UNITS
from spikediag.reporter.figures.style import DPI, WIDTH, Theme
from spikediag.reporter.figures.window import Window, around
from spikediag.wording.writer import Writer

CONTEXT = (Role.GRAD_NORM, Role.LOG_STD, Role.LEARNING_RATE)  # shown below the error where they vary
HEIGHTS = {Role.LOSS: 2.6, Role.COMPANION: 1.3}  # inches
OTHER = 0.8
HEAD, FOOT = 0.72, 0.48
LEFT, SPLIT, ASIDE, RIGHT = 0.075, 0.615, 0.675, 0.975  # shares of the width


@dataclass(frozen=True)
class CloseUp:
    """What one close-up is drawn from."""

    finding: Finding
    window: Window
    theme: Theme
    writer: Writer


def closeup(diagnosis: Diagnosis, finding: Finding, theme: Theme, writer: Writer) -> Figure:
    """The series around the finding on the left; on the right, parts of the jump and tests of the error."""
    loss = diagnosis.run.series[finding.spike.tag]
    view = CloseUp(finding, around(finding.spike, loss), theme, writer)
    shown = (loss, *_below(diagnosis, view))
    curves = Stack(tuple(HEIGHTS.get(s.role, OTHER) for s in shown), HEAD)
    asides = _asides(view)
    side = Stack(tuple(height for height, _ in asides), HEAD, between=0.75)
    total = max(curves.total, side.total) + FOOT
    figure = Figure(figsize=(WIDTH, total), dpi=DPI)
    right = SPLIT if asides else RIGHT
    axes = [figure.add_axes(box) for box in curves.boxes(total, LEFT, right)]
    _title(figure, view, total)
    for n, (ax, series) in enumerate(zip(axes, shown, strict=True)):
        _curve(ax, series, view, last=n == len(axes) - 1)
    axes[-1].set_xlabel(writer.text(STEP_UNITS.get(diagnosis.run.step_unit, STEP_UNITS["step"])))
    for box, (_, draw) in zip(side.boxes(total, ASIDE, RIGHT), asides, strict=True):
        draw(figure.add_axes(box), finding, theme, writer)
    return figure


def _below(diagnosis: Diagnosis, view: CloseUp) -> list[Series]:
    """The error that decided, then one series of each context role that varies in the window."""
    run = diagnosis.run
    tested = [s for test in view.finding.coupling.tests if (s := run.series.get(test.tag))][:1]
    context = (next(run.having(role), None) for role in CONTEXT)
    varying = [s for s in context if s is not None and len(set(s.values[view.window.cut(s)].tolist())) > 1]
    return [s for s in tested if len(s.values[view.window.cut(s)])] + varying


def _curve(axes: Axes, series: Series, view: CloseUp, *, last: bool) -> None:
    window, theme, writer = view.window, view.theme, view.writer
    leading = series.tag == view.finding.spike.tag
    edges = (0.16, 0.14) if leading else (0.08, 0.14)
    panel.draw(axes, series, theme, writer, part=window.cut(series), edges=edges)
    edge = 0.02 * ((window.last - window.first) or 1)
    axes.set_xlim(window.first - edge, window.last + edge)
    panel.step_axis(axes, most=5)
    axes.tick_params(labelbottom=last, length=3)
    axes.axvspan(*window.span, color=theme.mark, alpha=0.1, linewidth=0, zorder=0)
    if leading:
        annotate(axes, view.finding, window, theme, writer)
    elif series.role is Role.COMPANION:
        margins.band(axes, view.finding.coupling.tests[0], window, theme, writer)


def _asides(view: CloseUp) -> list[tuple[float, panel.Drawing]]:
    """What stands beside the curves, with heights in inches."""
    found = view.finding
    asides: list[tuple[float, panel.Drawing]] = []
    if parts.drawable(found):
        asides.append((parts.height(found), parts.draw))
    if margins.testable(found):
        asides.append((margins.height(found), margins.forest))
    return asides


def _title(figure: Figure, view: CloseUp, height: float) -> None:
    spike = view.finding.spike
    title = say(
        "{id}: {kind} at step {step:,}", id=view.finding.id, kind=spike.kind.value, step=spike.onset_step
    )
    if spike.kind is Kind.TRAIN:
        title = say(
            "{id}: {kind}, the highest of {count:,} at step {step:,}",
            id=view.finding.id,
            kind=spike.kind.value,
            count=spike.count,
            step=view.window.peak,
        )
    figure.text(0.012, 1 - 0.12 / height, view.writer.text(title), va="top", fontsize=12, fontweight="bold")
