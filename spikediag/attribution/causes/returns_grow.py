"""returns-grow: the value loss climbs, and minus Q falls, because the returns that they predict grow."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import (
    Advice,
    Evidence,
    FloatArray,
    Kind,
    LossKind,
    Role,
    Run,
    Series,
    Shape,
    Tier,
    say,
)
from spikediag.stats.ranks import rank_correlation
from spikediag.stats.trend import middle

FEWEST_POINTS = 5  # on either side of the onset
LEVEL_POINTS = 20  # logged points before the onset that give the level
GREW = 1.5  # times its level before, in size
SQUARE = 2.0  # a squared error grows with the square of what it is the error of
SLACK = 4.0  # times the square that a loss may still grow by, as when episodes end differently
TOGETHER = 0.7  # rank correlation of loss and return


@registry.register
@dataclass(frozen=True)
class ReturnsGrow:
    """The policy collects larger returns, and the error of predicting them grows in proportion: harmless.

    What it means:
        A value function or a baseline that learns the returns as they are has a loss in squared units of
        the return. Ten times the return makes the same relative error a hundred times the loss. Nothing is
        wrong, as long as the return goes on climbing.

    Evidence for:
        A logged return grew with the loss or before it, and the loss by no more than about its square; over
        the whole run both go up and down together. An actor's loss, which is minus Q, falls by no more than
        the return climbs.

    Evidence against:
        Returns that stay or fall; a loss that grows by far more than the square of the return. Blind spot:
        returns that are normalised before they are logged.

    What to do:
        Judge by the return. Normalise returns or value targets by their running standard deviation, so that
        the loss can be compared over time and one learning rate suits the whole training.
    """

    id: str = "returns-grow"
    prior: float = 0.05
    of_falls: bool = True  # minus Q falls
    calibrated: frozenset[LossKind] = frozenset({LossKind.VALUE})

    def applies(self, run: Run, loss: Series) -> bool:
        """To what predicts returns, and to minus Q, where returns are logged."""
        return run.loss_kind(loss) in {LossKind.VALUE, LossKind.ACTOR} and any(_returns(run))

    def judge(self, case: Case) -> Judgement:
        """Did a return grow as the loss did?"""
        of_actor = case.run.loss_kind(case.loss) is LossKind.ACTOR
        if case.spike.kind is Kind.NON_FINITE or of_actor is not case.spike.is_fall:
            return Judgement(Tier.MECHANISM, (_other_way(case),), ruled_out=True)
        if of_actor:
            return _minus_q(case)
        grown = [g for s in _returns(case.run) if (g := _growth(case, s)) is not None]
        if not grown:
            return Judgement(Tier.MECHANISM, checkable=False)
        best = max(grown, key=lambda g: (g.returns >= GREW, g.explains, g.together, g.tag))
        if best.returns < GREW:
            return Judgement(Tier.MECHANISM, (_stayed(best),))
        if not best.explains:
            return Judgement(Tier.MECHANISM, (_too_much(case, best),), ruled_out=True)
        decisive = best.together >= TOGETHER and best.loss >= GREW
        return Judgement(
            Tier.MECHANISM,
            (_grew(case, best), _together(case, best), *_in_time(case), *_not_lifted(case, best)),
            decisive=decisive,
            harmless=decisive,
            advice=_advice(),
            mechanism=say(
                "{tag} grew {returns:.3g} times, and {loss} with its square: it is the error of predicting "
                "larger returns.",
                tag=best.tag,
                returns=best.returns,
                loss=case.spike.tag,
            ),
        )


def _other_way(case: Case) -> Evidence:
    reading = say("Larger returns lift the loss of a value function, and lower minus Q: not this way.")
    return weigh("other-way", -2.0, observed=case.spike.height, reference=0.0, reading=reading)


def _minus_q(case: Case) -> Judgement:
    """Whether an actor's loss fell by no more than a return climbed."""
    climbs = [c for s in _returns(case.run) if (c := _climb(case, s)) is not None]
    best = max(climbs, key=lambda c: c.together, default=None)
    if best is None:
        return Judgement(Tier.MECHANISM, checkable=False)
    if best.climbed <= 0:
        return Judgement(Tier.MECHANISM, (_fell_too(best),), ruled_out=True)
    within = best.fell <= best.climbed
    reading = say(
        "{tag} climbed by {climbed:.3g} and {loss}, minus Q, fell by {fell:.3g}; over the run their rank "
        "correlation is {together:.2f}.",
        tag=best.tag,
        climbed=best.climbed,
        loss=case.spike.tag,
        fell=best.fell,
        together=best.together,
    )
    follows = within and best.together <= -TOGETHER
    weight = 1.5 if follows else 0.3 if within else -1.0
    return Judgement(
        Tier.MECHANISM,
        (weigh("minus-q", weight, observed=best.fell, reference=best.climbed, reading=reading),),
        decisive=follows,
        harmless=follows,
        advice=_advice(),
        mechanism=say("{tag} climbs, and minus Q falls with it: larger returns are expected.", tag=best.tag),
    )


@dataclass(frozen=True)
class ReturnClimb:
    """How far a return climbed while minus Q fell."""

    tag: str
    climbed: float
    fell: float
    together: float  # rank correlation of loss and return over the run


def _climb(case: Case, series: Series) -> ReturnClimb | None:
    returns, loss = _levels(case, series), _levels(case, case.loss)
    if returns is None or loss is None:
        return None
    together = _correlation(case.loss, series, np.positive)
    return ReturnClimb(series.tag, returns[1] - returns[0], loss[0] - loss[1], together)


def _fell_too(best: ReturnClimb) -> Evidence:
    reading = say("{tag} did not climb: no larger returns to expect.", tag=best.tag)
    return weigh("returns-stayed", -2.0, observed=best.climbed, reference=0.0, reading=reading)


@dataclass(frozen=True)
class Growth:
    """How a return and the loss grew from before the onset to the time of the jump, in size."""

    tag: str
    returns: float  # times its level before
    loss: float  # times its level before
    together: float  # rank correlation over the run, or over a climb

    @property
    def explains(self) -> bool:
        """Whether the loss grew by about the square of the return at most."""
        return bool(self.loss <= SLACK * self.returns**SQUARE)


def _returns(run: Run) -> Iterator[Series]:
    """The rewards that are logged often enough."""
    return (s for s in run.having(Role.REWARD) if s.finite.sum() >= 2 * FEWEST_POINTS)


def _growth(case: Case, series: Series) -> Growth | None:
    """None where too little is logged on either side of the onset, or a level is zero."""
    returns, loss = _levels(case, series), _levels(case, case.loss)
    if returns is None or loss is None or returns[0] == 0 or loss[0] == 0:
        return None
    grew = abs(returns[1] / returns[0]) if returns[1] > returns[0] else 1.0
    together = _correlation(case.loss, series, np.abs)
    if case.spike.shape is Shape.TREND:
        together = max(together, _correlation(case.loss, series, np.abs, since=case.begin))
    return Growth(series.tag, grew, abs(loss[1] / loss[0]), together)


def _levels(case: Case, series: Series) -> tuple[float, float] | None:
    """A series before the onset, and within the jump or, where that still climbs, at its end."""
    values, end = series.values, case.spike.end_step
    before = values[series.finite & (series.steps < case.begin)][-LEVEL_POINTS:]
    during = series.finite & (series.steps >= case.begin) & (True if end is None else series.steps <= end)
    within = values[during][-LEVEL_POINTS:] if case.spike.shape is Shape.TREND else values[during]
    if min(len(before), len(within)) < FEWEST_POINTS:
        return None
    return float(middle(before)), float(middle(within))


def _correlation(
    loss: Series, series: Series, size: Callable[[FloatArray], FloatArray], since: float = -np.inf
) -> float:
    """Rank correlation of the loss with a return, by their size, at the logged steps of the rarer one."""
    rare, often = sorted((loss, series), key=lambda s: int(s.finite.sum()))
    seen = rare.finite & (rare.steps >= since)
    if seen.sum() < LEVEL_POINTS:
        return 0.0
    other = np.interp(rare.steps[seen], often.steps[often.finite], often.values[often.finite])
    return rank_correlation(size(rare.values[seen]), size(other))


def _grew(case: Case, best: Growth) -> Evidence:
    reading = say(
        "{tag} grew {returns:.3g} times and {loss} {times:.3g} times; its square would make {square:.3g}.",
        tag=best.tag,
        returns=best.returns,
        loss=case.spike.tag,
        times=best.loss,
        square=best.returns**SQUARE,
    )
    return weigh("returns-grew", 1.2, observed=best.loss, reference=best.returns**SQUARE, reading=reading)


def _together(case: Case, best: Growth) -> Evidence:
    reading = say(
        "{loss} and {tag} have a rank correlation of {together:.2f}.",
        loss=case.spike.tag,
        tag=best.tag,
        together=best.together,
    )
    weight = 1.0 if best.together >= TOGETHER else -1.0
    return weigh("together", weight, observed=best.together, reference=TOGETHER, reading=reading)


def _in_time(case: Case) -> Iterator[Evidence]:
    """Whether a return moved with the loss or before it, or surely later."""
    moved = [w for w in case.witnesses.moved if w.role is Role.REWARD and w.change > 0]
    early = [w for w in moved if not w.lag.follows]
    if moved:
        witness = (early or moved)[0]
        reading = phrases.moved_with(witness)
        yield weigh("in-time", 0.5 if early else -1.0, observed=witness.lag.steps, reading=reading)


def _not_lifted(case: Case, best: Growth) -> Iterator[Evidence]:
    """Peaks above a level that stays are not the error of larger returns: that lifts every point."""
    if best.loss < GREW:
        reading = say(
            "Most points of {loss} stay at {times:.2g} times the level before; larger returns lift them all.",
            loss=case.spike.tag,
            times=best.loss,
        )
        yield weigh("not-lifted", -2.0, observed=best.loss, reference=GREW, reading=reading)


def _stayed(best: Growth) -> Evidence:
    reading = say(
        "{tag} stood at {returns:.2g} times its size before: no larger returns to predict.",
        tag=best.tag,
        returns=best.returns,
    )
    return weigh("returns-stayed", -2.0, observed=best.returns, reference=GREW, reading=reading)


def _too_much(case: Case, best: Growth) -> Evidence:
    reading = say(
        "{loss} grew {times:.3g} times, far more than the square of {tag}, {square:.3g}.",
        loss=case.spike.tag,
        times=best.loss,
        tag=best.tag,
        square=best.returns**SQUARE,
    )
    return weigh("grew-more", -2.0, observed=best.loss, reference=best.returns**SQUARE, reading=reading)


def _advice() -> tuple[Advice, ...]:
    return (
        Advice(
            say(
                "Judge by the return; normalise returns or value targets by their running standard deviation "
                "to make the loss comparable over time."
            ),
            "targets = (returns - running_mean) / (running_std + 1e-8)",
            2,
        ),
    )
