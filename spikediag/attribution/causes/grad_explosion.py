"""grad-explosion: the gradient norm leapt first and the update it made threw the loss up."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution import remedies
from spikediag.attribution.gradients import LARGE, GradientRise, adam_staleness, gradient_rise
from spikediag.attribution.loglines import log_line
from spikediag.attribution.protocol import Judgement, cause
from spikediag.attribution.settings import beta2
from spikediag.model import Case, Evidence, Role, Text, Tier, say


@cause
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

    Evidence against:
        A gradient norm that stays in its usual range, or rises only with the loss: then it is the
        consequence.

    What to do:
        Clip the gradient norm somewhat above its usual value, lower Adam's beta2, lower the learning rate.
    """

    id: str = "grad-explosion"
    prior: float = 0.05
    stale: float = 2.3  # gradient over Adam's remembered rms (Wortsman et al. 2023, arXiv 2304.13013)

    def judge(self, case: Case) -> Judgement:
        """Did the gradient norm leap, and did it leap first?"""
        norms = [s for s in case.run.having(Role.GRAD_NORM) if np.isfinite(s.values).sum() >= 20]
        if not norms:
            return Judgement(Tier.MECHANISM, checkable=False, missing=(log_line(case.run, Role.GRAD_NORM),))
        rise = gradient_rise(case)
        if rise is None:
            return Judgement(Tier.MECHANISM, checkable=False)
        if not rise.leapt:
            return Judgement(Tier.MECHANISM, (self._usual(rise),), ruled_out=True)
        first = rise.lead > 0
        return Judgement(
            Tier.MECHANISM,
            (_order(rise), _size(rise), *self._staleness(case, rise)),
            decisive=first,
            advice=(
                remedies.clip_gradients(case.run, 2 * rise.typical),
                remedies.lower_beta2(case.run, beta2(case.run)),
                remedies.decay_rate(case.run),
            ),
            mechanism=_mechanism(rise),
        )

    def _usual(self, rise: GradientRise) -> Evidence:
        reading = say(
            "{tag} stays in its usual range: at most {factor:.1f} times its median before the jump.",
            tag=rise.tag,
            factor=rise.factor,
        )
        return Evidence("usual-range", reading, -2.0, rise.factor, LARGE)

    def _staleness(self, case: Case, rise: GradientRise) -> Iterator[Evidence]:
        ratio = adam_staleness(case.run.series[rise.tag], rise.step, beta2(case.run))
        if ratio is not None and ratio >= self.stale:
            yield Evidence(
                "adam-lags",
                say(
                    "At step {step:,} the gradient was {ratio:.1f} times what Adam remembered ({stale:g} is "
                    "risky).",
                    step=rise.step,
                    ratio=ratio,
                    stale=self.stale,
                ),
                0.2,
                ratio,
                self.stale,
            )


def _mechanism(rise: GradientRise) -> Text:
    if rise.lead > 0:
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
    if rise.lead > 0:
        reading = say("{tag} leapt {lead:,.0f} steps before the loss.", tag=rise.tag, lead=rise.lead)
        return Evidence("rose-first", reading, 1.5, rise.lead, 0.0)
    reading = say(
        "{tag} leapt with the loss, not before it: that alone does not tell cause from consequence.",
        tag=rise.tag,
    )
    return Evidence("rose-with", reading, 0.0, rise.lead, 0.0)


def _size(rise: GradientRise) -> Evidence:
    reading = say(
        "{tag} reached {factor:.0f} times its median of {typical:.3g}.",
        tag=rise.tag,
        factor=rise.factor,
        typical=rise.typical,
    )
    return Evidence("size", reading, 0.5 if rise.factor >= 10 else 0.2, rise.factor, 10.0)
