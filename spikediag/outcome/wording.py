"""What one outcome says, with its numbers and its margin."""

import math
from dataclasses import dataclass

from spikediag.model import OutcomeVerdict, Role, Series, Shape, Spike, Text, say


@dataclass(frozen=True)
class OutcomeMargin:
    """A change for the worse that people would still call no worse, unit of the series, and what it is."""

    size: float
    kind: Text


@dataclass(frozen=True)
class OutcomeNumbers:
    """Levels in the unit of the series; `low` and `high` bound the change for the worse, > 0 is worse."""

    before: float
    during: float  # the worst
    after: float
    foretold: float
    low: float
    high: float
    surely: float  # the lower end of a one-sided 99 % interval: many series are looked at
    margin: OutcomeMargin
    notable: float  # a sure change for the worse beyond it is one
    points_after: int

    @property
    def worse(self) -> bool:
        """Whether it surely got worse, and by more than people would call no worse."""
        return self.surely > 0 and self.low + self.high > 2 * self.notable


def outcome_reading(
    series: Series,
    spike: Spike,
    numbers: OutcomeNumbers,
    verdict: OutcomeVerdict,
    during: OutcomeNumbers | None,
    *,
    longer: int | None = None,
) -> Text:
    """Before, worst during and after; and whether that is worse.

    Args:
        series: The loss, error or reward.
        spike: What it is judged around.
        numbers: The levels before and after.
        verdict: On after against before.
        during: The same comparison with the time of the jump itself; given where that was worse.
        longer: Points in which an earlier jump as high came back, where the log ended sooner after this one.
    """
    if longer is not None:
        return say(
            "{tag} had not come back when the log ended, {points:,} points after the jump; an earlier one as "
            "high took {longer:,} to come back.",
            tag=series.tag,
            points=spike.stop - spike.start,
            longer=longer,
        )
    if series.tag == spike.tag and not spike.recovered and verdict is not OutcomeVerdict.NOT_WORSE:
        return _still_up(series, spike, numbers)
    text = _after(series, numbers, verdict)
    if during is not None:
        text = say(
            "While the loss stood high, {tag} was worse: {before:.4g} before, {mean:.4g} then. {after}",
            tag=series.tag,
            before=during.before,
            mean=during.after,
            after=text,
        )
    if math.isfinite(numbers.during) and series.role is not Role.LOSS:
        return say(
            "{after} At its worst during the jump it read {during:.4g}.", after=text, during=numbers.during
        )
    return text


def _still_up(series: Series, spike: Spike, numbers: OutcomeNumbers) -> Text:
    if spike.shape is Shape.LOST and not math.isfinite(spike.height):
        return say("{tag} was no number any more when the log ended.", tag=series.tag)
    if spike.shape is Shape.NOISE:
        return say("{tag} still scattered as widely when the log ended.", tag=series.tag)
    return say(
        "{tag} had not come back when the log ended: {before:.4g} before, {after:.4g} at the end.",
        tag=series.tag,
        before=numbers.before,
        after=numbers.after,
    )


def _after(series: Series, numbers: OutcomeNumbers, verdict: OutcomeVerdict) -> Text:
    if not numbers.points_after:
        return say(
            "{tag} was not logged after it: {before:.4g} before.", tag=series.tag, before=numbers.before
        )
    if not math.isfinite(numbers.before):
        return say("{tag} was not logged before it: {after:.4g} after.", tag=series.tag, after=numbers.after)
    if not math.isfinite(numbers.foretold):
        return say(
            "Too few points of {tag} before it to tell whether it ended worse: {before:.4g} before, "
            "{after:.4g} after.",
            tag=series.tag,
            before=numbers.before,
            after=numbers.after,
        )
    return _compared(series, numbers, verdict)


def _compared(series: Series, numbers: OutcomeNumbers, verdict: OutcomeVerdict) -> Text:
    levels = say(
        "{before:.4g} before, {after:.4g} after, {foretold:.4g} foretold",
        before=numbers.before,
        after=numbers.after,
        foretold=numbers.foretold,
    )
    margin = say("{size:.3g} ({kind})", size=numbers.margin.size, kind=numbers.margin.kind)
    if verdict is OutcomeVerdict.WORSE:
        return say(
            "{tag} is worse after it: {levels}; worse by {low:.3g} to {high:.3g} (90 % interval), margin "
            "{margin}.",
            tag=series.tag,
            levels=levels,
            low=numbers.low,
            high=numbers.high,
            margin=margin,
        )
    if verdict is OutcomeVerdict.NOT_WORSE:
        return say(
            "{tag} is no worse after it: {levels}; the change for the worse is at most {high:+.3g}, "
            "inside the margin of {margin}.",
            tag=series.tag,
            levels=levels,
            high=numbers.high,
            margin=margin,
        )
    return say(
        "Whether {tag} ended worse cannot be told from {points} points after it: {levels}; the change for "
        "the worse lies between {low:+.3g} and {high:+.3g}, margin {margin}.",
        tag=series.tag,
        points=numbers.points_after,
        levels=levels,
        low=numbers.low,
        high=numbers.high,
        margin=margin,
    )
