"""divergence: the loss climbs and is still climbing when the log ends."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from spikediag.detectors.protocol import registry
from spikediag.detectors.rise import Rise
from spikediag.detectors.signal import Signal
from spikediag.model import FloatArray, Kind, Spike

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
        the last step must be at least `growing` of the whole height, and the last part itself must rise by
        `growing` of that step. Rises that follow one another, each higher, are one escalation.

    Blind spots:
        A rise of which fewer than nine points were logged. A slow climb that would have levelled off after
        the end of the log.

    References:
        Chowdhery et al. (2022), arXiv:2204.02311, section 5.1; Molybog et al. (2023), arXiv:2304.09871.
    """

    growing: float = 0.25  # share of the height gained in the last third
    id: str = Kind.DIVERGENCE.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """Rises that end the log."""
        values = signal.values
        first = begin_of_escalation(signal.rises)
        for rise in signal.rises:
            begin = first if first and rise is signal.rises[-1] else rise
            if rise.stop < len(values) or not any(self.climbs(r, values[r.start :]) for r in (begin, rise)):
                continue
            peak = begin.start + int(np.argmax(values[begin.start :]))
            at_end = replace(begin, stop=rise.stop, peak=peak, peak_value=float(values[peak]))
            yield signal.spike(Kind.DIVERGENCE, at_end, float(np.median(values[-3:])) - begin.baseline)
            return

    def climbs(self, rise: Rise, values: FloatArray) -> bool:
        """Whether values (n,) from the onset on gain height in each third, and within the last."""
        if len(values) < 9:
            return False
        first, second, third = (float(np.median(part)) for part in np.array_split(values, 3))
        early, late = (float(np.median(part)) for part in np.array_split(values[-(len(values) // 3) :], 2))
        gain = third - second
        grows = gain >= self.growing * (third - rise.baseline) > 0
        return first < second and grows and late - early >= self.growing * gain


def begin_of_escalation(rises: tuple[Rise, ...]) -> Rise | None:
    """The first of the rises that lead up to the last one, each higher and soon after the one before."""
    begin = None
    for earlier, later in reversed(list(pairwise(rises))):
        soon = later.start - earlier.start <= 2 * (rises[-1].reach - later.start) + SOON
        if not soon or earlier.peak_value >= later.peak_value:
            break
        begin = earlier
    return begin
