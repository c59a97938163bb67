"""Comparisons as rows of the figure that the reporter draws."""

from collections.abc import Sequence

import numpy as np

from spikediag.comparison.values import Comparison, Curve, Side
from spikediag.reporter.comparison_figure import Row, Strand, comparison_png


def picture(comparisons: Sequence[Comparison]) -> bytes:
    """The PNG of comparisons that share their side before."""
    first = comparisons[0]
    error = first.companion.tag if first.companion else None
    return comparison_png(rows(comparisons), first.loss.tag, error, first.unit)


def rows(comparisons: Sequence[Comparison]) -> tuple[Row, ...]:
    """The side before, then every side after."""
    return (_row(comparisons[0].before), *(_row(c.after) for c in comparisons))


def _row(side: Side) -> Row:
    spikes = side.counts.total
    jump = f", up to {side.largest:.3g}" if spikes else ""
    seeds = f" in {len(side.trials)} trainings" if len(side.trials) > 1 else ""
    return Row(
        name=side.name,
        caption=f"{spikes} spike{'' if spikes == 1 else 's'}{jump}{seeds}",
        losses=tuple(_strand(t.loss, [m.x for m in t.marks]) for t in side.trials),
        errors=tuple(_strand(t.companion, []) for t in side.trials if t.companion),
    )


def _strand(curve: Curve, marks: list[float]) -> Strand:
    return Strand(curve.x, curve.values, np.array(marks, dtype=np.float64))
