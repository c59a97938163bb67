"""A rise: from a candidate of the scan to onset, peak, level and recovery."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from spikediag.detectors.scan import BURSTS, Candidate, scan
from spikediag.model import FloatArray
from spikediag.stats.scale import local_noise

PAST = 257  # points before the onset that give the noise
NEAR = 33  # fewest points before the onset that give the baseline
RECOVERED = 0.25  # share of the height that may remain


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
    expected: float
    abruptness: float  # share of the height that is reached at once, [0, 1]


def find_rises(values: FloatArray, alpha: float) -> tuple[Rise, ...]:
    """Measure the candidates of finite values (n,), the least likely first; each stretch counts once."""
    found: list[Rise] = []
    for candidate in strongest_first(scan(values, alpha)):
        if _covered(found, candidate.position, candidate.position + candidate.width):
            continue
        rise = measure(values, candidate)
        if not _covered(found, rise.start, rise.start + 1):
            found.append(rise)
    return tuple(sorted(found, key=lambda rise: rise.start))


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
        expected=candidate.expected,
        abruptness=abruptness(values, start, baseline, level, width),
    )


def onset(values: FloatArray, candidate: Candidate) -> int:
    """The first position of the new level.

    Between the old median (0) and the new one (1), with values clipped to [0, 1], the onset s maximises
    `sum(x[s:] - 1/2)`: the most likely step for symmetric noise, and blind to outliers.
    """
    width, at = candidate.width, candidate.position
    low = max(0, at - max(width, 20))
    high = min(len(values), at + width)
    before = np.median(values[max(0, at - max(NEAR, width)) : at])
    after = values[at:high].min() if width in BURSTS else np.median(values[at:high])
    if not after > before:
        return at
    share = np.clip((values[low:high] - before) / (after - before), 0, 1) - 0.5
    return low + len(share) - 1 - int(np.argmax(np.cumsum(share[::-1])))


def recovery(values: FloatArray, start: int, threshold: float, width: int) -> int:
    """First position after the onset from where the running median stays below the threshold; n if none."""
    smooth = 3 if width in BURSTS else max(5, width // 4) | 1
    first, size, n = start + 1, 64 * smooth, len(values)
    while first + smooth <= n:
        chunk = values[first : first + size]
        medians = median_filter(chunk, smooth)[smooth // 2 : len(chunk) - smooth // 2]
        below = np.flatnonzero(medians <= threshold)
        if len(below):
            at = first + int(below[0])
            return at + int(np.argmax(values[at : at + smooth] <= threshold))
        first, size = first + len(medians), 2 * size
    return n


def abruptness(values: FloatArray, start: int, baseline: float, level: float, width: int) -> float:
    """Share of `level - baseline` that the median of the first width/8 points has already reached."""
    early = float(np.median(values[start : start + max(1, width // 8)]))
    return float(np.clip((early - baseline) / (level - baseline), 0, 1)) if level > baseline else 0.0


def _covered(found: Iterable[Rise], start: int, stop: int) -> bool:
    return any(start < rise.reach and rise.start < stop for rise in found)
