"""logging-change: the training went on as before, only its log is written differently."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import (
    Advice,
    CouplingVerdict,
    Evidence,
    FactName,
    FloatArray,
    Kind,
    LossKind,
    Measure,
    Role,
    Series,
    Text,
    Tier,
    say,
)
from spikediag.stats.scale import MEDIAN_ERROR, robust_sigma

LEVEL_POINTS = 65  # logged points a level is the median of
NEAR_POINTS = 16  # where tags drift apart as the training goes on, only so many
LARGE = 0.6  # |log factor| from which so few points tell
FEWEST_POINTS = 5
SMALLEST = 0.34  # |log factor|: a drift as small is found beside many a change
WAVES = 0.9  # largest correlation of neighbours that is believed
SURE = 4.0  # standard errors of the factor
TOLERANCE = 0.05  # |log factor| by which tags may differ beyond their errors
AGREEING = 0.7  # share of the other tags
INTERVAL_FACTOR = 1.5
LARGEST_COUNT = 64  # batches, steps or workers that a sum in place of a mean is thought to be over
COUNTS = (FactName.GRADIENT_ACCUMULATION, FactName.WORLD_SIZE)


@dataclass(frozen=True)
class Factor:
    """By how much one series was multiplied at the onset, with its uncertainty."""

    tag: str
    role: Role
    log: float  # natural logarithm of after / before
    error: float  # its standard error

    def agrees(self, other: "Factor") -> bool:
        """Whether both may be one factor: the other lies nearer to it than to no change at all."""
        apart = abs(self.log - other.log)
        return apart < abs(other.log) and apart <= TOLERANCE + 3 * float(np.hypot(self.error, other.error))


@registry.register
@dataclass(frozen=True)
class LoggingChange:
    """From the onset on, the log is written differently; the training did not notice.

    What it means:
        A sum became a mean, the number of accumulated batches changed, points became averages, or
        logging became sparser. Every batch statistic changes by the same factor at the same step.

    Evidence for:
        Loss, error and gradient norm change by one common factor at the onset; the factor is the number of
        accumulation steps or of workers; an error on held-out data stays; the logging interval changes too.

    Evidence against:
        Factors that differ between tags; an error of the same batches that stays while the loss moves; an
        accuracy that falls with it; an error on held-out data that gets worse.

    What to do:
        Look at what changed in the logging code at that step; keep the unit in the tag's name. Where the
        gradient norm changed too, a clip now bites at another size.
    """

    id: str = "logging-change"
    prior: float = 0.05
    of_falls: bool = True
    calibrated: frozenset[LossKind] = frozenset({LossKind.LIKELIHOOD, LossKind.CROSS_ENTROPY})

    def judge(self, case: Case) -> Judgement:
        """Compare the factors of all batch statistics at the onset."""
        if case.is_burst or case.spike.kind in {Kind.NON_FINITE, Kind.DIVERGENCE}:
            return Judgement(Tier.TRIGGER, (_not_lasting(case),), ruled_out=True)
        own, others = _factors(case, LEVEL_POINTS)
        gap = tuple(_interval_change(case))
        if own is None or not others:
            return Judgement(Tier.TRIGGER, gap, checkable=bool(gap))
        agreeing = _agreeing(own, others)
        near, beside = _factors(case, NEAR_POINTS)
        if not agreeing and near is not None and LARGE <= abs(near.log) < np.inf:
            own, agreeing = near, _agreeing(near, beside)
        if abs(own.log) < max(SMALLEST, SURE * own.error) or not agreeing:
            return Judgement(Tier.TRIGGER, (_differ(own, others), *gap), ruled_out=True)
        counted = tuple(_counted(case, own))
        return Judgement(
            Tier.TRIGGER,
            (_common(own, agreeing), *counted, *_held_out(case), *_accuracy(case), *gap),
            decisive=True,
            harmless=True,
            advice=tuple(_advice(case)),
            mechanism=_mechanism(case, own, counted),
        )


def _agreeing(own: Factor, others: list[Factor]) -> list[Factor]:
    """The others with the same factor, where most have it; else none. Those that scatter too far abstain."""
    telling = [f for f in others if SURE * f.error <= abs(own.log)]
    found = [f for f in telling if own.agrees(f)]
    return found if len(found) >= max(1, AGREEING * len(telling)) else []


def _factors(case: Case, points: int) -> tuple[Factor | None, list[Factor]]:
    """The factor of the loss that jumped, and those of the error and the gradient norm."""
    scaling = [
        series
        for role in (Role.COMPANION, Role.GRAD_NORM)
        for series in case.run.having(role)
        if not series.held_out and series.measure is not Measure.ACCURACY  # a share is no sum
    ]
    others = (_factor(case, series, points) for series in scaling)
    own = None if case.loss.held_out else _factor(case, case.loss, points)
    return own, [factor for factor in others if factor is not None]


def _factor(case: Case, series: Series, points: int) -> Factor | None:
    before = series.before(case.spike.onset_step)[-points:]
    after = series.values[case.stretch.points(series)][:points]
    if min(len(before), len(after)) < FEWEST_POINTS:
        return None
    low, high = float(np.median(before)), float(np.median(after))
    if low * high <= 0:  # a changed sign is no factor
        return Factor(series.tag, series.role, float("inf"), 0.0)
    errors = [_median_error(part) for part in (before, after)]
    return Factor(
        series.tag, series.role, float(np.log(high / low)), float(np.hypot(errors[0] / low, errors[1] / high))
    )


def _median_error(values: FloatArray) -> float:
    """Standard error of the median (n,); neighbours that go together count as fewer (Bartlett 1946)."""
    apart = values - np.median(values)
    spread = robust_sigma(values)
    apart = np.clip(apart, -3 * spread, 3 * spread)
    together = float(np.clip((apart[1:] @ apart[:-1]) / max(float(apart @ apart), 1e-300), 0.0, WAVES))
    return MEDIAN_ERROR * spread * float(np.sqrt((1 + together) / (1 - together) / len(values)))


def _interval_change(case: Case) -> Iterator[Evidence]:
    loss = case.loss
    before = np.diff(loss.steps[max(0, case.spike.start - LEVEL_POINTS) : case.spike.start])
    after = np.diff(loss.steps[case.spike.start : case.spike.start + LEVEL_POINTS])
    if min(len(before), len(after)) < FEWEST_POINTS:
        return
    old, new = float(np.median(before)), float(np.median(after))
    if max(old, new) >= INTERVAL_FACTOR * min(old, new):
        reading = say("The logging interval changes from {old:g} to {new:g} steps there.", old=old, new=new)
        yield weigh("interval-changed", 1.0, observed=new, reference=old, reading=reading)


def _common(own: Factor, agreeing: list[Factor]) -> Evidence:
    groups = len({f.role for f in agreeing})  # twins of one error metric count once
    reading = say(
        "{tags} change by the factor of {loss}, {factor:.3g}.",
        tags=", ".join(f.tag for f in agreeing),
        loss=own.tag,
        factor=float(np.exp(own.log)),
    )
    return weigh(
        "common-factor",
        min(2.0, 1.0 + groups),
        observed=float(np.exp(own.log)),
        reference=1.0,
        reading=reading,
    )


def _mechanism(case: Case, own: Factor, counted: tuple[Evidence, ...]) -> Text:
    if counted and own.log > 0:
        return say(
            "Every batch statistic was multiplied by {factor:.3g} at step {step:,}, as where {count:.0f} "
            "accumulation steps or workers are summed instead of averaged: the scale changed, not the model.",
            factor=float(np.exp(own.log)),
            step=case.spike.onset_step,
            count=counted[0].reference,
        )
    return say(
        "Every batch statistic was multiplied by {factor:.3g} at step {step:,}: the log changed, not the "
        "training.",
        factor=float(np.exp(own.log)),
        step=case.spike.onset_step,
    )


def _counted(case: Case, own: Factor) -> Iterator[Evidence]:
    """Whether the factor is a number that a mean is taken over: one that is stated, else a power of two."""
    near = TOLERANCE + 3 * own.error
    for fact in (case.run.fact(name) for name in COUNTS):
        if fact.number is not None and fact.number >= 2 and abs(abs(own.log) - np.log(fact.number)) <= near:
            reading = say(
                "The factor is {count:g}, as {source} states: a sum was written in place of a mean, or a "
                "mean in place of a sum.",
                count=fact.number,
                source=fact.source,
            )
            yield weigh(
                "stated-count",
                1.0,
                observed=float(np.exp(abs(own.log))),
                reference=fact.number,
                reading=reading,
            )
            return
    count = 2 ** round(abs(own.log) / np.log(2))
    if 2 <= count <= LARGEST_COUNT and abs(abs(own.log) - np.log(count)) <= TOLERANCE:
        reading = say(
            "The factor is near {count}, a number of accumulation steps or workers that a mean may be taken "
            "over.",
            count=count,
        )
        yield weigh(
            "round-count", 0.3, observed=float(np.exp(abs(own.log))), reference=count, reading=reading
        )


def _held_out(case: Case) -> Iterator[Evidence]:
    """What an error on other data says: it is not of these batches, so a changed log leaves it alone."""
    test = next((t for t in case.coupling.tests if t.held_out and t.blind is None), None)
    if test is None or test.verdict not in {CouplingVerdict.DECOUPLED, CouplingVerdict.COUPLED}:
        return
    stayed = test.verdict is CouplingVerdict.DECOUPLED
    reading = (
        say("{tag}, on held-out data, did not get worse: the model is what it was.", tag=test.tag)
        if stayed
        else say("{tag}, on held-out data, got worse: that is no changed log.", tag=test.tag)
    )
    yield weigh(
        "held-out", 1.0 if stayed else -2.0, observed=test.change, reference=test.margin, reading=reading
    )


def _accuracy(case: Case) -> Iterator[Evidence]:
    """A share that is right is no sum: a changed log leaves it alone."""
    shares = (t for t in case.coupling.tests if case.run.series[t.tag].measure is Measure.ACCURACY)
    test = next((t for t in shares if t.verdict is CouplingVerdict.COUPLED), None)
    if test is not None:
        reading = say("{tag}, a share, got worse with the loss: that is no changed log.", tag=test.tag)
        yield weigh("accuracy-moved", -2.0, observed=test.change, reference=test.margin, reading=reading)


def _differ(own: Factor, others: list[Factor]) -> Evidence:
    far = max(others, key=lambda f: abs(f.log - own.log))
    if not np.isfinite(own.log) or not np.isfinite(far.log):
        reading = say("{loss} or {tag} changes its sign: that is no factor.", loss=own.tag, tag=far.tag)
        return weigh("no-factor", -2.0, reading=reading)
    reading = say(
        "{loss} changes by the factor {own:.3g}, {tag} by {other:.3g}: a changed log would change both "
        "alike.",
        loss=own.tag,
        own=float(np.exp(own.log)),
        tag=far.tag,
        other=float(np.exp(far.log)),
    )
    return weigh(
        "factors-differ",
        -2.0,
        observed=float(np.exp(far.log)),
        reference=float(np.exp(own.log)),
        reading=reading,
    )


def _not_lasting(case: Case) -> Evidence:
    spike, kind = case.spike, case.spike.kind.value
    reading = say("A changed log stays changed; this is a {kind}.", kind=kind)
    if not spike.recovered:
        reading = say(
            "A changed log keeps one new level; {tag} did not keep its own of {peak:.4g}.",
            tag=spike.tag,
            peak=spike.peak_value,
        )
    return weigh("not-lasting", -2.0, observed=kind, reference=Kind.LEVEL_SHIFT.value, reading=reading)


def _advice(case: Case) -> Iterator[Advice]:
    yield Advice(
        say(
            "Compare the logging code before and after step {step:,}: a sum or a mean, the number of "
            "batches.",
            step=case.spike.onset_step,
        ),
        None,
        1,
    )
    if any(w.role is Role.GRAD_NORM for w in case.witnesses.moved):
        yield Advice(
            say(
                "Where the gradient itself is summed, divide the loss by the number of accumulated batches: "
                "a clip now bites at another size."
            ),
            "loss = loss / accumulation_steps",
            2,
        )
