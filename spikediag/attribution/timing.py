"""When things happened: the stretch a spike stands in, and how telling a change just before it is."""

import math
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.settings import interval
from spikediag.model import Case, FloatArray, Kind, Series, Spike
from spikediag.stats.windows import Contrast, contrast

LONGEST = 129  # logged points of a lasting rise that are looked at
AFTERSHOCK_POINTS = 60  # logged points after the peak of a larger spike
AFTERSHOCK_SHARE = 0.25  # of its height, at most
SHORT_KINDS = frozenset({Kind.TRANSIENT, Kind.TRAIN})


@dataclass(frozen=True)
class Stretch:
    """Steps between which the spike stands, half a logging interval wider on both sides."""

    first: float
    last: float


def stretch(case: Case) -> Stretch:
    """Onset to peak of a short spike, the first points of a shift, the last points of a drift."""
    spike, loss = case.spike, case.run.series[case.spike.tag]
    reach = 0.5 * interval(loss)
    if spike.kind is Kind.TRAIN:
        return Stretch(spike.peak_step - 2 * reach, spike.peak_step + reach)
    if spike.kind is Kind.TRANSIENT:
        first = origin(case)
        return Stretch(first.onset_step - reach, max(first.peak_step, first.onset_step) + reach)
    start, stop = spike.start, min(spike.stop, spike.start + LONGEST)
    if spike.kind in {Kind.DRIFT, Kind.DIVERGENCE}:
        start, stop = max(spike.start, spike.stop - LONGEST), spike.stop
    return Stretch(float(loss.steps[start]) - reach, float(loss.steps[stop - 1]) + reach)


def moved(case: Case, series: Series) -> Contrast | None:
    """Another series over the stretch against its past before the onset; None when it has no point there."""
    where = stretch(case)
    finite = np.isfinite(series.values)
    steps, values = series.steps[finite], series.values[finite]
    start, stop = np.searchsorted(steps, [where.first, where.last])
    calm = steps < onset(case)
    return contrast(values, int(start), int(stop), calm) if start < stop else None


def origin(case: Case) -> Spike:
    """The larger spike of the same loss that this one is an aftershock of, else the spike itself."""
    first = case.spike
    while True:
        before = [s for s in case.spikes.get(first.tag, ()) if _shakes(s, first)]
        if not before or case.spike.kind is Kind.TRAIN:
            return first
        first = max(before, key=lambda s: s.height)


def _shakes(earlier: Spike, later: Spike) -> bool:
    near = earlier.start < later.start <= max(earlier.peak + AFTERSHOCK_POINTS, earlier.stop)
    return near and later.height < AFTERSHOCK_SHARE * earlier.height and earlier.kind is not Kind.TRAIN


def begin(case: Case) -> int:
    """The step at which it all began: the onset of the spike, or of the one it is an aftershock of.

    For a train, the first of its large members: small spikes of long before may have other reasons.
    """
    spike, loss = case.spike, case.run.series[case.spike.tag]
    if spike.kind is not Kind.TRAIN or not spike.members:
        return origin(case).onset_step
    heights = [float(loss.values[m.peak]) - spike.baseline for m in spike.members]
    large = AFTERSHOCK_SHARE * max(heights)
    first = next(m for m, height in zip(spike.members, heights, strict=True) if height >= large)
    return int(loss.steps[first.start])


def onset(case: Case) -> float:
    """The step before which nothing of this spike is seen; for a train, of its highest member."""
    if case.spike.kind is Kind.TRAIN:
        return stretch(case).first
    return float(begin(case))


def points_high(case: Case) -> int:
    """Logged points that stand at least half as high as the peak, in one piece; the median over a train."""
    spike, values = case.spike, case.run.series[case.spike.tag].values
    if spike.kind not in SHORT_KINDS:
        return spike.stop - spike.start
    spans = [(m.start, m.stop, m.peak) for m in spike.members] or [(spike.start, spike.stop, spike.peak)]
    widths = sorted(_width(values, *span, spike.baseline) for span in spans)
    return widths[len(widths) // 2]


def _width(values: FloatArray, start: int, stop: int, peak: int, baseline: float) -> int:
    half = 0.5 * (float(values[peak]) + baseline)
    first, last = peak, peak
    while first > start and values[first - 1] >= half:
        first -= 1
    while last + 1 < stop and values[last + 1] >= half:
        last += 1
    return last + 1 - first


def slack(case: Case, series: Series | None = None) -> float:
    """How far an onset may be misplaced, in steps: two points of the loss and one of the other series."""
    loss = case.run.series[case.spike.tag]
    return 2 * interval(loss) + (interval(series) if series is not None else 0.0)


def length(case: Case) -> float:
    """Steps from the first to the last point of the loss."""
    steps = case.run.series[case.spike.tag].steps
    return float(steps[-1] - steps[0]) or 1.0


def precedence(lag: float, length: float, delays: tuple[float, ...], alike: int) -> float:
    """Bans for a change `lag` steps before the onset, one of `alike` in a run of `length` steps.

    After a change that causes it, the onset's density is an even mixture of exponentials with the given
    mean delays (steps), uniform over the run otherwise: log10(length x density) - log10(alike).
    """
    after = max(lag, 0.0)
    density = sum(math.exp(-after / delay) / delay for delay in delays) / len(delays)
    return math.log10(max(length * density, 1e-9)) - math.log10(max(alike, 1))
