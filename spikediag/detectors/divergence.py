"""divergence: the loss climbs and is still climbing when the log ends."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from spikediag.detectors.protocol import registry
from spikediag.detectors.rise import Rise, noise_before
from spikediag.detectors.salience import CHANCE
from spikediag.detectors.signal import Signal
from spikediag.model import PAST, FloatArray, Kind, Spike
from spikediag.stats.medians import median

GROWING = 0.25  # share of the height gained in the last third
FEW = 9  # points of a rise that are too few for thirds: then each must be higher than the one before
BEGIN = 3  # first points, which a series that explodes from its start is measured by
DECADES = 1e4  # last third of a series over its first points, from which it has exploded
ALREADY = 100.0  # the same for the middle of the first half
AT_ONCE = 2.0  # the same for the next six points: it was no leap later on
STEEPER = 2.0  # times its slope before, from which a climb is one of its own
SOON = 9  # points: fewest that may lie between two rises of one escalation


@registry.register
@dataclass(frozen=True)
class Divergence:
    """The loss climbs and is still climbing when the log ends.

    What it finds:
        A rise that chance does not explain, that has not recovered, and that ends higher than it began; or
        one that ends in NaN or Inf.

    How:
        The stretch from the onset to the last finite value is cut into three parts. Their medians must rise,
        the last step must be at least a quarter of the whole height, and the last part itself must rise by
        a quarter of that step. Rises that follow one another, each higher, are one escalation. Of fewer
        than nine points, each must be higher than the one before. A series whose last third lies 10,000 times
        above its first three points, its first half a hundred times, and already the next six points twice,
        has exploded from its start. A fall that was as steep before goes on as it was.

    Blind spots:
        A rise of which fewer than three points were logged is a level shift, marked provisional. A slow climb
        that would have levelled off after the end of the log.

    References:
        Chowdhery et al. (2022), arXiv:2204.02311, section 5.1; Molybog et al. (2023), arXiv:2304.09871.
    """

    id: str = Kind.DIVERGENCE.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """Rises that end the log."""
        values = signal.values
        if exploded(values):
            yield signal.spike(
                Kind.DIVERGENCE, explosion(values), median(values[-3:]) - median(values[:BEGIN])
            )
            return
        first = begin_of_escalation(signal.rises)
        for rise in signal.rises:
            begin = first if first and rise is signal.rises[-1] else rise
            if rise.stop < len(values) or not any(self.climbs(r, values[r.start :]) for r in (begin, rise)):
                continue
            if signal.sign < 0 and goes_on_as_before(values, begin.start):
                continue
            peak = begin.start + int(np.argmax(values[begin.start :]))
            at_end = replace(begin, stop=rise.stop, back=rise.back, peak=peak, peak_value=float(values[peak]))
            yield signal.spike(Kind.DIVERGENCE, at_end, median(values[-3:]) - begin.baseline)
            return

    def climbs(self, rise: Rise, values: FloatArray) -> bool:
        """Whether values (n,) from the onset on gain height in each third, and within the last."""
        if len(values) < FEW:
            gains = np.diff(values)
            enough = len(values) >= 3 and bool((gains > 0).all())
            return enough and bool(gains[-1] >= GROWING * (values[-1] - rise.baseline))
        first, second, third = (median(part) for part in np.array_split(values, 3))
        early, late = (median(part) for part in np.array_split(values[-(len(values) // 3) :], 2))
        gain = third - second
        grows = gain >= GROWING * (third - rise.baseline) > 0
        return first < second and grows and late - early >= GROWING * gain


def goes_on_as_before(values: FloatArray, start: int) -> bool:
    """Whether values (n,) climb no faster after a position than before it."""
    past, since = values[max(0, start - PAST) : start], values[start:]
    if min(len(past), len(since)) < FEW:
        return False
    before = slope(past)
    return before > 0 and slope(since) < STEEPER * before


def slope(values: FloatArray) -> float:
    """Rise per point of values (n,), from the medians of the first third and the last."""
    first, _, last = np.array_split(values, 3)
    return (median(last) - median(first)) / (len(values) - (len(first) + len(last)) / 2)


def exploded(values: FloatArray) -> bool:
    """Whether the last third of finite values (n,) lies decades above the first: that needs no history."""
    if len(values) <= FEW:
        return False
    began = float(np.abs(values[:BEGIN]).max())
    early, late = (
        median(values[BEGIN : len(values) // 2]),
        float(values[-(len(values) // 3) :].min()),
    )
    at_once = median(values[BEGIN:FEW]) > AT_ONCE * began
    return at_once and early > ALREADY * began > 0 and late > DECADES * began


def explosion(values: FloatArray) -> Rise:
    """The whole of a series that explodes from its first points on."""
    n, peak, level = len(values), int(np.argmax(values)), median(values[-BEGIN:])
    began, noise = median(values[:BEGIN]), noise_before(values[: BEGIN + 1], BEGIN)
    return Rise(n, BEGIN, n, n, n, peak, began, level, float(values[peak]), noise, np.inf, CHANCE)


def begin_of_escalation(rises: tuple[Rise, ...]) -> Rise | None:
    """The first of the rises that lead up to the last one, each higher and soon after the one before."""
    begin = None
    for earlier, later in reversed(list(pairwise(rises))):
        soon = later.start - earlier.start <= 2 * (rises[-1].reach - later.start) + SOON
        if not soon or earlier.peak_value >= later.peak_value:
            break
        begin = earlier
    return begin
