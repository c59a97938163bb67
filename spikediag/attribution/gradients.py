"""The gradient norm around a spike: did it leap, did it leap first, and what did Adam remember?"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spikediag.model import FloatArray, IntArray, Run, Series, Text, say
from spikediag.stats.medians import median
from spikediag.stats.scale import robust_sigma

FAR_SDS = 6.0  # robust sd of the log norm
UNUSUAL_SDS = 3.5  # enough where the norm was never nearly as large: some runs' norms vary a hundredfold
UNSEEN = 1.5  # times the largest norm of the usual range
LARGE = 3.0  # times the median
POINTS_BEFORE = 10  # logged points before the onset that are searched
STALE = 2.3  # gradient over what Adam remembers (Wortsman et al. 2023, arXiv 2304.13013)
BLOCK = 64  # points of a moving average that are worked out at once
PAST_POINTS = 257  # logged points the usual range is taken from


@dataclass(frozen=True)
class GradientRise:
    """The highest gradient norm around the onset."""

    tag: str
    step: int  # first point far above the usual range, else the highest
    factor: float  # over the median before
    sds: float  # robust sd of the log norm above the median
    over_past: float  # times the largest norm of the usual range
    lead: float  # steps before the loss's onset; not positive: with it or after
    typical: float  # median before

    @property
    def leapt(self) -> bool:
        """Whether it left its usual range."""
        beyond = self.sds >= FAR_SDS or (self.sds >= UNUSUAL_SDS and self.over_past >= UNSEEN)
        return self.factor >= LARGE and beyond

    @property
    def leapt_first(self) -> bool:
        """Whether it did so before the loss."""
        return self.leapt and self.lead > 0

    @property
    def before(self) -> Text:
        """By how much, in words."""
        return say("{tag} leapt {lead:,.0f} steps before the loss.", tag=self.tag, lead=self.lead)

    @property
    def leapt_with(self) -> bool:
        """Whether it did so together with the loss."""
        return self.leapt and self.lead <= 0


def largest_rise(norms: Iterable[Series], onset: float, last: float) -> GradientRise | None:
    """The most unusual rise among the logged gradient norms; None where none covers the onset.

    Args:
        norms: Logged gradient norms.
        onset: Step before which nothing of the spike is seen.
        last: Step of its peak.
    """
    rises = [r for series in norms if (r := _rise(series, onset, last)) is not None]
    return max(rises, key=lambda rise: rise.sds, default=None)


def _rise(series: Series, onset: float, last: float) -> GradientRise | None:
    gap = series.interval
    steps, logs = series.logs
    first = int(steps.searchsorted(onset - POINTS_BEFORE * gap))
    stop = int(steps.searchsorted(last + 0.5 * gap, side="right"))
    past = logs[max(0, first - PAST_POINTS) : first]
    if first >= stop or len(past) < 10:
        return None
    middle, spread = median(past), max(robust_sigma(past), 1e-6)
    inside, where = logs[first:stop], steps[first:stop]
    limit = min(FAR_SDS * spread, max(UNUSUAL_SDS * spread, float(np.max(past)) - middle + np.log(UNSEEN)))
    far = np.flatnonzero(inside - middle > max(limit, np.log(LARGE)))
    at = int(far[0]) if len(far) else int(np.argmax(inside))
    top = float(np.max(inside))
    return GradientRise(
        tag=series.tag,
        step=int(where[at]),
        factor=float(np.exp(min(top - middle, 700.0))),
        sds=(top - middle) / spread,
        over_past=float(np.exp(min(top - np.max(past), 700.0))),
        lead=onset - float(where[at]),
        typical=float(np.exp(middle)),
    )


def over_memory(run: Run, norm: Series, decay: float) -> tuple[IntArray, FloatArray]:
    """The gradient norm over the root mean square that Adam's second moment remembers, steps and ratios (n,).

    Logged points are taken as one sample per logging interval: the memory per point is decay^interval. The
    first ten points, and those before which all gradients were zero, are left out.
    """
    return run.once(_over_memory, norm, decay)


def _over_memory(_: Run, norm: Series, decay: float) -> tuple[IntArray, FloatArray]:
    steps, values = norm.numbers
    squares = np.minimum(np.abs(values), 1e150) ** 2
    memory = float(decay**norm.interval)
    remembered = _averaged(squares[:-1], memory) / (1 - memory ** np.arange(1, max(len(squares), 1)))
    known = np.flatnonzero(remembered > 0)
    known = known[known >= POINTS_BEFORE - 1]
    return steps[known + 1], np.sqrt(squares[known + 1] / remembered[known])


def _averaged(squares: FloatArray, memory: float) -> FloatArray:
    """The exponential moving average (n,) of squares (n,) that starts at 0, in blocks."""
    blocks = np.zeros((-(-len(squares) // BLOCK), BLOCK))
    blocks.ravel()[: len(squares)] = squares
    lags, kept = np.subtract.outer(np.arange(BLOCK), np.arange(BLOCK)), memory ** np.arange(BLOCK + 1)
    within = blocks @ np.where(lags >= 0, (1 - memory) * kept[np.maximum(lags, 0)], 0.0).T
    carried = [0.0]
    for last in within[:-1, -1].tolist():
        carried.append(last + carried[-1] * float(kept[BLOCK]))
    return np.asarray((within + np.outer(carried[: len(blocks)], kept[1:])).ravel()[: len(squares)])
