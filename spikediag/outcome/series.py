"""One loss, error or reward around one finding: did it end worse than its trend before foretold?"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikediag.model import (
    Finding,
    FloatArray,
    IntArray,
    Kind,
    Outcome,
    OutcomeVerdict,
    Role,
    Series,
    Shape,
    Spike,
    say,
)
from spikediag.outcome.wording import OutcomeMargin, OutcomeNumbers, outcome_reading
from spikediag.stats.equivalence import Change
from spikediag.stats.medians import median
from spikediag.stats.trend import BLOCK, Trend, middle, trend

SHARE = 0.10  # of the level of an error, an accuracy, a success rate or a reward
NOTABLE = 0.5  # of that margin: a sure change for the worse beyond it is one
FEWEST_BEFORE = 3  # points
ALIKE = 0.5  # of its height: an earlier jump as high shows how long one takes to come back
CLAIM = 0.05  # chance of 'no worse' where it got worse by the margin
STANDARD_DEVIATION = say("one standard deviation of its batches")
SURE = 0.01  # chance of a change for the worse where there is none: many series are looked at


def outcome(series: Series, finding: Finding, others: tuple[Finding, ...]) -> Outcome:
    """How a series stood before, during and after a finding.

    Args:
        series: A loss, a companion or a reward of the run.
        finding: The finding.
        others: Every finding of the run: what they did to a series is no part of its trend.
    """
    sign = -1 if series.up_is_better else 1
    looks = [_numbers(series, parts, sign) for parts in _parts(series, finding.spike, others)]
    numbers = next((look for look in looks if look.worse), looks[-1])
    longer = _kin_took_longer(finding.spike, others) if series.tag == finding.spike.tag else None
    after = _verdict(numbers, finding.spike, series) if longer is None else OutcomeVerdict.CANNOT_BE_TOLD
    during = _fell_during(series, finding.spike, others, sign) if not numbers.worse else None
    return Outcome(
        finding=finding.id,
        tag=series.tag,
        role=series.role,
        before=numbers.before,
        during=numbers.during,
        after=numbers.after,
        foretold=numbers.foretold,
        low=numbers.low,
        high=numbers.high,
        margin=numbers.margin.size,
        verdict=after if during is None else OutcomeVerdict.WORSE,
        reading=outcome_reading(series, finding.spike, numbers, after, during, longer=longer),
        meanwhile=None if during is None else during.after,
    )


def _kin_took_longer(spike: Spike, others: tuple[Finding, ...]) -> int | None:
    """Points in which an earlier jump as high came back, where the log gave this one fewer; else None."""
    if spike.recovered or spike.shape is Shape.LOST or spike.kind is Kind.DIVERGENCE:
        return None
    kin = (f.spike for f in others if f.spike.tag == spike.tag and f.spike.onset_step < spike.onset_step)
    alike = (
        one.highest
        for one in kin
        if one.shape is Shape.BURST and one.recovered and one.height >= ALIKE * spike.height > 0
    )
    longest = max((e.stop - e.start for e in alike), default=0)
    return longest if longest > spike.stop - spike.start else None


def _fell_during(
    series: Series, spike: Spike, others: tuple[Finding, ...], sign: int
) -> OutcomeNumbers | None:
    """Of a reward: the comparison of the time of the jump with before, where that was worse.

    Of a jump that is not over, also its first half: it may have been worse for long, and better since.
    """
    if series.role is not Role.REWARD:
        return None
    parts = next(iter(_parts(series, spike, others)))
    first = parts.during[: len(parts.during) // 2]
    looks = [parts.during] if spike.recovered or len(first) < BLOCK else [parts.during, first]
    then = (_numbers(series, replace(parts, after=look, apart=1), sign) for look in looks)
    return next((numbers for numbers in then if numbers.worse), None)


@dataclass(frozen=True, eq=False)
class _Parts:
    """Finite values before, during and after a spike, and by how many points before and after lie apart."""

    before: FloatArray
    past: Trend | None  # of what came before; None where that is too little
    during: FloatArray
    after: FloatArray
    apart: int


def _parts(series: Series, spike: Spike, others: tuple[Finding, ...]) -> Iterator[_Parts]:
    """Before and during, with each stretch that counts as after; where it settled comes last.

    An error or a reward that is worse right after a jump was harmed by it, though it recovers; a loss counts
    where it settled.
    """
    steps, values = series.numbers
    first, last = _extent(spike)
    undisturbed = _undisturbed(steps, spike, others)
    start = series.logged_before(first)
    stop = len(steps) if last is None else max(start, series.logged_before(last))
    ahead = np.flatnonzero(undisturbed[:start])
    before, during = values[ahead], values[start:stop]
    past = trend(before) if len(before) >= FEWEST_BEFORE else None
    behind = _calm_until(stop + np.flatnonzero(undisturbed[stop:]), steps, spike, others)
    stretches = [np.arange(max(start, stop - BLOCK), stop)] if last is None else [_settled(behind)]
    if last is not None and not _is_batch_loss(series):
        stretches.insert(0, behind[:BLOCK])
    for after in stretches:
        apart = int(after[0] - ahead[-1]) if len(ahead) and len(after) else 0
        yield _Parts(before, past, during, values[after], apart)


def _extent(spike: Spike) -> tuple[int, int | None]:
    """First and last step; of a train that ended, those of its highest member."""
    if not spike.members or spike.end_step is None:
        return spike.onset_step, spike.end_step
    top, interval = spike.highest, _interval(spike)
    first = spike.peak_step - round(interval * (top.peak - top.start))
    return first, first + max(1, round(interval * (top.stop - top.start)))


def _calm_until(behind: IntArray, steps: IntArray, spike: Spike, others: tuple[Finding, ...]) -> IntArray:
    """Up to 132 points after a spike, before the next lasting one."""
    lasting = [f.spike.onset_step for f in others if not f.spike.recovered]
    later = [step for step in lasting if step > spike.peak_step]
    behind = behind[: 4 * BLOCK]
    before_next = behind[steps[behind] < min(later)] if later else behind
    return before_next if len(before_next) else behind


def _settled(behind: IntArray) -> IntArray:
    """Without the first quarter of many points, in which a series may still be on its way back."""
    return behind[len(behind) // 4 :] if len(behind) >= 2 * BLOCK else behind


def _undisturbed(steps: IntArray, spike: Spike, others: tuple[Finding, ...]) -> np.ndarray:
    """Steps outside every other burst, and outside the other members of a train."""
    calm = np.ones(len(steps), bool)
    for other in (f.spike for f in others if f.spike.shape is Shape.BURST):
        if other.end_step is None or (other is spike and not other.members):
            continue
        first, interval = other.onset_step, _interval(other)
        for e in other.excursions:
            if other is not spike or e is not spike.highest:
                a, b = (first + interval * (place - other.start) for place in (e.start, e.stop))
                calm[slice(*steps.searchsorted([round(a), round(b)]))] = False
    return calm


def _interval(spike: Spike) -> float:
    """Steps from one point of its loss to the next."""
    last = spike.peak_step if spike.end_step is None else spike.end_step
    return (last - spike.onset_step) / max(1, spike.stop - spike.start)


def _numbers(series: Series, parts: _Parts, sign: int) -> OutcomeNumbers:
    worst = float((sign * parts.during).max() * sign) if len(parts.during) else math.nan
    past = parts.past
    if past is None:
        before = median(parts.before) if len(parts.before) else math.nan
        after = median(parts.after) if len(parts.after) else math.nan
        margin = OutcomeMargin(0.0, STANDARD_DEVIATION)
        return OutcomeNumbers(
            before, worst, after, math.nan, -math.inf, math.inf, -math.inf, margin, 0.0, len(parts.after)
        )
    margin = _margin(series, parts.before, past)
    if not len(parts.after):
        return OutcomeNumbers(
            past.level, worst, math.nan, past.level, -math.inf, math.inf, -math.inf, margin, margin.size, 0
        )
    after = float(middle(parts.after))
    foretold, change = _change(past, parts, after, sign)
    if past.slope and change.bound(1 - CLAIM) <= 0:  # not surely behind its trend: held to its level before
        level = replace(past, levels=past.levels[-1:], flat=past.level)
        foretold, change = _change(level, parts, after, sign)
    low, high = change.bound(1 - CLAIM), change.bound(CLAIM)
    notable = margin.size if _is_batch_loss(series) else NOTABLE * margin.size
    return OutcomeNumbers(
        past.level,
        worst,
        after,
        foretold,
        low,
        high,
        change.bound(1 - SURE),
        margin,
        notable,
        len(parts.after),
    )


def _change(past: Trend, parts: _Parts, after: float, sign: int) -> tuple[float, Change]:
    """What was foretold, and how much worse it stands."""
    ahead = 0.5 * past.size + parts.apart + 0.5 * len(parts.after)
    foretold, error = past.foretold(ahead)
    degrees = max(1.0, past.size * len(past.levels) * past.independent - 1)
    unsure = math.hypot(error, past.error_of(len(parts.after)))
    return foretold, Change(sign * (after - foretold), unsure, degrees)


def _margin(series: Series, before: FloatArray, past: Trend) -> OutcomeMargin:
    """Of a loss, how far its batches lie apart; else a share of the level, or of a range of both signs."""
    if _is_batch_loss(series):
        return OutcomeMargin(past.sd, STANDARD_DEVIATION)
    if bool((before > 0).any() and (before < 0).any()):
        return OutcomeMargin(SHARE * float(np.ptp(before)), say("{share:.0%} of its range", share=SHARE))
    return OutcomeMargin(SHARE * abs(past.level), say("{share:.0%} of its level", share=SHARE))


def _is_batch_loss(series: Series) -> bool:
    return series.role is Role.LOSS and not series.held_out


def _verdict(numbers: OutcomeNumbers, spike: Spike, series: Series) -> OutcomeVerdict:
    if not spike.recovered and series.tag == spike.tag:
        if spike.shape is Shape.LOST:
            return OutcomeVerdict.WORSE
        if spike.shape is Shape.NOISE and not numbers.worse:
            return OutcomeVerdict.CANNOT_BE_TOLD
    if numbers.worse:
        return OutcomeVerdict.WORSE
    return OutcomeVerdict.NOT_WORSE if numbers.high <= numbers.margin.size else OutcomeVerdict.CANNOT_BE_TOLD
