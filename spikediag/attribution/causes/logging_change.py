"""logging-change: the training went on as before, only its log is written differently."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.protocol import Judgement, cause
from spikediag.attribution.timing import SHORT_KINDS, stretch
from spikediag.model import Advice, Case, Evidence, Kind, Role, Series, Tier, say
from spikediag.stats.scale import robust_sigma

LEVEL_POINTS = 65  # logged points a level is the median of


@dataclass(frozen=True)
class Factor:
    """By how much one series was multiplied at the onset, with its uncertainty."""

    tag: str
    role: Role
    log: float  # natural logarithm of after / before
    error: float  # its standard error


@cause
@dataclass(frozen=True)
class LoggingChange:
    """From the onset on, the log is written differently; the training did not notice.

    What it means:
        A sum became a mean, the number of accumulated batches changed, points became averages, or
        logging became sparser. Every batch statistic changes by the same factor at the same step.

    Evidence for:
        Loss, error and gradient norm change by one common factor at the onset; the logging interval
        changes there too.

    Evidence against:
        Factors that differ between tags; an error metric that stays while the loss moves.

    What to do:
        Look at what changed in the logging code at that step; keep the unit in the tag's name.
    """

    id: str = "logging-change"
    prior: float = 0.05
    smallest: float = 0.18  # |log factor|: a fifth
    tolerance: float = 0.05  # |log factor| by which tags may differ beyond their errors

    def judge(self, case: Case) -> Judgement:
        """Compare the factors of all batch statistics at the onset."""
        if case.spike.kind in SHORT_KINDS | {Kind.NON_FINITE, Kind.DIVERGENCE}:
            return Judgement(Tier.TRIGGER, (_not_lasting(case),), ruled_out=True)
        factors = tuple(_factors(case))
        own = next((f for f in factors if f.tag == case.spike.tag), None)
        others = [f for f in factors if f.role is not Role.LOSS]
        gap = tuple(_interval_change(case))
        if own is None or not others:
            return Judgement(Tier.TRIGGER, gap, checkable=bool(gap))
        agreeing = [f for f in others if self._agree(own, f)]
        if abs(own.log) < self.smallest or len(agreeing) < max(1, 0.7 * len(others)):
            return Judgement(Tier.TRIGGER, (_differ(own, others), *gap), ruled_out=True)
        return Judgement(
            Tier.TRIGGER,
            (_common(own, agreeing), *gap),
            decisive=True,
            advice=(_advice(case),),
            mechanism=say(
                "Every batch statistic was multiplied by {factor:.3g} at step {step:,}: the log changed, not "
                "the training.",
                factor=float(np.exp(own.log)),
                step=case.spike.onset_step,
            ),
        )

    def _agree(self, own: Factor, other: Factor) -> bool:
        return abs(own.log - other.log) <= self.tolerance + 3 * float(np.hypot(own.error, other.error))


def _factors(case: Case) -> Iterator[Factor]:
    for role in (Role.LOSS, Role.COMPANION, Role.GRAD_NORM):
        for series in case.run.having(role):
            factor = _factor(case, series)
            if factor is not None:
                yield factor


def _factor(case: Case, series: Series) -> Factor | None:
    where = stretch(case)
    good = np.isfinite(series.values)
    before = series.values[good & (series.steps < case.spike.onset_step)][-LEVEL_POINTS:]
    after = series.values[good & (series.steps >= where.first) & (series.steps <= where.last)][:LEVEL_POINTS]
    if min(len(before), len(after)) < 5:
        return None
    low, high = float(np.median(before)), float(np.median(after))
    if low * high <= 0:  # a changed sign is no factor
        return Factor(series.tag, series.role, float("inf"), 0.0)
    errors = [1.25 * robust_sigma(part) / np.sqrt(len(part)) for part in (before, after)]
    return Factor(
        series.tag, series.role, float(np.log(high / low)), float(np.hypot(errors[0] / low, errors[1] / high))
    )


def _interval_change(case: Case) -> Iterator[Evidence]:
    loss = case.run.series[case.spike.tag]
    before = np.diff(loss.steps[max(0, case.spike.start - LEVEL_POINTS) : case.spike.start])
    after = np.diff(loss.steps[case.spike.start : case.spike.start + LEVEL_POINTS])
    if min(len(before), len(after)) < 5:
        return
    old, new = float(np.median(before)), float(np.median(after))
    if max(old, new) >= 1.5 * min(old, new):
        reading = say("The logging interval changes from {old:g} to {new:g} steps there.", old=old, new=new)
        yield Evidence("interval-changed", reading, 1.0, new, old)


def _common(own: Factor, agreeing: list[Factor]) -> Evidence:
    groups = len({f.role for f in agreeing})  # twins of one error metric count once
    reading = say(
        "{tags} change by the factor of {loss}, {factor:.3g}.",
        tags=", ".join(f.tag for f in agreeing),
        loss=own.tag,
        factor=float(np.exp(own.log)),
    )
    return Evidence("common-factor", reading, min(2.0, 1.0 + groups), float(np.exp(own.log)), 1.0)


def _differ(own: Factor, others: list[Factor]) -> Evidence:
    far = max(others, key=lambda f: abs(f.log - own.log))
    if not np.isfinite(own.log) or not np.isfinite(far.log):
        reading = say("{loss} or {tag} changes its sign: that is no factor.", loss=own.tag, tag=far.tag)
        return Evidence("no-factor", reading, -2.0)
    reading = say(
        "{loss} changes by the factor {own:.3g}, {tag} by {other:.3g}: a changed log would change both "
        "alike.",
        loss=own.tag,
        own=float(np.exp(own.log)),
        tag=far.tag,
        other=float(np.exp(far.log)),
    )
    return Evidence("factors-differ", reading, -2.0, float(np.exp(far.log)), float(np.exp(own.log)))


def _not_lasting(case: Case) -> Evidence:
    reading = say("A changed log stays changed; this is a {kind}.", kind=case.spike.kind.value)
    return Evidence("not-lasting", reading, -2.0, case.spike.kind.value, Kind.LEVEL_SHIFT.value)


def _advice(case: Case) -> Advice:
    return Advice(
        say(
            "Compare the logging code before and after step {step:,}: a sum or a mean, the number of "
            "batches.",
            step=case.spike.onset_step,
        ),
        None,
        1,
    )
