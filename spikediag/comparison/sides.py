"""Trainings cut to the common window and pooled into a side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spikediag.comparison.axis import Axis
from spikediag.comparison.values import Curve, Mark, Side, Trial
from spikediag.model import Diagnosis, Role, RunStatus
from spikediag.stats.jumps import jumps
from spikediag.stats.rates import Counts

HELD_OUT = ("eval", "val", "valid", "validation", "test", "held")


@dataclass(frozen=True)
class Tags:
    """The series that all runs have and that are compared."""

    loss: str
    companion: str | None


def loss_tag(diagnoses: Sequence[Diagnosis]) -> str | None:
    """The loss that all runs have: the one that leads most findings, then the first by name."""
    leads = Counter(f.spike.tag for d in diagnoses for f in d.findings)
    return min(_shared(diagnoses, Role.LOSS), key=lambda tag: (-leads[tag], tag), default=None)


def companion_tag(diagnoses: Sequence[Diagnosis]) -> str | None:
    """The error metric that all runs have: on held-out samples first, then the one that decided couplings."""
    asked = Counter(test.tag for d in diagnoses for f in d.findings for test in f.coupling.tests[:1])
    shared = _shared(diagnoses, Role.COMPANION)
    return min(shared, key=lambda tag: (not held_out(tag), -asked[tag], tag), default=None)


def held_out(tag: str) -> bool:
    """Whether the tag says that it is measured on samples that were not trained on."""
    words = "".join(c if c.isalnum() else " " for c in tag.lower()).split()
    return any(word in HELD_OUT for word in words)


def pool(
    name: str,
    diagnoses: Iterable[Diagnosis],
    axis: Axis,
    tags: Tags,
    min_height: float,
) -> Side:
    """The trainings of one side, cut to the window; jumps smaller than `min_height` are not counted."""
    trials = tuple(_trial(d, axis, tags, min_height) for d in diagnoses)
    heights = [mark.height if np.isfinite(mark.height) else np.inf for t in trials for mark in t.marks]
    return Side(
        name=name,
        trials=trials,
        counts=Counts(tuple(len(t.marks) for t in trials), tuple(t.exposure for t in trials)),
        largest=float(max(heights, default=0.0)),
    )


def _shared(diagnoses: Sequence[Diagnosis], role: Role) -> set[str]:
    tags = [{s.tag for s in d.run.having(role) if np.isfinite(s.values).any()} for d in diagnoses]
    return set.intersection(*tags) if tags else set()


def _trial(d: Diagnosis, axis: Axis, tags: Tags, min_height: float) -> Trial:
    marks = (Mark(axis.place(d.run, j.step), j.step, j.height) for j in jumps(d))
    return Trial(
        name=d.run.name,
        loss=_curve(d, tags.loss, axis),
        companion=_curve(d, tags.companion, axis) if tags.companion else None,
        marks=tuple(m for m in marks if axis.start <= m.x <= axis.end and not m.height < min_height),
        exposure=axis.end - axis.start,
        diverged=d.overall.status is RunStatus.DIVERGED,
    )


def _curve(d: Diagnosis, tag: str, axis: Axis) -> Curve:
    series = d.run.series[tag]
    x = axis.of(d.run, series.steps)
    kept = (x >= axis.start) & (x <= axis.end)
    return Curve(tag, x[kept], series.values[kept])
