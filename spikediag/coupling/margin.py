"""How large a rise of the error still counts as 'did not move', and how large a one the jump would need."""

import math
from dataclasses import dataclass

import numpy as np

from spikediag.model import FactName, FloatArray, LossKind, Measure, Role, Run, Series, Text, say
from spikediag.stats.medians import median
from spikediag.stats.nll import error_rise_needed
from spikediag.stats.ranks import rank_correlation

SQUARED_SHARE = 0.21  # of a squared error: its root, the error in its own unit, rises by 10 %
SHARE = 0.20  # of the level of any other error
MOST_ACCURACY = 0.04  # of all predictions
JUMP_SHARE = 0.10  # of the jump, for a held-out loss beside the loss that jumped
NEEDED_SHARE = 0.5  # of the rise that error alone would need; from there on the error may have made the jump
ASSUMED_DIMENSION = 16  # more dimensions need a smaller rise: cautious where the dimension is unknown
PAIRS = 2000  # calm pairs of loss and error before the spike
SURE = 4.0  # standard errors of a rank correlation
_SQUARED = {Measure.SQUARED_ERROR, Measure.NORMALIZED_ERROR}


@dataclass(frozen=True)
class Needed:
    """The rise of the error that would make the whole jump by itself, unit of the companion."""

    value: float
    jump: float  # mean height of the loss over the tested windows
    price: Text  # what an error is taken to cost


@dataclass(frozen=True)
class Margin:
    """The largest rise that still counts as none, unit of the companion, and how it was chosen."""

    value: float
    reason: Text


def choose_margin(companion: Series, level: float, jump: float, needed: Needed | None) -> Margin:
    """A share of the level that people would accept, and less where less error makes the jump.

    Args:
        companion: The companion.
        level: Of the error before: for an accuracy, of its complement.
        jump: Mean height of the loss over the tested windows.
        needed: What the jump would need by error alone, None where that is unknown.
    """
    margin = _accepted(companion, level, jump)
    if needed is None or NEEDED_SHARE * needed.value >= margin.value:
        return margin
    return Margin(
        NEEDED_SHARE * needed.value,
        say(
            "{share:.0%} of the rise in {tag} ({needed:+.3g}) that error alone would need for a jump of "
            "{jump:.3g} {price}",
            share=NEEDED_SHARE,
            tag=companion.tag,
            needed=needed.value,
            jump=needed.jump,
            price=needed.price,
        ),
    )


def _accepted(companion: Series, level: float, jump: float) -> Margin:
    if companion.role is Role.LOSS:
        signed = level <= 0 or bool((companion.numbers[1] < 0).any())
        value = JUMP_SHARE * abs(jump) if signed else min(JUMP_SHARE * abs(jump), SHARE * level)
        reason = say(
            "{share:.0%} of the jump, for a loss above zero at most {most:.0%} of its level",
            share=JUMP_SHARE,
            most=SHARE,
        )
        return Margin(value, reason)
    if companion.measure in _SQUARED:
        return Margin(
            SQUARED_SHARE * level,
            say(
                "{share:.0%} of the level of {tag}: 10 % of the error in its own unit",
                share=SQUARED_SHARE,
                tag=companion.tag,
            ),
        )
    if companion.measure is Measure.ACCURACY:
        most = MOST_ACCURACY * accuracy_scale(companion)
        reason = say(
            "{share:.0%} of the error rate, at most {most:.3g} of {tag}",
            share=SHARE,
            most=most,
            tag=companion.tag,
        )
        return Margin(min(SHARE * level, most), reason)
    return Margin(SHARE * level, say("{share:.0%} of the level of {tag}", share=SHARE, tag=companion.tag))


def accuracy_scale(companion: Series) -> float:
    """What a perfect accuracy reads: 1, or 100 where it is logged in percent."""
    _, values = companion.numbers
    return 100.0 if len(values) and median(values) > 1.5 else 1.0


def rise_needed(
    companion: Series, loss: Series, run: Run, *, level: float, jump: float, onset: int, calm: np.ndarray
) -> Needed | None:
    """What error alone would need to make the jump, the smaller of what the run and the algebra say.

    None where neither can tell.

    Args:
        companion: The companion; must share the batches of the loss for the run's own relation to count.
        loss: The loss that jumped.
        run: The run.
        level: Of the companion before.
        jump: Mean height of the loss over the tested windows.
        onset: Step before which times are asked.
        calm: Points of the companion that belong to no spike, (n,).
    """
    if not (math.isfinite(jump) and jump > 0) or companion.measure is Measure.ACCURACY:
        return None
    found = []
    cost = None if companion.held_out else _calm_cost(companion, loss, onset, calm)
    if cost is not None:
        found.append(_by_calm_batches(companion, loss, jump, cost))
    if (
        run.loss_kind(loss) is LossKind.LIKELIHOOD
        and companion.measure in {*_SQUARED, Measure.ABSOLUTE_ERROR}
        and level > 0
    ):
        found.append(_by_algebra(companion, level, jump, run.fact(FactName.ACTION_DIM).number))
    return min(found, key=lambda needed: needed.value, default=None)


def _by_calm_batches(companion: Series, loss: Series, jump: float, cost: float) -> Needed:
    price = say(
        "at the price of calm batches, {cost:.3g} of {loss} for each 1 of {tag}",
        cost=cost,
        loss=loss.tag,
        tag=companion.tag,
    )
    return Needed(jump / cost, jump, price)


def _by_algebra(companion: Series, level: float, jump: float, dims: float | None) -> Needed:
    """For a sigma that is right on average; one that is too small needs less."""
    needed = error_rise_needed(jump, level, dims or ASSUMED_DIMENSION)
    if companion.measure is Measure.ABSOLUTE_ERROR:  # squared error (1 + r) times as large: its root
        needed = level * (math.sqrt(1 + needed / level) - 1)
    if dims is None:
        price = say(
            "at a sigma that is right on average; action_dim is unknown, {assumed} assumed",
            assumed=ASSUMED_DIMENSION,
        )
    else:
        price = say("at a sigma that is right on average ({dims:.0f} action dimensions)", dims=dims)
    return Needed(needed, jump, price)


def _calm_cost(companion: Series, loss: Series, onset: int, calm: np.ndarray) -> float | None:
    """How much loss a unit of error costs from one calm batch to the next; None without a sure relation.

    The slope through the origin with the least absolute deviation of differences of neighbouring batches
    (a weighted median of their ratios), where their ranks correlate by 4 standard errors.
    """
    mine, its = companion.shared(loss)
    past = int(companion.steps[mine].searchsorted(onset))
    kept = np.flatnonzero(calm[mine[:past]] & loss.finite[its[:past]])[-PAIRS:]
    error: FloatArray = np.diff(companion.values[mine[kept]])
    cost: FloatArray = np.diff(loss.values[its[kept]])
    if len(error) < 30 or not error.any() or not cost.any():
        return None
    correlation = rank_correlation(error, cost)
    if not correlation * math.sqrt(len(error) / 1.5) > SURE:  # differences share points: 1.5 count as one
        return None
    usable = error != 0
    ratio, weight = cost[usable] / error[usable], np.abs(error[usable])
    order = np.argsort(ratio)
    middle = np.searchsorted(np.cumsum(weight[order]), 0.5 * weight.sum())
    slope = float(ratio[order][middle])
    return slope if slope > 0 else None
