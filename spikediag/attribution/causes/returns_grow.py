"""returns-grow: the value loss climbs because the returns that it predicts do."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import Advice, Evidence, Kind, LossKind, Role, Run, Series, Tier, say
from spikediag.stats.ranks import rank_correlation
from spikediag.stats.trend import middle

FEWEST_POINTS = 5  # on either side of the onset
LEVEL_POINTS = 20  # logged points before the onset that give the level
GREW = 1.5  # times its level before, in size
SQUARE = 2.0  # a squared error grows with the square of what it is the error of
SLACK = 4.0  # times the square that a loss may still grow by, as when episodes end differently
TOGETHER = 0.7  # rank correlation of loss and return over the run


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
        the whole run both go up and down together.

    Evidence against:
        Returns that stay or fall; a loss that grows by far more than the square of the return. Blind spot:
        returns that are normalised before they are logged.

    What to do:
        Judge by the return. Normalise returns or value targets by their running standard deviation, so that
        the loss can be compared over time and one learning rate suits the whole training.
    """

    id: str = "returns-grow"
    prior: float = 0.05
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset({LossKind.VALUE})

    def applies(self, run: Run, loss: Series) -> bool:
        """To what predicts returns, where some are logged."""
        return run.loss_kind(loss) is LossKind.VALUE and any(_returns(run))

    def judge(self, case: Case) -> Judgement:
        """Did a return grow as the loss did?"""
        if case.spike.kind is Kind.NON_FINITE:
            return Judgement(Tier.MECHANISM, ruled_out=True)
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


@dataclass(frozen=True)
class Growth:
    """How a return and the loss grew from before the onset to the time of the jump, in size."""

    tag: str
    returns: float  # times its level before
    loss: float  # times its level before
    together: float  # rank correlation over the run

    @property
    def explains(self) -> bool:
        """Whether the loss grew by about the square of the return at most."""
        return bool(self.loss <= SLACK * self.returns**SQUARE)


def _returns(run: Run) -> Iterator[Series]:
    """The rewards that are logged often enough."""
    return (s for s in run.having(Role.REWARD) if s.finite.sum() >= 2 * FEWEST_POINTS)


def _growth(case: Case, series: Series) -> Growth | None:
    returns, loss = _times(case, series), _times(case, case.loss)
    if returns is None or loss is None:
        return None
    return Growth(series.tag, returns, loss, _correlation(case.loss, series))


def _times(case: Case, series: Series) -> float | None:
    """By how many times a series grew in size; None where it was not logged on either side or was zero."""
    values, end = series.values, case.spike.end_step
    before = values[series.finite & (series.steps < case.begin)][-LEVEL_POINTS:]
    within = series.finite & (series.steps >= case.begin) & (True if end is None else series.steps <= end)
    if min(len(before), int(within.sum())) < FEWEST_POINTS:
        return None
    level = float(np.abs(middle(before)))
    return float(np.abs(middle(values[within]))) / level if level > 0 else None


def _correlation(loss: Series, series: Series) -> float:
    """Rank correlation of the loss with the size of a return, at the logged steps of the rarer one."""
    rare, often = sorted((loss, series), key=lambda s: int(s.finite.sum()))
    at = rare.steps[rare.finite]
    other = np.interp(at, often.steps[often.finite], often.values[often.finite])
    return rank_correlation(np.abs(rare.values[rare.finite]), np.abs(other))


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
        "Over the run {loss} and {tag} have a rank correlation of {together:.2f}.",
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
