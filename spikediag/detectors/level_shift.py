"""level_shift: the loss steps up and stays."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.detectors.protocol import registry
from spikediag.detectors.signal import Signal
from spikediag.model import Kind, Spike


@registry.register
@dataclass(frozen=True)
class LevelShift:
    """The loss steps up and stays.

    What it finds:
        A rise that chance does not explain, that is there at once, and that has not fallen below a quarter of
        its height `longest` points later or when the log ends.

    How:
        As `transient`; the width of the contrast with the fewest expected rises by chance is the time scale
        of the step. The onset is the most likely step between the two medians. A straight climb around it
        must not describe the curve clearly better than a step does.

    Blind spots:
        Steps below about 2 sigma of the noise, and all that lie within it; in short logs and in the first 60
        points, below about 15, unless the run announces a change there: a pass over the data, a stage, a
        raised rate, a restart. In a loss that still falls steeply, a small step is hidden by the fall.

    References:
        Page (1954), doi:10.1093/biomet/41.1-2.100.
        Fearnhead, Rigaill (2019), doi:10.1080/01621459.2017.1385466.
    """

    id: str = Kind.LEVEL_SHIFT.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """Abrupt rises that did not recover."""
        for rise in signal.rises:
            if rise.lasts(len(signal.values)) and not rise.climb:
                yield signal.spike(Kind.LEVEL_SHIFT, rise, rise.level - rise.baseline)
