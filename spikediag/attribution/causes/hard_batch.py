"""hard-batch: one batch held samples the policy gets badly wrong; loss and error rise together, once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution import remedies
from spikediag.attribution.gradients import LARGE, gradient_rise
from spikediag.attribution.loglines import log_line
from spikediag.attribution.periods import best_period
from spikediag.attribution.protocol import Judgement, cause
from spikediag.attribution.timing import SHORT_KINDS, origin, points_high
from spikediag.model import Advice, Case, CompanionTest, CouplingVerdict, Evidence, Role, Tier, say

FEWEST_PEAKS = 5  # for a period to mean anything
BY_CHANCE = 1e-3


@cause
@dataclass(frozen=True)
class HardBatch:
    """A single batch was hard: corrupted, mislabelled or simply unlike the rest.

    What it means:
        The loss of that batch is high because the policy is wrong on it, so an error metric of the
        same batch is high as well, and both are back with the next batch. The smaller the batch, the
        more one bad sample weighs.

    Evidence for:
        Loss and error rise at the same logged point; the rise lasts one or two points.

    Evidence against:
        An error that stays flat while the loss jumps; a rise that lasts for many points, since batches
        are drawn anew at every step.

    What to do:
        Log the indices of the batch when the loss exceeds its usual range, look at these samples, clip
        gradients or use a robust loss.
    """

    id: str = "hard-batch"
    prior: float = 0.06
    shortest: int = 2  # logged points one bad batch may fill
    longest: int = 6  # more are not one batch
    away_sds: float = 10.0  # sd of the loss above its level; more: the weights were thrown
    away_share: float = 0.07  # of the height

    def judge(self, case: Case) -> Judgement:
        """Coupled and isolated speaks for it; a flat error rules it out."""
        verdict = case.coupling.verdict
        if verdict is CouplingVerdict.NO_COMPANION:
            return Judgement(Tier.TRIGGER, checkable=False, missing=(log_line(case.run, Role.COMPANION),))
        points = points_high(case)
        evidence = (
            *_error(case),
            self._duration(case, points),
            *self._afterwards(case),
            *_gradient(case),
            *_aftershock(case),
            *_periodic(case),
        )
        seen = {e.what for e in evidence}
        thrown = (
            "not-back" in seen and "gradient-with" not in seen
        )  # its own gradient can throw the weights too
        excluded = thrown or bool(seen & {"gradient-first", "aftershock", "periodic"})
        lasting = case.spike.kind not in SHORT_KINDS or points > self.longest
        return Judgement(
            Tier.TRIGGER,
            evidence,
            checkable=verdict is not CouplingVerdict.UNDECIDED,
            decisive=verdict is CouplingVerdict.COUPLED and points <= self.shortest and not excluded,
            ruled_out=verdict is CouplingVerdict.DECOUPLED or lasting,
            advice=_advice(case),
            mechanism=say(
                "The policy was wrong on this batch: error and loss rose in the same logged point and were "
                "back within {points}.",
                points=points,
            ),
        )

    def _duration(self, case: Case, points: int) -> Evidence:
        if case.spike.kind not in SHORT_KINDS:
            reading = say(
                "The loss stays up ({kind}); batches are drawn anew at every step, one bad batch is over "
                "after one.",
                kind=case.spike.kind.value,
            )
            return Evidence("lasting", reading, -2.0, case.spike.kind.value, "transient")
        weight = 0.2 if points <= self.shortest else -1.5 if points > self.longest else -0.5
        reading = say(
            "Logged points for which the loss stands high: {points}; one bad batch fills one.", points=points
        )
        return Evidence("duration", reading, weight, points, self.shortest)

    def _afterwards(self, case: Case) -> Iterator[Evidence]:
        """The next batches are ordinary ones: the loss must be back with them."""
        spike = case.spike
        after = case.run.series[spike.tag].values[spike.peak + 1 : spike.peak + 6]
        after = after[np.isfinite(after)]
        if spike.kind not in SHORT_KINDS or len(after) < 3 or not spike.noise > 0:
            return
        left = (float(np.median(after)) - spike.baseline) / spike.noise
        if left > self.away_sds or left > max(self.away_share * spike.sigmas, 3.0):
            reading = say(
                "The next batches are still {left:.0f} sd above the level before: the weights were thrown, "
                "which one bad batch does not do.",
                left=left,
            )
            yield Evidence("not-back", reading, -1.5, left, self.away_sds)
        else:
            reading = say("With the next batches the loss is back, {left:.1f} sd from its level.", left=left)
            yield Evidence("back-at-once", reading, 0.3, left, self.away_sds)


def _error(case: Case) -> Iterator[Evidence]:
    verdict = case.coupling.verdict
    if verdict is CouplingVerdict.DECOUPLED:
        yield Evidence("error-flat", case.coupling.reading, -2.0, "decoupled", "coupled")
    elif verdict is CouplingVerdict.COUPLED:
        yield Evidence("error-moved", case.coupling.reading, 1.2, "coupled", "coupled")
        yield from _far(case.coupling.tests[0])


def _aftershock(case: Case) -> Iterator[Evidence]:
    first = origin(case)
    if first is not case.spike:
        reading = say("A larger jump began shortly before, at step {step:,}.", step=first.onset_step)
        yield Evidence("aftershock", reading, -1.5, first.onset_step, case.spike.onset_step)


def _periodic(case: Case) -> Iterator[Evidence]:
    """Bad batches come at any step; many of them at one phase have a reason of their own."""
    if len(case.spike.members) < FEWEST_PEAKS:
        return
    best = best_period(case, BY_CHANCE)
    if best is not None and best.chance < BY_CHANCE:
        reading = say(
            "The peaks come with a period of {period:g} steps, not at any step.", period=best.period
        )
        yield Evidence("periodic", reading, -1.0, best.period, None)


def _gradient(case: Case) -> Iterator[Evidence]:
    """A hard batch has a large gradient of its own, never one before it."""
    rise = gradient_rise(case)
    if rise is None:
        return
    if rise.leapt and rise.lead > 0:
        reading = say(
            "{tag} leapt {lead:,.0f} steps earlier, in another batch.", tag=rise.tag, lead=rise.lead
        )
        yield Evidence("gradient-first", reading, -1.5, rise.lead, 0.0)
    elif rise.leapt:
        reading = say(
            "{tag} leapt in the same batch, to {factor:.0f} times its median.",
            tag=rise.tag,
            factor=rise.factor,
        )
        yield Evidence("gradient-with", reading, 0.3, rise.factor, LARGE)


def _far(test: CompanionTest) -> Iterator[Evidence]:
    if test.before > 0 and test.change >= test.before:
        reading = say(
            "{tag} rose to {factor:.1f} times its level.", tag=test.tag, factor=1 + test.change / test.before
        )
        yield Evidence("error-doubled", reading, 0.3, 1 + test.change / test.before, 2.0)


def _advice(case: Case) -> tuple[Advice, ...]:
    limit = case.spike.baseline + 0.5 * case.spike.height
    return (
        Advice(
            say(
                "Log which samples are in a batch whose loss exceeds {limit:.3g}, and look at them.",
                limit=limit,
            ),
            f"if loss.item() > {limit:.3g}: print(step, batch_indices.tolist())",
            1,
        ),
        remedies.clip_gradients(case.run, None),
    )
