"""non-finite: a NaN or an infinity entered, and everything computed from it followed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.advice import line
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import Advice, Evidence, LossKind, Role, Run, Shape, Text, Tier, say

_WATCHED = (
    Role.LOSS, Role.COMPANION, Role.LOG_STD, Role.ENTROPY, Role.GRAD_NORM, Role.LEARNING_RATE, Role.REWARD,
)  # fmt: skip
_GREW_SDS = 8.0  # robust sd above its level: the loss was on its way up before


@dataclass(frozen=True)
class FirstNonFinite:
    """The first value of a series that is not a number."""

    tag: str
    step: int


@registry.register
@dataclass(frozen=True)
class NonFiniteInput:
    """A NaN or an infinity entered the computation.

    What it means:
        One invalid input, a logarithm of zero, a division by a sigma of zero or an overflow: the loss is
        NaN, its gradient is, and after one update every weight. Training does not come back from it.

    Evidence for:
        The loss itself is not finite, or stands still to the last digit (often at 0) while the gradient norm
        is not finite, as loggers hide it; no growth before it, which speaks for an invalid input; the tag
        that failed first names the place.

    Evidence against:
        Every logged value is finite; or the loss had been growing before: then what made it grow is the
        cause and the NaN only its end.

    What to do:
        Check inputs for NaN, find the first operation with anomaly detection, keep sigma away from zero,
        skip updates whose gradient is not finite.
    """

    id: str = "non-finite"
    prior: float = 0.1
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset({LossKind.LIKELIHOOD, LossKind.CROSS_ENTROPY})

    def judge(self, case: Case) -> Judgement:
        """Is anything not a number at the onset, and what failed first?"""
        found = first_non_finite(case.run)
        near = [f for f in found if _came_first(case, f)]
        own = _lost_at(case)
        if own is None and not near:
            return Judgement(Tier.TRIGGER, (_finite(found, case),), ruled_out=True)
        step = near[0].step if own is None else own
        return Judgement(
            Tier.TRIGGER,
            (*_loss(case, own), *_first(near), *_grew(case)),
            decisive=own is not None,
            advice=_advice(case.run, step),
            mechanism=_mechanism(case, step),
        )


def first_non_finite(run: Run) -> tuple[FirstNonFinite, ...]:
    """The first non-finite value of every watched series that has one, earliest first."""
    lost = (s for role in _WATCHED for s in run.having(role) if not s.finite.all())
    found = (FirstNonFinite(s.tag, int(s.steps[s.finite.argmin()])) for s in lost)
    return tuple(sorted(found, key=lambda f: (f.step, f.tag)))


def _came_first(case: Case, found: FirstNonFinite) -> bool:
    """Whether it came shortly before the jump, or with it."""
    near = case.spike.onset_step - found.step <= 3 * case.slack()
    return near and not case.lag(case.run.series[found.tag], found.step).follows


def _lost_at(case: Case) -> int | None:
    """The step at which the loss itself stopped being a number; None where that is not how it leapt."""
    if case.spike.shape is Shape.LOST:
        return case.spike.onset_step
    lost = np.flatnonzero(~case.loss.finite[case.spike.start : case.spike.stop])
    step = int(case.loss.steps[case.spike.start + lost[0]]) if len(lost) else None
    return step if step is not None and not case.lag(case.loss, step).follows else None


def _mechanism(case: Case, step: int) -> Text:
    if case.spike.shape is Shape.LOST and case.spike.end_step is not None:
        return say(
            "From step {step:,} to step {end:,} the loss is not a number, then it is one again: the weights "
            "were spared or restored.",
            step=step,
            end=case.spike.end_step,
        )
    return say(
        "From step {step:,} on the loss is not a number; gradients and weights follow from one update to the "
        "next.",
        step=step,
    )


def _finite(found: tuple[FirstNonFinite, ...], case: Case) -> Evidence:
    if not found:
        return weigh(
            "all-finite", -2.0, observed=0, reference=0, reading=say("Every logged value is finite.")
        )
    onset = case.spike.onset_step
    reading = say(
        "The first value that is not finite is {tag} at step {step:,}; the jump begins at {onset:,}.",
        tag=found[0].tag,
        step=found[0].step,
        onset=onset,
    )
    return weigh("finite-here", -2.0, observed=found[0].step, reference=onset, reading=reading)


def _loss(case: Case, step: int | None) -> Iterator[Evidence]:
    if step is None:
        return
    count = int((~case.loss.finite[case.loss.steps >= step]).sum())
    reading = say(
        "{tag} is not finite from step {step:,} ({count:,} points).",
        tag=case.spike.tag,
        step=step,
        count=count,
    )
    if case.loss.stood_still_at is not None:
        reading = say(
            "{tag} stands still at {value:g} in the log from step {step:,} ({count:,} points), while the "
            "gradient norm is no number or left out: the logger hides a loss that is none.",
            tag=case.spike.tag,
            value=case.loss.stood_still_at,
            step=step,
            count=count,
        )
    yield weigh("loss-not-finite", 2.0, observed=count, reference=0, reading=reading)


def _first(near: list[FirstNonFinite]) -> Iterator[Evidence]:
    if not near:
        return
    together = ", ".join(f.tag for f in near if f.step == near[0].step)
    reading = say("First not finite, at step {step:,}: {tags}.", step=near[0].step, tags=together)
    yield weigh("first-tag", 0.5, observed=near[0].step, reading=reading)


def _grew(case: Case) -> Iterator[Evidence]:
    spike, before = case.spike, slice(max(0, case.spike.start - 5), case.spike.start)
    values = case.loss.values[before][case.loss.finite[before]]
    if spike.shape is not Shape.LOST or not len(values) or not spike.noise > 0:
        return
    top = float(np.max(values))
    if top > spike.baseline + _GREW_SDS * spike.noise:
        reading = say(
            "The loss had grown first, to {top:.3g} from {level:.3g}: the NaN is the end of a divergence.",
            top=top,
            level=spike.baseline,
        )
        yield weigh("grew-first", -1.0, observed=top, reference=spike.baseline, reading=reading)


def _advice(run: Run, step: int) -> tuple[Advice, ...]:
    return (
        Advice(
            say(
                "Check what enters the network at step {step:,}: inputs, targets and rewards.",
                step=step,
            ),
            line(run, "check_inputs"),
            1,
        ),
        Advice(
            say("Find the first operation that fails."),
            line(run, "find_first_failure"),
            2,
        ),
        Advice(
            say("Skip updates whose gradient is not finite, so that one bad batch does not end the run."),
            line(run, "skip_update"),
            3,
        ),
    )
