"""trust-region: one update moved the policy far from the one that had collected the data."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.attribution.case import Case
from spikediag.attribution.causes.lr_change import raised
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import Quantity, grew, growth, measuring, witnesses_of
from spikediag.attribution.run_facts import highest_rate
from spikediag.model import Advice, Evidence, LossKind, Run, Series, Shape, Text, Tier, Witness, say

DISTANCES = (Quantity.POLICY_KL, Quantity.RATIO)
FAR = 5.0  # times its level before, from which a distance is large
CLEARLY = 20.0
LAST_POINTS = 5  # logged points up to the peak that give the distance at the jump
FEWEST_BEFORE = 20
RARELY_AWAY = 0.25  # share of the points before the onset that may be half as far away
LOG = "approx_kl = ((ratio - 1) - log_ratio).mean()  # and clip_fraction = (abs(ratio - 1) > clip).mean()"


@registry.register
@dataclass(frozen=True)
class TrustRegion:
    """The policy moved too far in one update, away from the policy that had collected the data.

    What it means:
        PPO and its kin weigh samples by the ratio of the new to the old probability of an action. After
        too large a step some ratios are huge: the surrogate leaps, its clipped gradient cannot pull it
        back, and the next data are collected by a damaged policy, whose values must be learnt anew.

    Evidence for:
        The divergence from the old policy (approx_kl) or the ratio leaps before the loss or with it, far
        beyond its usual range, or had left it before and stays away; the share of clipped samples leaps too.

    Evidence against:
        A divergence that stays in its usual range, or leaps only after the loss. Blind spot: where the
        divergence is a mean over many updates, one bad update hardly shows.

    What to do:
        Lower the learning rate or the number of epochs over one batch of data, stop an update early at a
        target divergence, clip the gradient; for language models, raise the weight of the KL penalty.
    """

    id: str = "trust-region"
    prior: float = 0.05
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset({LossKind.POLICY_GRADIENT, LossKind.VALUE})

    def applies(self, run: Run, loss: Series) -> bool:
        """To a policy held near the one before, and to its values where the distance from that is logged."""
        kind = run.loss_kind(loss)
        if kind is LossKind.POLICY_GRADIENT:
            return True
        unsure = kind in {LossKind.UNKNOWN, LossKind.KL_REGULARISED, LossKind.VALUE}
        return unsure and bool(measuring(run, *DISTANCES, Quantity.CLIPPED))

    def judge(self, case: Case) -> Judgement:
        """Did the distance from the old policy leap, and not after the loss?"""
        distances = measuring(case.run, *DISTANCES, Quantity.CLIPPED)
        if not distances:
            return Judgement(Tier.MECHANISM, checkable=False, missing=(_log(),))
        moved = [w for w in witnesses_of(case, *DISTANCES) if w.change > 0]
        early = [w for w in moved if not w.lag.follows]
        away = next(_stands_away(case), None) if not any(w.lag.leads for w in early) else None
        if away is not None and (away.already >= FAR * away.usual or not moved):
            return _was_away(case, away)
        if not early:
            late = tuple(_came_after(witness) for witness in moved[:1])
            return Judgement(Tier.MECHANISM, late or tuple(_usual(case, distances)), ruled_out=bool(late))
        first = early[0]
        return Judgement(
            Tier.MECHANISM,
            (_order(first), *_size(first), *_clipped(case)),
            decisive=growth(first) >= FAR,
            advice=_advice(case.run),
            mechanism=_mechanism(case, first),
        )


@dataclass(frozen=True)
class Away:
    """A distance from the old policy that had left its usual range before the jump, and stayed away."""

    tag: str
    usual: float
    already: float  # just before the onset
    at: float
    share: float  # of all points before the onset that are as far away


def _stands_away(case: Case) -> Iterator[Away]:
    """The logged distances that stand far above their usual level up to the peak, or soon after the onset."""
    last = min(case.stretch.last, case.begin + LAST_POINTS * case.loss.interval)
    for series in measuring(case.run, *DISTANCES):
        values = series.before(case.begin)
        at = series.values[series.finite & (series.steps <= last)][-LAST_POINTS:]
        if len(values) < FEWEST_BEFORE or not np.median(values) > 0:
            continue
        usual, now = float(np.median(values)), float(np.median(at))
        share = float(np.mean(values >= 0.5 * now))
        if now >= CLEARLY * usual and share <= RARELY_AWAY:
            yield Away(series.tag, usual, float(np.median(values[-LAST_POINTS:])), now, share)


def _was_away(case: Case, away: Away) -> Judgement:
    """A jump while the policy updates were far too large: the distance itself has no onset there."""
    reading = say(
        "{tag} stands at {at:.3g} at the jump, {times:,.0f} times its usual {usual:.3g}; it had stood half "
        "as high at {share:.0%} of the points before.",
        tag=away.tag,
        at=away.at,
        times=away.at / away.usual,
        usual=away.usual,
        share=away.share,
    )
    return Judgement(
        Tier.MECHANISM,
        (weigh("policy-away", 1.8, observed=away.at, reference=away.usual, reading=reading),),
        decisive=raised(case, case.begin)
        is None,  # a rate that was raised takes the policy farther with every update
        advice=_advice(case.run),
        mechanism=say("The policy moves far from the one that collects the data: {what}", what=reading),
    )


def _mechanism(case: Case, witness: Witness) -> Text:
    """One update for a burst; what lasts was not made by one."""
    moved = phrases.moved_with(witness)
    if case.spike.shape is Shape.BURST:
        return say(
            "One update took the policy far from the one that had collected the data: {witness}",
            witness=moved,
        )
    return say(
        "Updates took the policy far from the one that had collected the data: {witness}", witness=moved
    )


def _order(witness: Witness) -> Evidence:
    reading = phrases.moved_with(witness)
    return weigh(
        "policy-moved", 1.5 if witness.lag.leads else 1.2, observed=witness.lag.steps, reading=reading
    )


def _size(witness: Witness) -> Iterator[Evidence]:
    times = growth(witness)
    weight = 0.8 if times >= CLEARLY else 0.3 if times >= FAR else -0.5
    yield weigh("policy-distance", weight, observed=times, reference=FAR, reading=grew(witness.tag, times))


def _clipped(case: Case) -> Iterator[Evidence]:
    found = [w for w in witnesses_of(case, Quantity.CLIPPED) if w.change > 0 and not w.lag.follows]
    if found:
        reading = phrases.moved_with(found[0])
        yield weigh("clipped-share", 0.5, observed=found[0].at, reading=reading)


def _usual(case: Case, distances: tuple[Series, ...]) -> Iterator[Evidence]:
    seen = case.first_seen(distances)
    if seen is not None:
        reading = say("{tag} did not move farther at the jump than it does elsewhere.", tag=seen.tag)
        yield weigh("policy-usual", -1.5, reading=reading)


def _came_after(witness: Witness) -> Evidence:
    return weigh("policy-after", -2.0, observed=witness.lag.steps, reading=phrases.moved_with(witness))


def _log() -> Advice:
    return Advice(
        say("Log the divergence from the old policy and the clipped share: they tell whether it moved far."),
        LOG,
    )


def _advice(run: Run) -> tuple[Advice, ...]:
    rate = highest_rate(run)
    text = say("Lower the learning rate or the epochs over one batch, and stop at a target divergence.")
    if rate is not None:
        text = say(
            "Lower the learning rate below {rate:.2g} or the epochs over one batch, and stop at a target "
            "divergence.",
            rate=rate,
        )
    return (Advice(text, "target_kl = 0.02", 1),)
