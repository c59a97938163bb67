"""non-finite: a NaN or an infinity entered, and everything computed from it followed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.protocol import Judgement, cause
from spikediag.attribution.timing import slack
from spikediag.model import Advice, Case, Evidence, Kind, Role, Run, Tier, say

_WATCHED = (
    Role.LOSS, Role.COMPANION, Role.LOG_STD, Role.ENTROPY, Role.GRAD_NORM, Role.LEARNING_RATE, Role.REWARD,
)  # fmt: skip
_GREW_SDS = 8.0  # robust sd above its level: the loss was on its way up before


@dataclass(frozen=True)
class FirstNonFinite:
    """The first value of a series that is not a number."""

    tag: str
    step: int


@cause
@dataclass(frozen=True)
class NonFinite:
    """A NaN or an infinity entered the computation.

    What it means:
        One invalid input, a logarithm of zero, a division by a sigma of zero or an overflow: the loss is
        NaN, its gradient is, and after one update every weight. Training does not come back from it.

    Evidence for:
        The loss itself is not finite; no growth before it, which speaks for an invalid input; the tag that
        failed first names the place.

    Evidence against:
        Every logged value is finite; or the loss had been growing before: then what made it grow is the
        cause and the NaN only its end.

    What to do:
        Check inputs for NaN, find the first operation with anomaly detection, keep sigma away from zero,
        skip updates whose gradient is not finite.
    """

    id: str = "non-finite"
    prior: float = 0.1

    def judge(self, case: Case) -> Judgement:
        """Is anything not a number at the onset, and what failed first?"""
        found = first_non_finite(case.run)
        near = [f for f in found if -slack(case) <= case.spike.onset_step - f.step <= 3 * slack(case)]
        own = case.spike.kind is Kind.NON_FINITE or _not_finite_inside(case)
        if not own and not near:
            return Judgement(Tier.TRIGGER, (_finite(found, case),), ruled_out=True)
        evidence = (*_loss(case, own=own), *_first(near), *_grew(case))
        return Judgement(
            Tier.TRIGGER,
            evidence,
            decisive=own,
            advice=_advice(case),
            mechanism=say(
                "From step {step:,} on the loss is not a number; gradients and weights follow from one "
                "update to the next.",
                step=case.spike.onset_step,
            ),
        )


def first_non_finite(run: Run) -> tuple[FirstNonFinite, ...]:
    """The first non-finite value of every watched series that has one, earliest first."""
    found = []
    for role in _WATCHED:
        for series in run.having(role):
            where = np.flatnonzero(~np.isfinite(series.values))
            if len(where):
                found.append(FirstNonFinite(series.tag, int(series.steps[where[0]])))
    return tuple(sorted(found, key=lambda f: (f.step, f.tag)))


def _not_finite_inside(case: Case) -> bool:
    values = case.run.series[case.spike.tag].values[case.spike.start : case.spike.stop]
    return not bool(np.isfinite(values).all())


def _finite(found: tuple[FirstNonFinite, ...], case: Case) -> Evidence:
    if not found:
        return Evidence("all-finite", say("Every logged value is finite."), -2.0, 0, 0)
    reading = say(
        "The first value that is not finite is {tag} at step {step:,}; the jump begins at {onset:,}.",
        tag=found[0].tag,
        step=found[0].step,
        onset=case.spike.onset_step,
    )
    return Evidence("finite-here", reading, -2.0, found[0].step, case.spike.onset_step)


def _loss(case: Case, *, own: bool) -> Iterator[Evidence]:
    if own:
        values = case.run.series[case.spike.tag].values
        count = int((~np.isfinite(values)).sum())
        reading = say(
            "{tag} is not finite from step {step:,} ({count:,} points).",
            tag=case.spike.tag,
            step=case.spike.onset_step,
            count=count,
        )
        yield Evidence("loss-not-finite", reading, 2.0, count, 0)


def _first(near: list[FirstNonFinite]) -> Iterator[Evidence]:
    if not near:
        return
    together = ", ".join(f.tag for f in near if f.step == near[0].step)
    reading = say("First not finite, at step {step:,}: {tags}.", step=near[0].step, tags=together)
    yield Evidence("first-tag", reading, 0.5, near[0].step, None)


def _grew(case: Case) -> Iterator[Evidence]:
    spike, values = case.spike, case.run.series[case.spike.tag].values
    before = values[max(0, spike.start - 5) : spike.start]
    before = before[np.isfinite(before)]
    if spike.kind is not Kind.NON_FINITE or not len(before):
        return
    if float(np.max(before)) > spike.baseline + _GREW_SDS * spike.noise and spike.noise > 0:
        reading = say(
            "The loss had grown first, to {top:.3g} from {level:.3g}: the NaN is the end of a divergence.",
            top=float(np.max(before)),
            level=spike.baseline,
        )
        yield Evidence("grew-first", reading, -1.0, float(np.max(before)), spike.baseline)


def _advice(case: Case) -> tuple[Advice, ...]:
    return (
        Advice(
            say(
                "Check what enters the network at step {step:,}: observations, actions and rewards.",
                step=case.spike.onset_step,
            ),
            "assert torch.isfinite(observations).all() and torch.isfinite(actions).all(), step",
            1,
        ),
        Advice(
            say("Find the first operation that fails."),
            "torch.autograd.set_detect_anomaly(True)",
            2,
        ),
        Advice(
            say("Skip updates whose gradient is not finite, so that one bad batch does not end the run."),
            "if torch.isfinite(grad_norm): optimizer.step()",
            3,
        ),
    )
