"""Two sides of diagnosed trainings compared: did the change work, and what did it cost?"""

from dataclasses import dataclass

from spikediag.comparison import levels, settings, sides
from spikediag.comparison.axis import common_axis
from spikediag.comparison.values import Change, Comparison, Outcome, Side
from spikediag.comparison.wording import notes, summary
from spikediag.errors import UsageError
from spikediag.model import Diagnosis, Measure
from spikediag.stats.rates import Ratio, detectable_ratio, rate_ratio


@dataclass(frozen=True)
class Pair:
    """The trainings before and after, with the names under which to speak of them."""

    before: tuple[Diagnosis, ...]
    after: tuple[Diagnosis, ...]
    before_name: str
    after_name: str


def compare(pair: Pair, unit: str = "step", min_height: float = 0.0) -> Comparison:
    """Lay both sides on one axis and compare spikes, levels, conditions and settings.

    Raises:
        UsageError: the runs share no loss or no stretch of the axis, or passes cannot be computed.
    """
    everyone = (*pair.before, *pair.after)
    loss, companion = sides.loss_tag(everyone), sides.companion_tag(everyone)
    if loss is None:
        raise UsageError(
            f"{pair.before_name} and {pair.after_name} share no loss; `spikediag tags` shows theirs."
        )
    axis = common_axis([d.run for d in everyone], loss, unit)
    tags = sides.Tags(loss, companion)
    before = sides.pool(pair.before_name, pair.before, axis, tags, min_height)
    after = sides.pool(pair.after_name, pair.after, axis, tags, min_height)
    ratio = rate_ratio(before.counts, after.counts)
    outcome = _outcome(before, after, ratio)
    error = _companion(before, after)
    measure = pair.before[0].run.series[companion].measure if companion else Measure.UNKNOWN
    detectable = detectable_ratio(before.counts, after.counts.exposure, ratio.dispersion)
    return Comparison(
        before=before,
        after=after,
        unit=unit,
        start=axis.start,
        end=axis.end,
        ratio=ratio,
        outcome=outcome,
        detectable=detectable,
        loss=levels.change([t.loss for t in before.trials], [t.loss for t in after.trials]),
        companion=error,
        cost=levels.cost(error, measure),
        settings=settings.settings(pair.before, pair.after),
        conditions=settings.conditions(pair.before[0], pair.after[0]),
        summary=summary(before, after, ratio, outcome),
        notes=notes(before, after, ratio, outcome, detectable),
    )


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
