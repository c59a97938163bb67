"""transient: the loss leaps up and comes back."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.detectors.protocol import registry
from spikediag.detectors.signal import Signal
from spikediag.model import Kind, Spike


@registry.register
@dataclass(frozen=True)
class Transient:
    """The loss leaps up and comes back.

    What it finds:
        A rise that chance does not explain and that falls back below a quarter of its height within `longest`
        points. One point is enough if it stands far outside of the noise.

    How:
        Bursts of 1 and 3 points must stand above the medians of the 9 points on both sides; longer ones are
        contrasts of medians over 9 to 4,097 points against four times as many points before. Each contrast is
        divided by the spread of the same contrast earlier in the run, and the tail of earlier scores (a
        generalised Pareto law) says how many as high a run like this shows if nothing happens.

    Blind spots:
        The first 30 points of a run, and the last 12 for bursts. A bump of 20 points and 4 deviations inside
        strongly correlated noise (lag-one correlation 0.9). A single point in noise that throws such points:
        in Student t noise of 3 degrees of freedom, 26 deviations at one point are not found, at three they
        are. A series that is exactly constant most of the time has no noise to be judged by.

    References:
        Coles (2001), doi:10.1007/978-1-4471-3675-0. Hampel (1974), doi:10.1080/01621459.1974.10482962.
    """

    longest: int = 1000  # points from onset to recovery; what lasts longer is a level shift
    id: str = Kind.TRANSIENT.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """Rises that recovered soon enough."""
        for rise in signal.rises:
            if not rise.lasts(self.longest, len(signal.values)):
                yield signal.spike(Kind.TRANSIENT, rise, rise.peak_value - rise.baseline)
