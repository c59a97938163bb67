"""replay-turnover: the replay buffer was full, emptied or refilled, and other samples are learnt from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import Quantity, measuring
from spikediag.model import REINFORCED, Advice, Evidence, LossKind, Run, Series, Tier, say

DELAYS = (3.0, 100.0, 1000.0)  # steps: at once, or as the buffer is replaced one sample at a time
HORIZON = 5000.0, 20.0  # steps or logged points
FULL = 1e-6  # share of its largest size by which it may lie below
EMPTIED = 0.5  # share of its size that it loses at once
FEWEST_POINTS = 10


@registry.register
@dataclass(frozen=True)
class ReplayTurnover:
    """The replay buffer reached its capacity or was emptied: the data that are learnt from changed.

    What it means:
        Once the buffer is full every new sample pushes out the oldest, and with them the exploration of the
        beginning. Values of states that are no longer seen drift; a buffer that is emptied at a restart
        lets the critic meet a few new samples again and again.

    Evidence for:
        The logged size of the buffer reaches its largest value for good, or falls, shortly before the jump.

    Evidence against:
        A buffer that goes on filling, or has been full for long. Blind spot: what is in it is not logged.

    What to do:
        Enlarge the buffer, keep a share of the first samples, save it with the checkpoint, and collect some
        thousand steps before updates go on after a restart.
    """

    id: str = "replay-turnover"
    prior: float = 0.03
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset()

    def applies(self, run: Run, loss: Series) -> bool:
        """Where the size of a replay buffer is logged."""
        return run.loss_kind(loss) in REINFORCED and bool(measuring(run, Quantity.BUFFER))

    def judge(self, case: Case) -> Judgement:
        """Was it full, or emptied, just before the jump?"""
        found = tuple(_turned(case))
        if not found:
            return Judgement(Tier.TRIGGER, (_fills(case),), ruled_out=True)
        return Judgement(
            Tier.TRIGGER,
            found,
            decisive=found[0].weight > 0,
            advice=(_advice(),),
            mechanism=say("Other samples are learnt from: {what}", what=found[0].reading),
        )


@dataclass(frozen=True)
class Turn:
    """When a buffer began to forget."""

    step: int
    emptied: bool
    before: float
    after: float


def turns(series: Series) -> tuple[Turn, ...]:
    """Where it is emptied, and the one step from which it is full to the end."""
    steps, values = series.numbers
    if len(values) < FEWEST_POINTS:
        return ()
    emptied = np.flatnonzero(values[1:] < EMPTIED * values[:-1]) + 1
    found = [Turn(int(steps[i]), True, float(values[i - 1]), float(values[i])) for i in emptied]
    top = float(np.max(values))
    below = np.flatnonzero(values < (1 - FULL) * top)
    full = int(below[-1]) + 1 if len(below) else 0
    if 0 < full <= len(values) - FEWEST_POINTS:
        found.append(Turn(int(steps[full]), False, float(values[full - 1]), top))
    return tuple(found)


def _turned(case: Case) -> Iterator[Evidence]:
    for series in measuring(case.run, Quantity.BUFFER):
        known = turns(series)
        reach = case.reach(*HORIZON)
        near = [t for t in known if case.begin - t.step <= reach and not case.lag(series, t.step).follows]
        if near:
            last = max(near, key=lambda t: t.step)
            bans = case.precedence(
                last.step, (max(DELAYS[0], 0.5 * case.slack(series)), *DELAYS[1:]), len(known)
            )
            yield _turn(case, series, last, bans)


def _turn(case: Case, series: Series, turn: Turn, bans: float) -> Evidence:
    lag = float(case.begin - turn.step)
    reading = say(
        "{tag} is full, at {size:,.0f}, from step {step:,} on: new samples push out the oldest.",
        tag=series.tag,
        size=turn.after,
        step=turn.step,
    )
    if turn.emptied:
        reading = say(
            "{tag} fell from {before:,.0f} to {after:,.0f} at step {step:,}.",
            tag=series.tag,
            before=turn.before,
            after=turn.after,
            step=turn.step,
        )
    what = "emptied" if turn.emptied else "full"
    return weigh(what, bans, observed=lag, reference=case.reach(*HORIZON), reading=reading)


def _fills(case: Case) -> Evidence:
    tags = ", ".join(series.tag for series in measuring(case.run, Quantity.BUFFER))
    reading = say("{tags} was neither full nor emptied just before the jump.", tags=tags)
    return weigh("no-turn", -2.0, observed=float(case.begin), reading=reading)


def _advice() -> Advice:
    return Advice(
        say(
            "Enlarge the buffer or keep a share of its first samples; save it with the checkpoint, and "
            "collect some thousand steps before updates go on after a restart."
        ),
        None,
        1,
    )
