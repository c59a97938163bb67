"""Where in time a spike stands at least half as high as at its peak: there a companion must answer."""

from dataclasses import dataclass

import numpy as np

from spikediag.model import Kind, Series, Spike
from spikediag.stats.windows import contrast

LONGEST = 129  # logged points: the level after a shift is known well enough by then
MOST_MEMBERS = 200  # of a train


@dataclass(frozen=True)
class Window:
    """One stretch of the loss to compare, in positions and in steps, and how high it stands."""

    start: int
    stop: int
    first_step: float  # half a logging interval before the first point
    last_step: float  # half a logging interval after the last
    jump: float  # mean of the finite loss over the window minus the level before; inf if none is finite


def windows(spike: Spike, loss: Series) -> tuple[Window, ...]:
    """The window of a spike, or one for every member of a train."""
    if spike.kind is Kind.TRAIN and spike.members:
        highest = sorted(spike.members, key=lambda member: -loss.values[member.peak])[:MOST_MEMBERS]
        calm = _outside(spike, loss)
        spans = (_half_height(loss, m.start, m.stop, m.peak, spike.baseline) for m in highest)
        return tuple(_window(loss, *span, _local_level(loss, span, calm, spike)) for span in sorted(spans))
    if spike.kind is Kind.TRANSIENT:
        span = _half_height(loss, spike.start, spike.stop, spike.peak, spike.baseline)
    elif spike.kind in {Kind.DRIFT, Kind.DIVERGENCE}:
        span = (max(spike.start, spike.stop - LONGEST), spike.stop)
    else:
        span = (spike.start, min(spike.stop, spike.start + LONGEST))
    return (_window(loss, *span, spike.baseline),)


def _half_height(loss: Series, start: int, stop: int, peak: int, baseline: float) -> tuple[int, int]:
    """The stretch around the peak that stays above half its height."""
    half = 0.5 * (float(loss.values[peak]) + baseline)
    first, last = peak, peak
    while first > start and loss.values[first - 1] >= half:
        first -= 1
    while last + 1 < stop and loss.values[last + 1] >= half:
        last += 1
    return first, min(last + 1, first + LONGEST)


def _window(loss: Series, start: int, stop: int, baseline: float) -> Window:
    near = np.diff(loss.steps[max(0, start - LONGEST) : stop + 1])
    reach = 0.5 * float(np.median(near)) if len(near) else 0.5
    values = loss.values[start:stop]
    finite = values[np.isfinite(values)]
    jump = float(np.mean(finite)) - baseline if len(finite) else np.inf
    return Window(start, stop, loss.steps[start] - reach, loss.steps[stop - 1] + reach, jump)


def _outside(spike: Spike, loss: Series) -> np.ndarray:
    calm = np.isfinite(loss.values)
    for member in spike.members:
        calm[member.start : member.stop] = False
    return calm


def _local_level(loss: Series, span: tuple[int, int], calm: np.ndarray, spike: Spike) -> float:
    filled = np.where(np.isfinite(loss.values), loss.values, spike.baseline)
    local = contrast(filled, *span, calm)
    return spike.baseline if local is None else local.before
