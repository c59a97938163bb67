"""divergence: the loss climbs and is still climbing when the log ends."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikediag.detectors.protocol import registry
from spikediag.detectors.rise import Rise
from spikediag.detectors.signal import Signal
from spikediag.model import FloatArray, Kind, Spike


@registry.register
@dataclass(frozen=True)
class Divergence:
    """The loss climbs and is still climbing when the log ends.

    What it finds:
        A rise that chance does not explain, that has not recovered, and that ends higher than it began; or
        one that ends in NaN or Inf.

    How:
        The stretch from the onset to the end, or to the first NaN or Inf that is never left, is cut into
        three parts. Their medians must rise, and the last step must be at least `growing` of the whole
        height.

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
        for rise in signal.rises:
            climb = signal.values[rise.start :]
            if rise.stop == len(signal.values) and self.climbs(rise, climb):
                peak = rise.start + int(np.argmax(climb))
                at_end = replace(rise, peak=peak, peak_value=float(signal.values[peak]))
                yield signal.spike(Kind.DIVERGENCE, at_end, float(np.median(climb[-3:])) - rise.baseline)

    def climbs(self, rise: Rise, values: FloatArray) -> bool:
        """Whether values (n,) from the onset on gain height in each third."""
        if len(values) < 9:
            return False
        first, second, third = (float(np.median(part)) for part in np.array_split(values, 3))
        return first < second and third - second >= self.growing * (third - rise.baseline) > 0
