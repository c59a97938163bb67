"""The sentences of a comparison."""

import math
from collections.abc import Iterator

import numpy as np

from spikediag.comparison.sides import held_out
from spikediag.comparison.values import Outcome, Side
from spikediag.model import Text, say
from spikediag.stats.rates import Ratio

UNEVEN = 1.5  # logging intervals that differ by more than this factor show different shares of the spikes
OUTCOMES = {
    Outcome.IMPROVED: say("improved"),
    Outcome.WORSE: say("worse"),
    Outcome.NO_DETECTABLE_CHANGE: say("no detectable change"),
}


def summary(before: Side, after: Side, height: float, ratio: Ratio, outcome: Outcome) -> Text:
    """The verdict in one sentence with the numbers it rests on."""
    if outcome is Outcome.WORSE and not ratio.low > 1:
        return say("{after} diverged, {before} did not: worse.", before=before.name, after=after.name)
    if math.isnan(ratio.value):
        return say(
            "Neither {before} nor {after} has a spike above {height:.3g}: there is nothing to improve.",
            before=before.name,
            after=after.name,
            height=height,
        )
    return say(
        "{after}: {new:.3g} spikes above {height:.3g} a training, {before}: {old:.3g}. "
        "Rate ratio {ratio:.2g}, 95 % interval {low:.2g} to {high:.2g}: {outcome}.",
        before=before.name,
        after=after.name,
        old=before.counts.total / len(before.trials),
        new=after.counts.total / len(after.trials),
        height=height,
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
        outcome=OUTCOMES[outcome],
    )


def notes(
    before: Side, after: Side, ratio: Ratio, outcome: Outcome, detectable: float | None
) -> tuple[Text, ...]:
    """What to keep in mind: power, seeds, logging, and what the error metric is measured on."""
    return (
        *_power(before, outcome, detectable),
        *_seeds(before, after, ratio),
        *_logging(before, after),
        *_companion(before),
    )


def _power(before: Side, outcome: Outcome, detectable: float | None) -> Iterator[Text]:
    if outcome is not Outcome.NO_DETECTABLE_CHANGE or not before.counts.total:
        return
    if detectable is None:
        yield say(
            "With {n} spikes before, even none after would not be significant: train longer or more seeds.",
            n=before.counts.total,
        )
    else:
        yield say(
            "A fall to {ratio:.0%} of the rate or less would have been detected four times in five.",
            ratio=detectable,
        )


def _seeds(before: Side, after: Side, ratio: Ratio) -> Iterator[Text]:
    seeds = len(before.trials), len(after.trials)
    if seeds == (1, 1):
        yield say(
            "One training a side: the interval holds if spikes come at random, and does not know how much "
            "seeds differ. Repeat with several seeds before you rely on it."
        )
    elif ratio.dispersion > 1:
        yield say(
            "Trainings of one side differ more than chance: counts are divided by {spread:.1f}, their "
            "dispersion, before the interval is taken.",
            spread=ratio.dispersion,
        )
    else:
        yield say("{old} and {new} trainings differ no more than chance.", old=seeds[0], new=seeds[1])


def _logging(before: Side, after: Side) -> Iterator[Text]:
    old, new = _interval(before), _interval(after)
    if max(old, new) > UNEVEN * min(old, new):
        yield say(
            "Points are {old:g} and {new:g} apart: the side that logs more often shows more of its spikes.",
            old=old,
            new=new,
        )


def _interval(side: Side) -> float:
    gaps = [float(np.median(np.diff(t.loss.x))) for t in side.trials if len(t.loss.x) > 1]
    return float(np.median(gaps)) if gaps else 1.0


def _companion(before: Side) -> Iterator[Text]:
    curve = before.trials[0].companion
    if curve is not None and not held_out(curve.tag):
        yield say(
            "{tag} is measured on training samples: only held-out ones show what a remedy costs.",
            tag=curve.tag,
        )
