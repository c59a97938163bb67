"""reward-term: one term of the reward exploded, and the values that are learnt from it followed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import LARGEST_TIMES, Quantity, growth, measuring, witnesses_of
from spikediag.model import REINFORCED, Advice, Evidence, LossKind, Role, Run, Series, Tier, Witness, say

FAR = 10.0  # times its level before, from which a term has exploded
DWARFS = 3.0  # times the largest level of all terms
AS_FAR = 0.5  # of the way of a term, gone before without a jump, from which it has not exploded only now
CARRIED = 0.2  # share of the move of the total reward that its term may leave open
LEAP = 0.25  # of its way that a term takes in one logged interval where it explodes


@registry.register
@dataclass(frozen=True)
class RewardTerm:
    """A term of the reward exploded: the environment handed out what no episode had before.

    What it means:
        A penalty on accelerations or torques, a division by a distance, a simulator that lost a contact:
        one term becomes thousands of times larger than all others. Returns and value targets follow within
        the same iteration, and the loss of the value function with them.

    Evidence for:
        A logged term of the reward goes far beyond its usual range before the loss or in the same
        iteration; the total reward goes with it. What falls by as much as the total reward is a term of it,
        whatever its name.

    Evidence against:
        Logged terms that stay in their usual range, or move only after the loss: then a damaged policy
        earns what it deserves. A term that climbs step by step: then the policy learns to earn it, and larger
        returns have a larger error. Blind spot: means over many environments hide one that exploded.

    What to do:
        Bound the term, end the episode when the simulation is no longer physical, clip rewards or
        normalise returns, and look at the state of the environment at that step.
    """

    id: str = "reward-term"
    prior: float = 0.04
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset({LossKind.VALUE})

    def applies(self, run: Run, loss: Series) -> bool:
        """To losses that are learnt from rewards."""
        return run.loss_kind(loss) in REINFORCED

    def judge(self, case: Case) -> Judgement:
        """Did a term go far beyond its usual range, and not after the loss?"""
        terms, carried = measuring(case.run, Quantity.REWARD_TERM), tuple(_carries_the_total(case))
        if not terms and not carried:
            return Judgement(Tier.TRIGGER, checkable=False, missing=(_log(),))
        moved = [w for w in (*witnesses_of(case, Quantity.REWARD_TERM), *carried) if growth(w) >= FAR]
        early = sorted(
            (w for w in moved if not w.lag.follows), key=lambda w: (not w.lag.leads, -abs(w.sigmas))
        )
        if not early:
            late = tuple(_after(witness) for witness in moved[:1])
            return Judgement(Tier.TRIGGER, late or tuple(_usual(case, terms)), ruled_out=bool(late))
        term, size = early[0], _size(case, early[0])
        against = (*_reached_before(case, term), *_climbs(case, term))
        return Judgement(
            Tier.TRIGGER,
            (_moved(term), size, *_total(case), *against),
            decisive=size.supports and not against,
            advice=_advice(term),
            mechanism=say(
                "{witness} Returns and value targets follow within the iteration.",
                witness=phrases.moved_with(term),
            ),
        )


def _carries_the_total(case: Case) -> Iterator[Witness]:
    """Witnesses of no known name that fell by what the total reward fell by: a term by its arithmetic."""
    known = {series.tag for series in measuring(case.run, Quantity.REWARD_TERM)}
    moved = [w for w in case.witnesses.moved if w.tag not in known]
    totals = [w for w in moved if w.role is Role.REWARD and w.change < 0]
    for witness in (w for w in moved if w.role is Role.OTHER):
        if any(abs(witness.change - total.change) <= CARRIED * abs(total.change) for total in totals):
            yield witness


def _moved(term: Witness) -> Evidence:
    weight = 1.5 if term.lag.leads else 1.2
    return weigh("term-moved", weight, observed=term.lag.steps, reading=phrases.moved_with(term))


def _size(case: Case, term: Witness) -> Evidence:
    """A term that was nothing and is little has not exploded: it must dwarf what all terms usually are."""
    usual = max(
        (
            abs(float(seen.before))
            for s in measuring(case.run, Quantity.REWARD_TERM)
            if (seen := case.moved(s))
        ),
        default=abs(term.before),
    )
    times = abs(term.at) / max(usual, 1e-300)
    reading = say(
        "{tag} reached {times:,.0f} times the usual level of the largest term.",
        tag=term.tag,
        times=min(times, LARGEST_TIMES),
    )
    weight = 0.8 if times >= DWARFS else -1.5
    return weigh("term-size", weight, observed=times, reference=DWARFS, reading=reading)


def _earliest(case: Case, term: Witness) -> float:
    """The first step at which a term may have begun to move with the loss."""
    return case.begin - max(term.lag.steps, 0.0) - case.slack(case.run.series[term.tag])


def _reached_before(case: Case, term: Witness) -> Iterator[Evidence]:
    """A term that had gone as far in calm times, and left the loss alone, has not made it jump this time."""
    series = case.run.series[term.tag]
    calm = series.finite & (series.steps < _earliest(case, term))
    for spike in case.loss_spikes:
        for start, stop in spike.spans:
            shaken = case.loss.steps[[start, min(stop, len(case.loss)) - 1]]
            calm &= (series.steps < shaken[0] - case.slack(series)) | (series.steps > shaken[1])
    far = np.where(calm, np.abs(series.values - term.before), 0.0)
    at, reached = int(np.argmax(far)), abs(term.at - term.before)
    if far[at] >= AS_FAR * reached:
        reading = say(
            "{tag} had reached {value:.3g} at step {step:,} already, and {loss} stayed calm.",
            tag=term.tag,
            value=float(series.values[at]),
            step=int(series.steps[at]),
            loss=case.loss.tag,
        )
        yield weigh("term-before", -2.0, observed=float(far[at] / reached), reference=AS_FAR, reading=reading)


def _climbs(case: Case, term: Witness) -> Iterator[Evidence]:
    """A term that takes its way in many small steps is earned; one that explodes leaps somewhere on it."""
    series, way = case.run.series[term.tag], abs(term.at - term.before)
    climbing = (series.steps >= _earliest(case, term)) & (series.steps <= case.stretch.last)
    values = series.values[series.finite & climbing]
    largest = float(np.max(np.abs(np.diff(values)), initial=0.0))
    if len(values) > 1 / LEAP and largest < LEAP * way:
        reading = say(
            "{tag} climbs: of its way from {before:.3g} to {at:.3g} it takes at most {share:.0%} at once.",
            tag=term.tag,
            before=term.before,
            at=term.at,
            share=largest / way,
        )
        yield weigh("term-climbs", -2.0, observed=largest / way, reference=LEAP, reading=reading)


def _total(case: Case) -> Iterator[Evidence]:
    terms = {series.tag for series in measuring(case.run, Quantity.REWARD_TERM)}
    total = [w for w in case.witnesses.moved if w.role is Role.REWARD and w.tag not in terms]
    if total:
        yield weigh("reward-moved", 0.3, observed=total[0].at, reading=phrases.moved_with(total[0]))


def _usual(case: Case, terms: tuple[Series, ...]) -> Iterator[Evidence]:
    seen = [series.tag for series in terms if case.moved(series) is not None]
    if seen:
        reading = say("None of {count} logged terms of the reward exploded at the jump.", count=len(seen))
        yield weigh("terms-usual", -1.5, observed=len(seen), reading=reading)


def _after(term: Witness) -> Evidence:
    return weigh("term-after", -2.0, observed=term.lag.steps, reading=phrases.moved_with(term))


def _log() -> Advice:
    return Advice(say("Log every term of the reward by itself: one that explodes is hidden in the total."))


def _advice(term: Witness) -> tuple[Advice, ...]:
    return (
        Advice(
            say(
                "Bound {tag} (it stood at {before:.3g} and reached {at:.3g}), and end the episode when the "
                "simulation is no longer physical.",
                tag=term.tag,
                before=term.before,
                at=term.at,
            ),
            None,
            1,
        ),
    )
