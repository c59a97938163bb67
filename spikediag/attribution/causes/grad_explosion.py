"""grad-explosion: the gradient norm leapt first and the update it made threw the loss up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikediag.attribution import advice, remedies
from spikediag.attribution.case import Case
from spikediag.attribution.gradients import LARGE, STALE, GradientRise, over_memory
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.recorded import BATCH, WEIGHTS, Blame
from spikediag.attribution.run_facts import beta2
from spikediag.model import Evidence, LossKind, Role, Text, Tier, say

FEWEST_POINTS = 20
VERY_LARGE = 10.0  # times the median
AT_ONCE = 20  # logged points within which a thrown loss stands half as high
UNHEARD = 2.0  # times the largest norm before, from which it leaps as far nowhere else


@registry.register
@dataclass(frozen=True)
class GradExplosion:
    """One gradient was far too large, and the step it made raised the loss.

    What it means:
        A mechanism: it says how the jump unfolded. An outlying gradient, or an Adam whose memory of
        small gradients makes the next large one count too much, moves the weights too far; the loss
        leaps at the following steps.

    Evidence for:
        The logged gradient norm leaps one or more logged points before the loss; a large factor; an Adam
        preconditioner that lags behind (gradient over its remembered root mean square of 2.3 or more).

        In a flight record: samples that never change lose as much as the batch, after updates whose gradient
        had left its usual range.

    Evidence against:
        A gradient norm that stays in its usual range, or leaps about as far where the loss does not jump,
        or rises only with the loss: then it is the consequence. A loss that climbs slowly: one update throws
        it at once. Samples that never change and lose no more
        than before: then the weights were not thrown.

    What to do:
        Clip the gradient norm somewhat above its usual value, lower Adam's beta2, lower the learning rate.
    """

    id: str = "grad-explosion"
    prior: float = 0.05
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset({LossKind.LIKELIHOOD})

    def judge(self, case: Case) -> Judgement:
        """Did the gradient norm leap, and did it leap first?"""
        norms = [s for s in case.run.having(Role.GRAD_NORM) if s.finite.sum() >= FEWEST_POINTS]
        rise, probed = case.gradient, tuple(_probed(case))
        if any(not e.supports for e in probed):
            return Judgement(Tier.MECHANISM, probed, ruled_out=True)
        if rise is None:
            missing = () if norms else (advice.log_line(case.run, Role.GRAD_NORM),)
            return Judgement(Tier.MECHANISM, probed, checkable=False, missing=missing)
        if not rise.leapt:
            return Judgement(Tier.MECHANISM, (_usual(rise),), ruled_out=True)
        if case.leapt_after(rise):
            return Judgement(Tier.MECHANISM, (_came_after(rise),), ruled_out=True)
        doubts = (*_climbed(case), *_leaps_anyway(case, rise))
        if doubts:
            return Judgement(Tier.MECHANISM, (_size(rise), *doubts))
        first = rise.leapt_first or _overshot(case, rise)  # with the loss, it is as large as the loss is
        large = (_size(rise), *_staleness(case, rise))
        return Judgement(
            Tier.MECHANISM,
            (_order(rise), *(e if first else replace(e, weight=0.0) for e in large), *probed),
            decisive=first,
            advice=(
                remedies.clip_gradients(case.run, 2 * rise.typical),
                *remedies.not_yet_done(case.run, "beta2", "lr-decay"),
            ),
            mechanism=_mechanism(rise),
        )


def _usual(rise: GradientRise) -> Evidence:
    reading = say(
        "{tag} stays in its usual range: at most {factor:.1f} times its median before the jump.",
        tag=rise.tag,
        factor=rise.factor,
    )
    return weigh("usual-range", -2.0, observed=rise.factor, reference=LARGE, reading=reading)


def _climbed(case: Case) -> Iterator[Evidence]:
    """Whether a rise that lasts was slow."""
    if case.is_burst or case.half_risen is None or case.half_risen - case.spike.start <= AT_ONCE:
        return
    points = case.half_risen - case.spike.start
    reading = say(
        "{tag} climbed: it took {points} logged points to stand half as high, where one update throws it at "
        "once.",
        tag=case.spike.tag,
        points=points,
    )
    yield weigh("climbed", -1.5, observed=points, reference=AT_ONCE, reading=reading)


def _probed(case: Case) -> Iterator[Evidence]:
    """Whether the updates raised the loss of samples that never change; nothing where that is open."""
    seen, probe = case.recorded, case.recorded.probe if case.recorded is not None else None
    if seen is None or probe is None or probe.blame is Blame.OPEN:
        return
    weight, reference = (1.5, WEIGHTS) if probe.blame is Blame.WEIGHTS else (-2.0, BATCH)
    reading = seen.of_probe(probe)
    yield weigh("probe", weight, observed=probe.share, reference=reference, reading=reading)


def _overshot(case: Case, rise: GradientRise) -> bool:
    """Whether updates with an unusual gradient came between the calm and the peak, and moved the weights."""
    seen, probe = case.recorded, case.recorded.probe if case.recorded is not None else None
    moved = probe is not None and probe.blame is Blame.WEIGHTS
    return moved and seen is not None and rise.step < seen.step


def _staleness(case: Case, rise: GradientRise) -> Iterator[Evidence]:
    if rise.tag not in case.run.series:
        return  # recorded, for too few updates to tell what Adam remembers
    steps, ratios = over_memory(case.run, case.run.series[rise.tag], beta2(case.run))
    at = int(np.searchsorted(steps, rise.step))
    if at == len(steps) or steps[at] != rise.step or ratios[at] < STALE:
        return
    reading = say(
        "At step {step:,} the gradient was {ratio:.1f} times what Adam remembered ({stale:g} is risky).",
        step=rise.step,
        ratio=float(ratios[at]),
        stale=STALE,
    )
    yield weigh("adam-lags", 0.2, observed=float(ratios[at]), reference=STALE, reading=reading)


def _mechanism(rise: GradientRise) -> Text:
    if rise.leapt_first:
        return say(
            "{tag} leapt to {factor:.0f} times its median at step {step:,}, before the loss; the update it "
            "made raised the loss.",
            tag=rise.tag,
            factor=rise.factor,
            step=rise.step,
        )
    return say(
        "{tag} leapt to {factor:.0f} times its median together with the loss: it may be the consequence.",
        tag=rise.tag,
        factor=rise.factor,
    )


def _order(rise: GradientRise) -> Evidence:
    if rise.leapt_first:
        return weigh("rose-first", 1.5, observed=rise.lead, reference=0.0, reading=rise.before)
    reading = say(
        "{tag} leapt with the loss, not before it: that alone does not tell cause from consequence.",
        tag=rise.tag,
    )
    return weigh("rose-with", 0.0, observed=rise.lead, reference=0.0, reading=reading)


def _leaps_anyway(case: Case, rise: GradientRise) -> Iterator[Evidence]:
    if rise.over_past >= UNHEARD or not case.usual_elsewhere(rise.tag):
        return
    reading = say(
        "{tag} leaps about as far where the loss does not jump: that it did so here says little.",
        tag=rise.tag,
    )
    yield weigh("leaps-elsewhere", -1.0, observed=rise.lead, reading=reading)


def _came_after(rise: GradientRise) -> Evidence:
    reading = say(
        "{tag} leapt {late:,.0f} steps after the loss: it is the consequence.", tag=rise.tag, late=-rise.lead
    )
    return weigh("rose-after", -2.0, observed=rise.lead, reference=0.0, reading=reading)


def _size(rise: GradientRise) -> Evidence:
    reading = say(
        "{tag} reached {factor:.0f} times its median of {typical:.3g}.",
        tag=rise.tag,
        factor=rise.factor,
        typical=rise.typical,
    )
    weight = 0.5 if rise.factor >= VERY_LARGE else 0.2
    return weigh("size", weight, observed=rise.factor, reference=VERY_LARGE, reading=reading)
