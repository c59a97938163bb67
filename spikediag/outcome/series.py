"""One loss, error or reward around one finding: did it end worse than its trend before foretold?"""

import math
from dataclasses import dataclass

import numpy as np

from spikediag.model import (
    Finding,
    FloatArray,
    IntArray,
    Measure,
    Outcome,
    OutcomeVerdict,
    Role,
    Series,
    Shape,
    Spike,
)
from spikediag.outcome.wording import Numbers, reading
from spikediag.stats.equivalence import Change
from spikediag.stats.trend import BLOCK, Trend, trend

SHARE = 0.05  # of the level of an error, an accuracy, a success rate or a reward
FEWEST_BEFORE = 3  # points
CLAIM = 0.05


def outcome(series: Series, finding: Finding, others: tuple[Finding, ...]) -> Outcome:
    """How a series stood before, during and after a finding.

    Args:
        series: A loss, a companion or a reward of the run.
        finding: The finding.
        others: Every finding of the run: what they did to a series is no part of its trend.
    """
    parts = _parts(series, finding.spike, others)
    up_is_bad = series.role is not Role.REWARD and series.measure is not Measure.ACCURACY
    sign = 1 if up_is_bad else -1
    numbers = _numbers(series, parts, sign)
    verdict = _verdict(numbers, finding.spike, series)
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
        margin=numbers.margin,
        verdict=verdict,
        reading=reading(series, finding.spike, numbers, verdict),
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """Finite values before, during and after a spike, and by how many points before and after lie apart."""

    before: FloatArray
    during: FloatArray
    after: FloatArray
    apart: int


def _parts(series: Series, spike: Spike, others: tuple[Finding, ...]) -> _Parts:
    finite = series.finite
    steps, values = series.steps[finite], series.values[finite]
    first, last = spike.onset_step, spike.end_step
    undisturbed = _undisturbed(steps, spike, others)
    ahead = np.flatnonzero((steps < first) & undisturbed)
    if last is None:
        during = np.flatnonzero(steps >= first)
        behind = during[-BLOCK:]
    else:
        during = np.flatnonzero((steps >= first) & (steps < last))
        behind = np.flatnonzero((steps >= last) & undisturbed)[:BLOCK]
    apart = int(behind[0] - ahead[-1]) if len(ahead) and len(behind) else 0
    return _Parts(values[ahead], values[during], values[behind], apart)


def _undisturbed(steps: IntArray, spike: Spike, others: tuple[Finding, ...]) -> np.ndarray:
    """Steps outside every other finding that came back."""
    calm = np.ones(len(steps), bool)
    for other in (f.spike for f in others):
        if (
            other is not spike
            and other.end_step is not None
            and other.shape is Shape.BURST
            and not other.members
        ):
            calm[np.searchsorted(steps, other.onset_step) : np.searchsorted(steps, other.end_step)] = False
    return calm


def _numbers(series: Series, parts: _Parts, sign: int) -> Numbers:
    worst = float((sign * parts.during).max() * sign) if len(parts.during) else math.nan
    if len(parts.before) < FEWEST_BEFORE:
        before = float(np.median(parts.before)) if len(parts.before) else math.nan
        after = float(np.median(parts.after)) if len(parts.after) else math.nan
        return Numbers(before, worst, after, math.nan, -math.inf, math.inf, 0.0, len(parts.after))
    past = trend(parts.before)
    margin = _margin(series, parts.before, past)
    if not len(parts.after):
        return Numbers(past.level, worst, math.nan, past.level, -math.inf, math.inf, margin, 0)
    after, change = _change(past, parts, sign)
    low, high = change.bound(1 - CLAIM), change.bound(CLAIM)
    foretold = after - sign * change.value
    return Numbers(past.level, worst, after, foretold, low, high, margin, len(parts.after))


def _change(past: Trend, parts: _Parts, sign: int) -> tuple[float, Change]:
    """The level after, and how much worse it is than foretold."""
    many = len(parts.after) >= 9
    after = float(np.median(parts.after) if many else np.mean(parts.after))
    ahead = past.size / 2 + parts.apart + len(parts.after) / 2
    foretold, error = past.foretold(ahead)
    degrees = max(1.0, len(parts.before[-3 * BLOCK :]) * past.independent - 1)
    return after, Change(
        sign * (after - foretold), math.hypot(error, past.error_of(len(parts.after))), degrees
    )


def _margin(series: Series, before: FloatArray, past: Trend) -> float:
    """A change for the worse that people would still call no worse.

    For a loss, one standard deviation of its batches: back to where single batches lay. For anything else, a
    share of its level; of its range, where it has both signs.
    """
    if series.role is Role.LOSS and not series.held_out:
        return past.sd
    signed = bool((before > 0).any() and (before < 0).any())
    return SHARE * (float(np.ptp(before)) if signed else abs(past.level))


def _verdict(numbers: Numbers, spike: Spike, series: Series) -> OutcomeVerdict:
    if not spike.recovered and series.tag == spike.tag:
        if spike.shape is Shape.LOST:
            return OutcomeVerdict.WORSE
        if spike.shape is Shape.NOISE and not numbers.worse:
            return OutcomeVerdict.CANNOT_BE_TOLD
    if numbers.worse:
        return OutcomeVerdict.WORSE
    return OutcomeVerdict.NOT_WORSE if numbers.high <= numbers.margin else OutcomeVerdict.CANNOT_BE_TOLD
