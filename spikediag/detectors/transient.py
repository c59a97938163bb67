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
        A rise that stands apart from everything in its series, or that chance does not explain, and that
        falls below a quarter of its height within 1,000 points. One point is enough. `end_step` is where it
        is back: within a tenth of its height of the level before, or within three standard deviations if
        they are less than a quarter of it; null until then.

    How:
        Salience: the lowest of 1 or 3 points above the median of the 5 or 9 before, in local scales, against
        the other leaps of the series. Chance: bumps of 1 and 3 points above the medians of the 9 points on
        both sides, and contrasts of medians over 9 to 4,104 points against four times as many points before,
        each divided by the spread of the same contrast earlier in the run. No burst is told that a dip near
        it matches, or while a taller one of its width is left out. One in the last nine points is judged by
        what is before it, and marked provisional.

    Blind spots:
        Logs of fewer than 24 points, and the first three of any. In a log of 30 points that falls steeply,
        one jump of 20 deviations in three is missed. A bump of 20 points and 4 deviations inside strongly
        correlated noise (lag-one correlation 0.9).

    References:
        Coles (2001), doi:10.1007/978-1-4471-3675-0. Hampel (1974), doi:10.1080/01621459.1974.10482962.
    """

    id: str = Kind.TRANSIENT.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """Bursts that are told each by itself."""
        for rise in signal.bursts.singles:
            yield signal.spike(Kind.TRANSIENT, rise, rise.height)
