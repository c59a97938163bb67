"""A rise: from a candidate of the scan to onset, peak, level and recovery."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikediag.detectors.climb import slow_climb
from spikediag.detectors.edges import NEAR, RECOVERED, SLOW, onset, recovery
from spikediag.detectors.scan import Candidate, scan
from spikediag.model import FloatArray
from spikediag.stats.scale import local_noise

PAST = 257  # points before the onset that give the noise


@dataclass(frozen=True)
class Rise:
    """A measured rise. Positions as in `Spike`; values turned so that the rise goes up."""

    width: int  # points: the time scale it was found on
    start: int
    stop: int  # one past the last elevated position; n when it did not recover
    reach: int  # one past the last position that belongs to it, also when it did not recover
    peak: int
    baseline: float  # median before
    level: float  # median of the first `width` points
    peak_value: float
    noise: float  # robust standard deviation before
    score: float  # of the candidate it was found as
    expected: float
    climb: int = 0  # points that it takes to build up; 0 for a step

    def explains(self, candidate: Candidate) -> bool:
        """Whether the candidate only sees this rise again, in its window or as a step behind its baseline.

        A median is blind to what takes up less than half of its window.
        """
        last = candidate.position + candidate.width
        seen = candidate.position < self.reach and self.start < last
        stepped = candidate.position - candidate.before < self.start < last
        lasted = self.stop - self.start
        return (seen and 2 * lasted >= candidate.width) or (stepped and lasted >= candidate.width)

    def climbs_into(self, rise: "Rise") -> bool:
        """Whether the other rise, a higher one, begins before this one has settled."""
        near = rise.start - self.start <= 4 * max(self.width, rise.width)
        return near and self.stop > rise.reach and rise.level > self.level

    def joined(self, rise: "Rise") -> "Rise":
        """This rise with the one that sits on it."""
        highest = max(self, rise, key=lambda r: r.peak_value)
        return replace(
            self,
            width=max(self.width, rise.start - self.start + rise.width),
            reach=rise.reach,
            peak=highest.peak,
            peak_value=highest.peak_value,
            level=rise.level,
            expected=min(self.expected, rise.expected),
        )

    def lasts(self, longest: int, n: int) -> bool:
        """Whether it has not recovered within so many points, or when the series of n points ends."""
        return self.stop == n or self.stop - self.start > longest


def find_rises(values: FloatArray, alpha: float) -> tuple[Rise, ...]:
    """Every rise of finite values (n,), in onset order."""
    return measure_all(values, scan(values, alpha))


def measure_all(values: FloatArray, candidates: Iterable[Candidate]) -> tuple[Rise, ...]:
    """Measure candidates, the least likely first; each stretch counts once. In onset order."""
    found: list[Rise] = []
    for candidate in strongest_first(candidates):
        if any(rise.explains(candidate) for rise in found):
            continue
        rise = measure(values, candidate)
        if not any(other.start <= rise.start < other.reach for other in found):
            found.append(rise)
    return tuple(merge_climbs(values, sorted(found, key=lambda rise: rise.start)))


def merge_climbs(values: FloatArray, found: Iterable[Rise]) -> Iterator[Rise]:
    """Join each rise to the one it sits on, as one climb is often seen as several steps."""
    below: Rise | None = None
    for rise in found:
        if below and below.climbs_into(rise):
            below = below.joined(rise)
            continue
        if below:
            yield settled(values, below)
        below = rise
    if below:
        yield settled(values, below)


def settled(values: FloatArray, rise: Rise) -> Rise:
    """A rise that lasts, with the slow climb it may be, and its recovery from the level it reached."""
    if rise.width < SLOW or rise.stop - rise.start < 2 * rise.width:
        return rise
    climb = slow_climb(values, rise.start, rise.width)
    if climb is None:
        return rise
    stop = recovery(
        values, climb.stop, climb.baseline + RECOVERED * (climb.level - climb.baseline), rise.width
    )
    reach = max(climb.stop, min(stop, rise.reach))
    peak = climb.start + int(np.argmax(values[climb.start : reach]))
    return replace(
        rise,
        start=climb.start,
        stop=stop,
        reach=reach,
        peak=peak,
        peak_value=float(values[peak]),
        baseline=climb.baseline,
        level=climb.level,
        climb=climb.stop - climb.start,
    )


def strongest_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The least likely first; among equals the finest, then the earliest."""
    return sorted(candidates, key=lambda c: (c.expected, c.width, c.position))


def measure(values: FloatArray, candidate: Candidate) -> Rise:
    """Onset, baseline, peak and recovery of one candidate in finite values (n,)."""
    width, n = candidate.width, len(values)
    start = onset(values, candidate)
    baseline = float(np.median(values[max(0, start - max(NEAR, width)) : max(1, start)]))
    level = float(np.median(values[start : start + width]))
    stop = recovery(values, start, baseline + RECOVERED * (level - baseline), width)
    reach = stop if stop < n else min(n, start + 2 * width)
    peak = start + int(np.argmax(values[start:reach]))
    return Rise(
        width=width,
        start=start,
        stop=stop,
        reach=reach,
        peak=peak,
        baseline=baseline,
        level=level,
        peak_value=float(values[peak]),
        noise=local_noise(values[max(0, start - PAST) : max(1, start)]),
        score=candidate.score,
        expected=candidate.expected,
    )
