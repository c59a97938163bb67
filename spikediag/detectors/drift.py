"""drift: the loss climbs slowly and stays up."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.detectors.protocol import registry
from spikediag.detectors.signal import Signal
from spikediag.model import Kind, Spike


@registry.register
@dataclass(frozen=True)
class Drift:
    """The loss climbs slowly and stays up.

    What it finds:
        A rise that chance does not explain, that takes many points to build up, and that has not fallen below
        a quarter of its height `longest` points later or when the log ends.

    How:
        As `level_shift`, but a straight climb between two levels, fitted to 48 medians around the rise,
        leaves less than 70 % of the squared error of the best step. Onset, baseline and height are those of
        the climb.

    Blind spots:
        A climb that takes more than about a twentieth of the run before it looks like noise that wanders.
        The onset of a slow climb is known to about a tenth of its length.

    References:
        Fearnhead, Maidstone, Letchford (2019), doi:10.1080/10618600.2018.1512868.
    """

    id: str = Kind.DRIFT.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """Slow rises that did not recover."""
        for rise in signal.rises:
            if rise.lasts(len(signal.values)) and rise.climb:
                yield signal.spike(Kind.DRIFT, rise, rise.level - rise.baseline)
