"""Two sides of diagnosed trainings compared: did the change work, and what did it cost?"""

from collections.abc import Sequence

from spikediag.comparison import levels, settings, sides
from spikediag.comparison.axis import common_axis
from spikediag.comparison.sides import Group, Tags
from spikediag.comparison.values import Change, Comparison, Outcome, Side
from spikediag.comparison.wording import notes, summary
from spikediag.errors import UsageError
from spikediag.model import Diagnosis, Measure
from spikediag.stats.excursions import ruler
from spikediag.stats.rates import Ratio, detectable_ratio, rate_ratio


def compare(
    before: Group, afters: Sequence[Group], unit: str = "step", min_height: float = 0.0
) -> tuple[Comparison, ...]:
    """Compare each side after with the one before: spikes, levels, conditions and settings.

    All sides are held to one ruler: a spike is what rises above its running median by more than 8 robust
    sigmas of the noisiest training, and by `min_height` at least. The findings of the diagnoses are not
    counted, as each is judged by the noise of its own run.

    Raises:
        UsageError: the runs share no loss or no stretch of the axis, or passes cannot be computed.
    """
    if not min_height >= 0:
        raise UsageError(f"the least height of a spike is a number of at least 0, not {min_height}.")
    everyone = [d for group in (before, *afters) for d in group.diagnoses]
    loss = sides.loss_tag(everyone)
    if loss is None:
        raise UsageError("the runs share no loss; `spikediag tags RUN` shows how each understands its tags.")
    tags = Tags(loss, sides.companion_tag(everyone))
    height = ruler((d.run.series[loss].values for d in everyone), min_height)
    return tuple(_compare(before, after, tags, unit, height) for after in afters)


def _compare(old: Group, new: Group, tags: Tags, unit: str, height: float) -> Comparison:
    axis = common_axis([d.run for d in (*old.diagnoses, *new.diagnoses)], tags.loss, unit)
    before, after = (sides.pool(group, axis, tags, height) for group in (old, new))
    ratio = rate_ratio(before.counts, after.counts)
    outcome = _outcome(before, after, ratio)
    detectable = detectable_ratio(before.counts, after.counts.exposure, ratio.dispersion)
    companion = _companion(before, after)
    return Comparison(
        before=before,
        after=after,
        unit=unit,
        start=axis.start,
        end=axis.end,
        height=height,
        ratio=ratio,
        outcome=outcome,
        detectable=detectable,
        loss=levels.change([t.loss for t in before.trials], [t.loss for t in after.trials]),
        companion=companion,
        cost=levels.cost(companion, _measure(old.diagnoses[0], tags)),
        settings=settings.settings(old.diagnoses, new.diagnoses),
        conditions=settings.conditions(old.diagnoses[0], new.diagnoses[0]),
        summary=summary(before, after, height, ratio, outcome),
        notes=notes(before, after, ratio, outcome, detectable),
    )


def _measure(diagnosis: Diagnosis, tags: Tags) -> Measure:
    return diagnosis.run.series[tags.companion].measure if tags.companion else Measure.UNKNOWN


def _outcome(before: Side, after: Side, ratio: Ratio) -> Outcome:
    lost = [any(t.diverged for t in side.trials) for side in (before, after)]
    if lost[1] and not lost[0]:
        return Outcome.WORSE
    if ratio.high < 1 and not lost[1]:
        return Outcome.IMPROVED
    return Outcome.WORSE if ratio.low > 1 else Outcome.NO_DETECTABLE_CHANGE


def _companion(before: Side, after: Side) -> Change | None:
    olds = [t.companion for t in before.trials if t.companion]
    news = [t.companion for t in after.trials if t.companion]
    return levels.change(olds, news) if olds and news else None
