"""Series that are the loss itself but for a factor, and terms that the loss is made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spikediag.model import LONGEST_LOOK, Copy, FloatArray, Run, Series, Shape, Spike
from spikediag.stats.medians import median, medians
from spikediag.stats.scale import robust_sigma, row_sigma

FEWEST_POINTS = 20  # common to both
SAMPLED = 500  # points that show whether one follows the other
TOGETHER = 256  # series that are looked at in one go
ALIKE = 0.02  # scatter around the line, over the scatter of the loss
FITS = 0.05  # distance from the line at the peak, over the height
FEWEST_HIGH = 8  # points while it stands high
STANDS = 0.25  # of the height of a burst, from which it stands high
STEADY = 0.05  # scatter of loss over series while both stand high
SMALLEST = 1e-100  # below, a ratio means nothing
VARIES = 2.0  # times that the series rises there, so that a constant ratio says something


@dataclass(frozen=True)
class AffineFit:
    """Loss = factor x series + offset."""

    factor: float
    offset: float = 0.0


def alike(run: Run, loss: Series) -> Mapping[str, AffineFit]:
    """The series that follow a loss all along, by tag."""
    others = [run.series[tag] for tag in sorted(run.series) if tag != loss.tag]
    beside = [s for s in others if loss.finite.all() and s.finite.all() and s.has_steps_of(loss)]
    found: dict[str, AffineFit | None] = {}
    for first in range(0, len(beside), TOGETHER):
        some = beside[first : first + TOGETHER]
        found |= zip((s.tag for s in some), _all_along(loss.values, [s.values for s in some]), strict=True)
    for series in others:
        if series.tag not in found:
            own, other = _common(loss, series)
            (found[series.tag],) = _all_along(loss.values[own], [series.values[other]])
    return {tag: line for tag, line in sorted(found.items()) if line is not None}


def copies(run: Run, spike: Spike, along: Mapping[str, AffineFit]) -> tuple[Copy, ...]:
    """The series that jump as the loss does because they are the loss, by tag.

    They follow it all along; or in constant proportion for as long as it stands high, as a term that has
    become the loss does.

    Args:
        run: The run.
        spike: A jump of the loss.
        along: What `alike` says of that loss.
    """
    loss = run.series[spike.tag]
    tags = (tag for tag in sorted(run.series) if tag != loss.tag and math.isfinite(spike.height))
    found = (_copy(loss, run.series[tag], spike, along.get(tag)) for tag in tags)
    return tuple(copy for copy in found if copy is not None)


def _copy(loss: Series, series: Series, spike: Spike, line: AffineFit | None) -> Copy | None:
    stands = spike.shape in {Shape.BURST, Shape.LEVEL, Shape.TREND} and not spike.is_fall
    if line is None and not stands:
        return None
    own, other = _common(loss, series)
    y, x = loss.values[own], series.values[other]
    if line is None:
        first = spike.onset_of_highest
        high = (own >= first) & (own < min(spike.stop, first + LONGEST_LOOK))
        if spike.shape is Shape.BURST:
            high &= loss.values[own] >= spike.baseline + STANDS * spike.height
        line = _while_high(y[high], x[high], y[own < spike.start], x[own < spike.start])
    at = np.flatnonzero(own == spike.peak)
    if line is None or not len(at):
        return None
    over = y[at[0]] - line.factor * x[at[0]] - line.offset
    if abs(over) > FITS * abs(y[at[0]] - spike.baseline):
        return None
    return Copy(series.tag, line.factor, line.offset, len(own))


def _common(loss: Series, series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the finite points that both have, in each."""
    own, other = loss.shared(series)
    good = loss.finite[own] & series.finite[other]
    return own[good], other[good]


def _all_along(y: FloatArray, rows: Sequence[FloatArray]) -> list[AffineFit | None]:
    """Factor and offset of y = factor x + offset for each of rows x (n,), None where more is left over."""
    if len(y) < FEWEST_POINTS:
        return [None] * len(rows)
    thin = slice(None, None, max(1, len(y) // SAMPLED))
    y, x = y[thin], np.stack([row[thin] for row in rows])
    noise, spread = robust_sigma(y), row_sigma(x)
    varies = (spread >= SMALLEST) & (noise >= SMALLEST)
    noise, spread = max(noise, SMALLEST), np.maximum(spread, SMALLEST)
    bulk = np.abs(x - medians(x)[:, None]) <= 3 * spread[:, None]
    count = bulk.sum(axis=1)
    centre, middle = np.where(bulk, x, 0).sum(axis=1) / count, np.where(bulk, y, 0).sum(axis=1) / count
    moved = np.where(bulk, x - centre[:, None], 0) / spread[:, None]
    other = (y - middle[:, None]) / noise
    power = np.maximum((moved * moved).sum(axis=1), np.finfo(float).tiny)
    factor = (moved * other).sum(axis=1) / power * noise / spread
    offset = middle - factor * centre
    left = row_sigma(y - factor[:, None] * x - offset[:, None])
    offset[np.abs(offset) <= ALIKE * np.abs(factor) * spread] = 0.0
    fits = varies & (left <= ALIKE * noise)
    lines = zip(fits.tolist(), factor.tolist(), offset.tolist(), strict=True)
    return [AffineFit(a, b) if fit else None for fit, a, b in lines]


def _while_high(y: FloatArray, x: FloatArray, y_before: FloatArray, x_before: FloatArray) -> AffineFit | None:
    """The factor of y = factor x on a rise that lasts, where both rise and their ratio stays; else None."""
    if len(y) < FEWEST_HIGH or not len(x_before) or np.any(x <= SMALLEST):
        return None
    ratio = y / x
    factor = median(ratio)
    rises = median(x) > VARIES * abs(median(x_before)) and median(y) > median(y_before)
    if factor <= 0 or not rises or robust_sigma(ratio) > STEADY * factor:
        return None
    return AffineFit(factor)
