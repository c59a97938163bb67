"""Trainings laid on one axis, cut to what all cover, and pooled into the two sides of a comparison."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from spikediag.comparison.values import CountedSpike, Curve, Side, Trial
from spikediag.errors import UsageError
from spikediag.model import (
    Diagnosis,
    FactName,
    FloatArray,
    IntArray,
    Role,
    Run,
    RunStatus,
    is_held_out,
    say,
    shared_tags,
)
from spikediag.stats.crossings import crossings
from spikediag.stats.rates import Counts

UNITS = ("step", "pass")


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


@dataclass(frozen=True)
class Axis:
    """Steps, or passes over the data, and the stretch of them that all trainings cover."""

    unit: str
    start: float
    end: float

    def of(self, run: Run, steps: IntArray) -> FloatArray:
        """Steps (n,) of a run on this axis."""
        return steps.astype(np.float64) * _scale(run, self.unit)


def refuse_unknown_unit(unit: str) -> None:
    """Refuse a unit by which runs are not compared.

    Raises:
        UsageError: it is none of `UNITS`.
    """
    if unit not in UNITS:
        step, data = UNITS
        names = say("{step} or {data}", step=step, data=data)
        raise UsageError(say("runs are compared by {names}, not by {unit!r}.", names=names, unit=unit))


def common_axis(runs: Sequence[Run], tag: str, unit: str) -> Axis:
    """The axis in this unit, cut to what every run's `tag` covers.

    Raises:
        UsageError: the unit is unknown, passes cannot be computed, or the runs share nothing.
    """
    refuse_unknown_unit(unit)
    firsts = [float(run.series[tag].steps[0]) * _scale(run, unit) for run in runs]
    lasts = [float(run.series[tag].steps[-1]) * _scale(run, unit) for run in runs]
    if not min(lasts) > max(firsts):
        raise UsageError(say("the runs have no {unit} in common: one ends before another begins.", unit=unit))
    return Axis(unit, max(firsts), min(lasts))


def _scale(run: Run, unit: str) -> float:
    """Units of the axis in one step of the run."""
    if unit == "step":
        return 1.0
    batch = run.batch
    if batch is None:
        missing = FactName.DATASET_SIZE if run.fact(FactName.DATASET_SIZE).number is None else "batch_size"
        raise UsageError(
            say(
                "{name}: passes over the data need its {missing}; state it under [facts] in a "
                "spikediag.toml beside the run, or compare by step.",
                name=run.name,
                missing=missing,
            )
        )
    updates = run.updates(1)
    if updates is None:
        raise UsageError(
            say(
                "{name} counts {step_unit}s, not updates; compare by step.",
                name=run.name,
                step_unit=run.step_unit.replace("_", " "),
            )
        )
    return batch.passes(updates)


def companion_tag(diagnoses: Sequence[Diagnosis]) -> str | None:
    """The error metric that all runs have: on held-out samples first, then the one that decided couplings."""
    asked = Counter(test.tag for d in diagnoses for f in d.findings for test in f.coupling.tests[:1])
    shared = shared_tags(diagnoses, Role.COMPANION)
    return min(shared, key=lambda tag: (not is_held_out(tag), -asked[tag], tag), default=None)


def side_of(group: Group, axis: Axis, tags: Tags, height: float) -> Side:
    """The trainings of one side, cut to the axis; spikes are what is higher than `height`."""
    trials = tuple(_trial(d, axis, tags, height) for d in group.diagnoses)
    return Side(
        name=group.name,
        trials=trials,
        counts=Counts(tuple(len(t.marks) for t in trials), tuple(axis.end - axis.start for _ in trials)),
        largest=max((mark.height for t in trials for mark in t.marks), default=0.0),
    )


def twins(before: Side, after: Side) -> Iterator[tuple[Trial, Trial]]:
    """Trainings that stand on both sides: the same losses at the same steps."""
    return ((old, new) for old in before.trials for new in after.trials if _same(old.loss, new.loss))


def repeated_trainings(side: Side) -> Iterator[tuple[Trial, Trial]]:
    """Trainings of one side that are the same one."""
    return ((one, other) for one, other in combinations(side.trials, 2) if _same(one.loss, other.loss))


def _same(a: Curve, b: Curve) -> bool:
    return np.array_equal(a.x, b.x) and np.array_equal(a.values, b.values, equal_nan=True)


def _trial(d: Diagnosis, axis: Axis, tags: Tags, height: float) -> Trial:
    series = d.run.series[tags.loss]
    at = axis.of(d.run, series.steps)
    marks = (CountedSpike(float(at[c.start]), c.height) for c in crossings(series.values, height))
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
