"""value-divergence: the learnt values ran away by bootstrapping on themselves."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import Quantity, grew, measuring
from spikediag.attribution.run_facts import highest_rate
from spikediag.model import (
    Advice,
    Evidence,
    FloatArray,
    LossKind,
    Role,
    Run,
    Series,
    Shape,
    Text,
    Tier,
    Witness,
    say,
)
from spikediag.stats.ranks import rank_correlation
from spikediag.stats.scale import robust_sigma

FEWEST_POINTS = 3
GREW = 5.0  # times its level, from which a value ran away
MIRRORED = 0.25  # share of the move of the actor's loss that Q leaves open
EXPONENTIAL = 0.8  # rank correlation of a lasting rise with the step
DECADES = 2.0  # that a loss grows by
LATELY_POINTS = 60  # logged points up to the top of the loss


@registry.register
@dataclass(frozen=True)
class ValueDivergence:
    """The Q or value function ran away: it learns from its own predictions, and they grow.

    What it means:
        A target that is bootstrapped from the same network, off-policy data and function approximation can
        feed an error back into itself. Q grows by powers of ten, the critic loss by its square, and the
        actor loss, which is minus Q, mirrors it with the opposite sign.

    Evidence for:
        A logged Q moves with the loss or before it, far beyond its usual range; the actor loss moves by as
        much as Q, with the opposite sign; the critic loss grows over several powers of ten and does not
        come back.

    Evidence against:
        A logged Q that stays in its usual range; a loss that comes back at once. Blind spot: without a
        logged Q or another critic's loss, large rewards cannot be told from values that feed themselves.

    What to do:
        Lower the learning rate of the critic, update the target network more slowly, take the smaller of
        two critics, normalise rewards, clip the targets to what the rewards allow.
    """

    id: str = "value-divergence"
    prior: float = 0.05
    of_falls: bool = True  # minus Q falls without bound
    calibrated: frozenset[LossKind] = frozenset({LossKind.ACTOR, LossKind.VALUE})

    def applies(self, run: Run, loss: Series) -> bool:
        """To what is learnt from bootstrapped targets, and to actors that climb a Q."""
        return run.loss_kind(loss) in {LossKind.VALUE, LossKind.ACTOR}

    def judge(self, case: Case) -> Judgement:
        """Did Q, or the loss of another critic, run away as well?"""
        logged, moved = measuring(case.run, Quantity.Q_VALUE), tuple(_values(case))
        early = [w for w in moved if not w.lag.follows]
        grown = tuple(_grows(case))
        larger = tuple(_q_grew(case, logged))
        if not early and not grown and not larger:
            if not logged:
                return Judgement(Tier.MECHANISM, tuple(_back(case)), checkable=False, missing=(_log(),))
            return Judgement(Tier.MECHANISM, (*_usual(case, logged), *_back(case)))
        mirrored = tuple(_mirrored(case, early, logged))
        allowed = () if grown else tuple(_allowed(case, logged))
        larger = () if allowed else larger
        return Judgement(
            Tier.MECHANISM,
            (*(_moved(w) for w in early[:1]), *mirrored, *grown, *larger, *allowed, *_back(case)),
            decisive=not allowed and (bool(mirrored) or (bool(grown) and bool(larger))),
            missing=() if logged else (_log(),),
            advice=_advice(case.run),
            mechanism=_mechanism(early),
        )


def _values(case: Case) -> Iterator[Witness]:
    """Witnesses that are learnt values: Q, or the loss of another value function."""
    tags = {series.tag for series in measuring(case.run, Quantity.Q_VALUE)}
    for witness in case.witnesses.moved:
        series = case.run.series[witness.tag]
        critic = series.role is Role.LOSS and case.run.loss_kind(series) is LossKind.VALUE
        if witness.tag in tags or critic:
            yield witness


def _moved(witness: Witness) -> Evidence:
    weight = 1.2 if witness.lag.leads else 0.8
    reading = phrases.moved_with(witness)
    return weigh("values-moved", weight, observed=witness.lag.steps, reading=reading)


def _mirrored(case: Case, early: list[Witness], logged: tuple[Series, ...]) -> Iterator[Evidence]:
    """Whether the loss of an actor, minus Q, moved by what Q moved by."""
    height = case.spike.height
    if case.run.loss_kind(case.loss) is not LossKind.ACTOR or not np.isfinite(height):
        return
    tags = {series.tag for series in logged}
    changes = [(w.tag, w.change) for w in early if w.tag in tags]
    changes += [(s.tag, seen.change) for s in logged if (seen := case.moved(s)) is not None]
    for tag, change in changes:
        if abs(height + change) > MIRRORED * abs(height):
            continue
        reading = say(
            "{loss} moved by {change:+.3g} and {tag} by {other:+.3g}: minus Q, as an actor's loss is.",
            loss=case.spike.tag,
            change=height,
            tag=tag,
            other=change,
        )
        yield weigh("mirrors-q", 1.5, observed=change, reference=-height, reading=reading)
        return


def _q_grew(case: Case, logged: tuple[Series, ...]) -> Iterator[Evidence]:
    """Whether a Q went far beyond what it was on most of the way, up to the top of the loss."""
    for series in logged:
        before = np.abs(series.before(case.begin))
        until = series.finite & (series.steps >= case.begin) & (series.steps <= case.spike.peak_step)
        if len(before) < FEWEST_POINTS or not until.any() or not np.median(before) > 0:
            continue
        level, top = float(np.median(before)), float(np.max(np.abs(series.values[until])))
        if top < GREW * level:
            continue
        yield weigh(
            "q-grew", 1.0, observed=top / level, reference=GREW, reading=grew(series.tag, top / level)
        )
        return


def _allowed(case: Case, logged: tuple[Series, ...]) -> Iterator[Evidence]:
    """Values up to the returns of their sign that are collected at the time are what Q is to learn."""
    returns = [seen for s in case.run.having(Role.REWARD) if len(seen := _lately(case, s))]
    for series in logged:
        seen = _lately(case, series)
        if not len(seen):
            continue
        top = float(seen[np.argmax(np.abs(seen))])
        largest = max((float(np.max(np.sign(top) * some)) for some in returns), default=0.0)
        if 0 < abs(top) <= largest:
            reading = say(
                "{tag} reached {top:.3g}, no farther than the returns collected by then, {largest:.3g}.",
                tag=series.tag,
                top=top,
                largest=math.copysign(largest, top),
            )
            yield weigh("within-returns", -1.5, observed=top, reference=largest, reading=reading)
            return


def _lately(case: Case, series: Series) -> FloatArray:
    """The last logged values up to the top of the loss."""
    return series.values[series.finite & (series.steps <= case.spike.peak_step)][-LATELY_POINTS:]


def _grows(case: Case) -> Iterator[Evidence]:
    """A lasting rise that goes on over powers of ten feeds itself."""
    spike = case.spike
    if spike.shape not in {Shape.TREND, Shape.LEVEL, Shape.NOISE} or spike.recovered:
        return
    values = np.abs(case.loss.values[spike.start : spike.peak + 1])
    values = values[np.isfinite(values) & (values > 0)]
    usual = np.abs(case.loss.values[case.loss.finite & (case.loss.steps < case.begin)])
    level = min(abs(spike.baseline), float(np.median(usual)) if len(usual) else np.inf)
    noise = min(spike.noise, robust_sigma(usual)) if len(usual) else spike.noise
    start = max(level, noise if np.isfinite(noise) else 0.0)
    if len(values) < 3 or not start > 0:
        return
    decades = float(np.log10(np.max(values) / start))
    if decades < DECADES:
        return
    steady = rank_correlation(values, np.arange(len(values), dtype=np.float64))
    reading = say(
        "{tag} grew {decades:.1f} powers of ten up to step {step:,} and did not come back.",
        tag=spike.tag,
        decades=decades,
        step=spike.peak_step,
    )
    weight = 1.0 if steady >= EXPONENTIAL else 0.5
    yield weigh("grows", weight, observed=decades, reference=DECADES, reading=reading)


def _back(case: Case) -> Iterator[Evidence]:
    if case.is_burst and case.spike.recovered:
        reading = say("The loss came back: values that feed themselves do not.")
        yield weigh("came-back", -1.0, reading=reading)


def _usual(case: Case, logged: tuple[Series, ...]) -> Iterator[Evidence]:
    seen = case.first_seen(logged)
    if seen is not None:
        reading = say("{tag} did not leave its usual range at the jump.", tag=seen.tag)
        yield weigh("values-usual", -1.5, reading=reading)


def _mechanism(early: list[Witness]) -> Text:
    if early:
        return say("The learnt values ran away: {witness}", witness=phrases.moved_with(early[0]))
    return say("The learnt values may feed themselves: the loss grows by powers of ten.")


def _log() -> Advice:
    return Advice(
        say("Log the mean and the largest Q and its target: they tell whether values feed themselves.")
    )


def _advice(run: Run) -> tuple[Advice, ...]:
    rate = highest_rate(run)
    text = say("Lower the critic's learning rate, update the target network more slowly, clip the targets.")
    if rate is not None:
        text = say(
            "Lower the critic's learning rate below {rate:.2g}, update the target network more slowly, clip "
            "the targets to what the rewards allow.",
            rate=rate,
        )
    return (Advice(text, None, 2),)
