"""resume: the training was stopped and started again just before the jump."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.attribution.advice import line
from spikediag.attribution.case import Case, precedence
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import Advice, Evidence, LossKind, Run, Shape, Tier, say

DELAYS = (2.0, 10.0, 100.0)  # steps: at once, or until Adam has a new memory, within some hundred
HORIZON = 1000.0, 20.0  # steps or logged points: later, the restart is over


@dataclass(frozen=True)
class Boundary:
    """A place where one process ended and another went on."""

    step: int  # first step of the new process
    reading: tuple[int, int] | None  # steps before and after, where the counter went back or leapt


@registry.register
@dataclass(frozen=True)
class Resume:
    """The training was resumed just before the jump.

    What it means:
        A checkpoint often holds the weights but not the optimizer's memory, the data order or the
        learning-rate schedule. Adam without memory moves every weight by a full learning rate at once,
        and the loss leaps at the first steps after the restart, then settles.

    Evidence for:
        A new event file, or a step counter that went back or leapt, within a few logged points of the onset.

    Evidence against:
        One process from the first step to the last; a restart far from the jump.

    What to do:
        Save and load the optimizer, the scheduler and the sampler with the weights; after a resume without
        them, warm the learning rate up.
    """

    id: str = "resume"
    prior: float = 0.1
    of_falls: bool = True
    calibrated: frozenset[LossKind] = frozenset({LossKind.LIKELIHOOD, LossKind.VALUE, LossKind.CROSS_ENTROPY})

    def judge(self, case: Case) -> Judgement:
        """Look for the restart nearest before the onset."""
        if not case.run.sessions and not case.run.rewinds:
            return Judgement(Tier.TRIGGER, checkable=False)
        found = boundaries(case.run)
        begin, near = _near(case, found)
        if not near:
            return Judgement(Tier.TRIGGER, (_elsewhere(found, case.begin),), ruled_out=True)
        nearest = max(near, key=lambda b: b.step)
        lag = begin - nearest.step
        delays = tuple(max(delay, 0.5 * case.slack()) for delay in DELAYS)
        bans = precedence(lag, case.length, delays, len(found))
        return Judgement(
            Tier.TRIGGER,
            (_before(nearest, lag, bans), *_backward(nearest), *_noise(case)),
            decisive=bans > 0,
            advice=_advice(case.run),
            mechanism=say(
                "The training was started again at step {step:,}; without the optimizer's memory the first "
                "updates move every weight by a full learning rate.",
                step=nearest.step,
            ),
        )


def _near(case: Case, found: tuple[Boundary, ...]) -> tuple[float, list[Boundary]]:
    """Where the jump, or else the tallest of many, began, and the restarts within reach before it."""
    for jump in (case.jump, case.rise):
        begin = float(case.begin) if jump is case.jump else jump.step
        near = [
            b
            for b in found
            if begin - b.step <= case.reach(*HORIZON) and not case.lag(case.loss, b.step, jump).follows
        ]
        if near:
            return begin, near
    return float(case.begin), []


def boundaries(run: Run) -> tuple[Boundary, ...]:
    """Restarts by step, each once."""
    found = {s.first_step: Boundary(s.first_step, None) for s in run.sessions[1:]}
    found |= {r.to_step: Boundary(r.to_step, (r.from_step, r.to_step)) for r in run.rewinds}
    return tuple(found[step] for step in sorted(found))


def _before(boundary: Boundary, lag: float, bans: float) -> Evidence:
    reading = say(
        "A new process begins at step {step:,}, {lag:,.0f} steps before the jump.",
        step=boundary.step,
        lag=lag,
    )
    if lag < 0:
        reading = say(
            "A new process begins at step {step:,}, logged {late:,.0f} steps after the jump was.",
            step=boundary.step,
            late=-lag,
        )
    return weigh("restart-before", bans, observed=lag, reading=reading)


def _backward(boundary: Boundary) -> tuple[Evidence, ...]:
    if boundary.reading is None:
        return ()
    before, after = boundary.reading
    reading = say(
        "The step counter goes from {before:,} to {after:,}: an older checkpoint was loaded.",
        before=before,
        after=after,
    )
    weight = 0.5 if after <= before else 0.2
    return (weigh("step-went-back", weight, observed=after, reference=before, reading=reading),)


def _noise(case: Case) -> Iterator[Evidence]:
    """More scatter for good is not what the first updates of a restart leave behind."""
    if case.spike.shape is Shape.NOISE and not case.spike.recovered:
        reading = say("The loss stays noisier; after a restart it settles.")
        yield weigh("stays-noisier", -1.0, observed=case.spike.sigmas, reading=reading)


def _elsewhere(found: tuple[Boundary, ...], onset: int) -> Evidence:
    if not found:
        reading = say("One process logged the run from first to last step.")
        return weigh("one-process", -2.0, observed=0, reading=reading)
    nearest = min(found, key=lambda b: abs(b.step - onset))
    reading = say(
        "The nearest restart is at step {step:,}; the jump begins at {onset:,}.",
        step=nearest.step,
        onset=onset,
    )
    return weigh("restart-elsewhere", -2.0, observed=nearest.step, reference=onset, reading=reading)


def _advice(run: Run) -> tuple[Advice, ...]:
    return (
        Advice(
            say(
                "Save and load the optimizer's state with the weights, and the scheduler's and sampler's too."
            ),
            line(run, "save_optimizer"),
            1,
        ),
        Advice(
            say("Where it is lost, warm the rate up over some hundred steps."),
            None,
            2,
        ),
    )
