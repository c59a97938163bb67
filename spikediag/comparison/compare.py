"""Two sides of diagnosed trainings compared: did the change work, and what did it cost?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from spikediag.comparison import sides
from spikediag.comparison.differences import condition_changes, differences, foretold
from spikediag.comparison.sides import Axis, Group, Tags
from spikediag.comparison.values import EFFECTS, Comparison, Cost, Curve, LevelChange, Side, SpikeEffect
from spikediag.errors import UsageError
from spikediag.model import FloatArray, Measure, Run, Text, common_loss, is_held_out, say
from spikediag.stats.crossings import ruler
from spikediag.stats.rates import Ratio, detectable_ratio, holm, rate_ratio

CONFIDENCE = 0.95
END = 0.1  # share of the axis that is its end
BLOCKS = 10  # consecutive stretches of the end: neighbouring points depend on each other, stretches hardly
DISPERSION = (
    1.35  # of the counts of seeds: the upper 95 % bound over the laboratory's study, one change at a time
)
MARGIN = 0.1  # a companion that ends at most this share of its former level worse cost nothing worth a name
UNEVEN = 1.5  # logging intervals that differ by more than this factor show different shares of the spikes


def compare(
    before: Group, afters: Sequence[Group], unit: str = "step", min_height: float = 0.0
) -> tuple[Comparison, ...]:
    """Compare each side after with the one before: spikes, levels, conditions and settings.

    All sides are held to one ruler and one stretch of the axis, so that the side before has one count: a
    spike is what rises above its running median by more than 8 robust sigmas of the noisiest training before,
    by more than 5 of any after, and by `min_height` at least. The findings of the diagnoses are not counted,
    as each is judged by the noise of its own run.

    Raises:
        UsageError: the runs share no loss or no stretch of the axis, or passes cannot be computed.
    """
    if not min_height >= 0:
        raise UsageError(
            say(
                "the least height of a spike is a number of at least 0, not {min_height}.",
                min_height=min_height,
            )
        )
    everyone = [d for group in (before, *afters) for d in group.diagnoses]
    loss = common_loss(everyone)
    if loss is None:
        raise UsageError(
            say("the runs share no loss; `spikediag tags RUN` shows how each understands its tags.")
        )
    tags = Tags(loss, sides.companion_tag(everyone))
    axis = sides.common_axis([d.run for d in everyone], loss, unit)
    values = [d.run.series[loss].values for d in everyone]
    first = len(before.diagnoses)
    shared = _Shared(axis, tags, ruler(values[:first], values[first:], min_height), len(afters))
    old, *news = (
        _Pooled(group, sides.side_of(group, axis, tags, shared.height)) for group in (before, *afters)
    )
    ratios = [_ratio(old.side, new.side) for new in news]
    chances = holm([ratio.p for ratio in ratios])
    made = zip(news, ratios, chances, strict=True)
    return tuple(_compare(old, new, shared, ratio, p) for new, ratio, p in made)


@dataclass(frozen=True)
class _Shared:
    """What all comparisons of one side before have in common."""

    axis: Axis
    tags: Tags
    height: float  # of the ruler, loss units
    family: int  # remedies compared at once


@dataclass(frozen=True, eq=False)
class _Pooled:
    """The trainings of one side, as diagnosed and as counted."""

    group: Group
    side: Side


def _ratio(before: Side, after: Side) -> Ratio:
    """The ratio of spike rates; without seeds counts vary as much as the study leaves open."""
    alone = len(before.trials) == len(after.trials) == 1
    return rate_ratio(before.counts, after.counts, CONFIDENCE, DISPERSION if alone else None)


def _compare(old: _Pooled, new: _Pooled, shared: _Shared, ratio: Ratio, p: float) -> Comparison:
    before, after = old.side, new.side
    companion = _companion(before, after)
    outcome, detectable = _outcome(before, after, ratio, p), _detectable(before, after, ratio, shared)
    return Comparison(
        before=before,
        after=after,
        unit=shared.axis.unit,
        start=shared.axis.start,
        end=shared.axis.end,
        height=shared.height,
        ratio=ratio,
        p=p,
        outcome=outcome,
        detectable=detectable,
        loss=change([t.loss for t in before.trials], [t.loss for t in after.trials]),
        companion=companion,
        cost=cost(companion, _measure(old.group.diagnoses[0].run, shared.tags)),
        differences=differences(old.group.diagnoses, new.group.diagnoses),
        conditions=condition_changes(old.group.diagnoses[0], new.group.diagnoses[0]),
        foretold=foretold(old.group.diagnoses[0], new.group.diagnoses[0], ratio.value),
        summary=_summary(before, after, shared.height, ratio, outcome),
        notes=()
        if _same_runs(before, after)
        else (
            *_twins(before, after),
            *_power(before, outcome, detectable),
            *_seeds(before, after, ratio),
            *_family(ratio, p, shared.family),
            *_logging(before, after),
            *_training_error(before),
        ),
    )


def _detectable(before: Side, after: Side, ratio: Ratio, shared: _Shared) -> float | None:
    """The fall that would have been seen; of several remedies, if it were the only one that works."""
    confidence = 1 - (1 - CONFIDENCE) / shared.family
    return detectable_ratio(before.counts, after.counts.exposure, ratio.dispersion, confidence)


def _measure(run: Run, tags: Tags) -> Measure:
    return run.series[tags.companion].measure if tags.companion else Measure.UNKNOWN


def _outcome(before: Side, after: Side, ratio: Ratio, p: float) -> SpikeEffect:
    lost = [any(t.diverged for t in side.trials) for side in (before, after)]
    if lost[1] and not lost[0]:
        return SpikeEffect.WORSE
    if p > 1 - CONFIDENCE or math.isnan(ratio.value):
        return SpikeEffect.NO_DETECTABLE_CHANGE
    if ratio.value > 1:
        return SpikeEffect.WORSE
    return SpikeEffect.NO_DETECTABLE_CHANGE if lost[1] else SpikeEffect.IMPROVED


def _companion(before: Side, after: Side) -> LevelChange | None:
    olds = [t.companion for t in before.trials if t.companion]
    news = [t.companion for t in after.trials if t.companion]
    return change(olds, news) if olds and news else None


def change(before: Sequence[Curve], after: Sequence[Curve]) -> LevelChange:
    """The final levels (median of the last tenth) and a 95 % interval of their difference.

    Several trainings a side: Student's interval with the variance between trainings, pooled over the sides.
    One training a side: the noise within each run, from the medians of ten stretches of its end; another seed
    may differ by more, and the basis says so.
    """
    ends = [[_end(curve) for curve in side] for side in (before, after)]
    levels = [[float(np.median(end)) if len(end) else math.nan for end in side] for side in ends]
    old, new = (float(np.mean(side)) for side in levels)
    degrees = len(before) + len(after) - 2
    if degrees:
        squares = sum((x - m) ** 2 for m, side in zip((old, new), levels, strict=True) for x in side)
        error = math.sqrt(squares / degrees * (1 / len(before) + 1 / len(after)))
        basis = say("between {n} trainings, variance pooled over both sides", n=len(before) + len(after))
    else:
        error = math.hypot(_noise(ends[0][0]), _noise(ends[1][0]))
        degrees = BLOCKS - 1
        basis = say("noise within one training a side; another seed may differ by more")
    half = float(special.stdtrit(degrees, (1 + CONFIDENCE) / 2)) * error
    return LevelChange(before[0].tag, old, new, new - old - half, new - old + half, basis)


def cost(companion: LevelChange | None, measure: Measure) -> Cost:
    """Whether the error metric ends worse: by more than a tenth, by surely less, or not told apart."""
    if companion is None:
        return Cost.NOT_LOGGED
    sign = -1 if measure is Measure.ACCURACY else 1
    worse = sign * (companion.after - companion.before)
    low, high = sorted((sign * companion.low, sign * companion.high))
    margin = MARGIN * abs(companion.before)
    if high <= margin:
        return Cost.NONE
    if low > 0 and worse > margin:
        return Cost.PAID
    return Cost.UNCLEAR


def _end(curve: Curve) -> FloatArray:
    if not len(curve.x):
        return np.empty(0)
    late = curve.values[curve.x >= curve.x[-1] - END * (curve.x[-1] - curve.x[0])]
    finite: FloatArray = late[np.isfinite(late)]
    return finite


def _noise(end: FloatArray) -> float:
    """Standard error of the level of one run's end; NaN with too few points to tell."""
    if len(end) < 2 * BLOCKS:
        return math.nan
    medians = [np.median(block) for block in np.array_split(end, BLOCKS)]
    return float(np.std(medians, ddof=1) / math.sqrt(BLOCKS))


def _summary(before: Side, after: Side, height: float, ratio: Ratio, outcome: SpikeEffect) -> Text:
    """What came of the change, in one sentence with the numbers it rests on."""
    if _same_runs(before, after):
        return say(
            "{before} and {after} are the same training: there is nothing to compare.",
            before=before.name,
            after=after.name,
        )
    if outcome is SpikeEffect.WORSE and not ratio.value > 1:
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
        outcome=EFFECTS[outcome],
    )


def _same_runs(before: Side, after: Side) -> bool:
    return len(before.trials) == len(after.trials) == 1 and any(True for _ in sides.twins(before, after))


def _twins(before: Side, after: Side) -> Iterator[Text]:
    for side in (before, after):
        for one, other in sides.repeated_trainings(side):
            yield say(
                "{one} and {other} of {side} are the same training: it counts twice, and seeds seem to agree "
                "that do not.",
                one=one.name,
                other=other.name,
                side=side.name,
            )
    for old, new in sides.twins(before, after):
        yield say(
            "{old} before and {new} after are the same training: it counts on both sides.",
            old=old.name,
            new=new.name,
        )


def _power(before: Side, outcome: SpikeEffect, detectable: float | None) -> Iterator[Text]:
    if outcome is not SpikeEffect.NO_DETECTABLE_CHANGE or not before.counts.total:
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
            "One training a side cannot say how much seeds differ: counts are taken to be {spread:.3g} times "
            "as variable as chance, the most that the seeds of the laboratory's study leave open. "
            "Repeat with several seeds before you rely on it.",
            spread=ratio.dispersion,
        )
    elif ratio.dispersion > 1:
        yield say(
            "Trainings of one side differ more than chance: counts are divided by {spread:.1f}, their "
            "dispersion, before the interval is taken.",
            spread=ratio.dispersion,
        )
    else:
        yield say("{old} and {new} trainings differ no more than chance.", old=seeds[0], new=seeds[1])


def _family(ratio: Ratio, p: float, family: int) -> Iterator[Text]:
    if family > 1 and not math.isnan(ratio.value):
        yield say(
            "One of {family} remedies compared at once: p is {raw:.2g} alone and {p:.2g} among them (Holm); "
            "the interval is that of this remedy alone.",
            family=family,
            raw=ratio.p,
            p=p,
        )


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


def _training_error(before: Side) -> Iterator[Text]:
    curve = before.trials[0].companion
    if curve is not None and not is_held_out(curve.tag):
        yield say(
            "{tag} is measured on training samples: only held-out ones show what a remedy costs.",
            tag=curve.tag,
        )
