"""The figure of a comparison: losses and errors of all sides below each other, on shared axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikediag.model import FloatArray, Role, Text, say
from spikediag.wording import language
from spikediag.wording.escape import visible
from spikediag.wording.writer import Writer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 8  # sides in one figure; more would be too flat to read
ROW, HEAD, EDGE = 1.7, 0.7, 0.12  # inches, of a side, around all, and beside it
GRID = 2**40  # whole numbers across the axis: decimation counts in whole steps
REACH = 10  # points from an onset in which its peak is sought
PASSES, STEP = say("passes over the data"), say("step")
NAME = 60  # characters of a run's or tag's name


@dataclass(frozen=True, eq=False)
class Strand:
    """One series of one training, x ascending, with the points to mark."""

    x: FloatArray  # (n,)
    values: FloatArray  # (n,)
    marks: FloatArray  # (m,) x of jumps


@dataclass(frozen=True, eq=False)
class FigureRow:
    """One side: a name, a caption, and its trainings' losses and error metrics."""

    name: str
    caption: Text
    losses: tuple[Strand, ...]
    errors: tuple[Strand, ...]


def comparison_figure(
    rows: Sequence[FigureRow], loss_tag: str, error_tag: str | None, unit: str, lang: str = "en"
) -> "Figure":
    """A row for each of the first sides, the loss left and the error right, each column on one scale."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # Matplotlib is heavy
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    from spikediag.reporter.figures.series_panel import step_axis  # noqa: PLC0415
    from spikediag.reporter.figures.style import DPI, LIGHT, WIDTH, drawing  # noqa: PLC0415

    shown = rows[:MOST]
    columns = [(loss_tag, Role.LOSS, [row.losses for row in shown])]
    if error_tag is not None:
        columns.append((error_tag, Role.COMPANION, [row.errors for row in shown]))
    with drawing(LIGHT, language.load(lang)) as writer:
        figure = Figure(
            figsize=(WIDTH, HEAD + ROW * len(shown)), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=EDGE)
        )
        grid = figure.subplots(len(shown), len(columns), sharex=True, sharey="col", squeeze=False)
        for n, (tag, role, strands) in enumerate(columns):
            _column(list(grid[:, n]), strands, role, tag, writer)
        for axes, row in zip(grid[:, 0], shown, strict=True):
            axes.set_title(
                f"{visible(row.name, NAME)}: {writer.text(row.caption)}",
                loc="left",
                fontsize=9,
                fontweight="bold",
            )
        for axes in grid[-1]:
            axes.set_xlabel(writer.text(PASSES if unit == "pass" else STEP))
            step_axis(axes, 6)
    return figure


def comparison_png(
    rows: Sequence[FigureRow], loss_tag: str, error_tag: str | None, unit: str, lang: str
) -> bytes:
    """The figure as a PNG; the same rows give the same bytes."""
    from spikediag.reporter.figures.style import LIGHT, drawing, png  # noqa: PLC0415

    with drawing(LIGHT, language.load(lang)):
        return png(comparison_figure(rows, loss_tag, error_tag, unit, lang))


def _column(
    panels: "Sequence[Axes]", sides: Sequence[Sequence[Strand]], role: Role, tag: str, writer: Writer
) -> None:
    from spikediag.reporter.figures.series_panel import choose_scale  # noqa: PLC0415

    for axes, strands in zip(panels, sides, strict=True):
        for strand in strands:
            _draw(axes, strand, role)
    everything = [strand.values for strands in sides for strand in strands]
    choose_scale(panels[0], np.concatenate(everything))
    for axes in panels:
        axes.annotate(
            writer.text(_scaled(visible(tag, NAME), axes.get_yscale())),
            (1, 1),
            xytext=(0, 4),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            color=axes.yaxis.label.get_color(),
        )


def _draw(axes: "Axes", strand: Strand, role: Role) -> None:
    from spikediag.reporter.figures.series_panel import decimate  # noqa: PLC0415
    from spikediag.reporter.figures.style import LIGHT  # noqa: PLC0415

    if not len(strand.x):
        return
    unit = (float(strand.x[-1] - strand.x[0]) or 1.0) / GRID
    line = decimate(np.rint((strand.x - strand.x[0]) / unit).astype(np.int64), strand.values)
    axes.plot(strand.x[0] + line.steps * unit, line.values, color=LIGHT.line(role), linewidth=0.8)
    at = np.searchsorted(strand.x, strand.marks).clip(max=len(strand.x) - 1)
    highest = [np.nanmax(strand.values[i : i + REACH], initial=-np.inf) for i in at]
    axes.plot(strand.marks, highest, "v", color=LIGHT.mark, markersize=4, markeredgewidth=0)


def _scaled(tag: str, scale: str) -> Text:
    if scale == "log":
        return say("{tag} (log scale)", tag=tag)
    return say("{name} (asinh scale)", name=tag) if scale == "function" else say("{tag}", tag=tag)
