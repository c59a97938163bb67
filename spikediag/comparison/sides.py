"""Trainings cut to the common window and pooled into a side."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikediag.comparison.axis import Axis
from spikediag.comparison.values import Curve, Mark, Side, Trial
from spikediag.model import Diagnosis, Role, RunStatus
from spikediag.stats.excursions import excursions
from spikediag.stats.rates import Counts

HELD_OUT = ("eval", "val", "valid", "validation", "test", "held")


@dataclass(frozen=True, eq=False)
class Group:
    """Diagnosed trainings of one recipe, and the name under which to speak of them."""

    name: str
    diagnoses: tuple[Diagnosis, ...]


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


def pool(group: Group, axis: Axis, tags: Tags, height: float) -> Side:
    """The trainings of one side, cut to the window; spikes are what is higher than `height`."""
    trials = tuple(_trial(d, axis, tags, height) for d in group.diagnoses)
    return Side(
        name=group.name,
        trials=trials,
        counts=Counts(tuple(len(t.marks) for t in trials), tuple(axis.end - axis.start for _ in trials)),
        largest=max((mark.height for t in trials for mark in t.marks), default=0.0),
    )


def _shared(diagnoses: Sequence[Diagnosis], role: Role) -> set[str]:
    tags = [{s.tag for s in d.run.having(role) if np.isfinite(s.values).any()} for d in diagnoses]
    return set.intersection(*tags) if tags else set()


def _trial(d: Diagnosis, axis: Axis, tags: Tags, height: float) -> Trial:
    series = d.run.series[tags.loss]
    at = axis.of(d.run, series.steps)
    marks = (
        Mark(float(at[e.start]), int(series.steps[e.start]), e.height)
        for e in excursions(series.values, height)
    )
    return Trial(
        name=d.run.name,
        loss=_curve(d, tags.loss, axis),
        companion=_curve(d, tags.companion, axis) if tags.companion else None,
        marks=tuple(mark for mark in marks if axis.start <= mark.x <= axis.end),
        diverged=d.overall.status is RunStatus.DIVERGED,
    )


def _curve(d: Diagnosis, tag: str, axis: Axis) -> Curve:
    series = d.run.series[tag]
    x = axis.of(d.run, series.steps)
    kept = (x >= axis.start) & (x <= axis.end)
    return Curve(tag, x[kept], series.values[kept])
