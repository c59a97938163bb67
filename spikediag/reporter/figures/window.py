"""The stretch of a run that a close-up shows: the spike, and enough before and after to judge it."""

from dataclasses import dataclass

import numpy as np

from spikediag.model import Excursion, Series, Spike

LEAST = 20  # points on either side
SIDE = 3.0  # lengths of the spike on either side
NARROWEST = 0.006  # share of the window that a shaded stretch has at least, to either side
LONGEST = 0.25  # share of the series shown before a spike that lasts


@dataclass(frozen=True)
class Window:
    """Steps [first, last] shown, and the stretch [start, end] that is shaded."""

    first: int
    last: int
    start: int
    end: int
    peak: int
    peak_value: float

    @property
    def span(self) -> tuple[float, float]:
        """The stretch to shade, wide enough to be seen."""
        middle, half = (self.start + self.end) / 2, (self.end - self.start) / 2
        half = max(half, NARROWEST * (self.last - self.first))
        return middle - half, middle + half

    def cut(self, series: Series) -> slice:
        """The positions of another series inside the window, one point beyond on either side."""
        left = int(np.searchsorted(series.steps, self.first)) - 1
        right = int(np.searchsorted(series.steps, self.last, side="right")) + 1
        return slice(max(left, 0), min(right, len(series)))


def around(spike: Spike, series: Series) -> Window:
    """The window of a spike; of a train, that of its highest member."""
    part = _highest(spike)
    side = max(LEAST, int(SIDE * (part.stop - part.start)))
    if part.stop >= len(series):
        side = max(LEAST, min(side, int(LONGEST * len(series))))
    first, last = max(part.start - side, 0), min(part.stop + side, len(series)) - 1
    return Window(
        first=int(series.steps[first]),
        last=int(series.steps[last]),
        start=int(series.steps[part.start]),
        end=int(series.steps[min(part.stop, len(series)) - 1]),
        peak=int(series.steps[part.peak]),
        peak_value=float(series.values[part.peak]),
    )


def _highest(spike: Spike) -> Excursion:
    for member in spike.members:
        if member.peak == spike.peak or member.start <= spike.peak < member.stop:
            return member
    return Excursion(spike.start, max(spike.stop, spike.start + 1), spike.peak)
