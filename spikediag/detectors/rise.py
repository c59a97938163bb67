"""A rise: from a candidate to onset, peak, level, the end of the burst, and the return; at once or slowly."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from spikediag.detectors.scan import Candidate
from spikediag.model import NEAR, PAST, FloatArray, IntArray
from spikediag.stats.leaps import HISTORY, OVER_DIPS, cell_scale
from spikediag.stats.medians import median, medians, running_median
from spikediag.stats.scale import local_noise, row_noise

FEW = 24  # points before the onset that give too little noise; the first points of the series help out
FALLEN = 0.25  # share of the height below which a burst is over
MARGIN = 0.1  # share of the height within which a series is back at its level
WANDER = 3.0  # standard deviations before, within which it is back as well, if they are less than a quarter
AGAIN = 16  # of the points that it was up, one in so many must be down in a row
LONGEST = 1000  # points from onset to the end of a burst; what stands longer is a level
OUTSTANDING = 8.0  # standard deviations of the noise on a new level; what is lower belongs to that noise
SALIENT = 6.0  # standard deviations before that what stands out in its series measures at least
EQUAL = 0.8  # height of a burst over that of another, from which they are alike
LAST = 9  # points of a series that are judged by what is before them only
STEPS_UP = 9  # points of a climb by which half its height is later than its beginning, at most
CLIMBS_ON = 2.5  # times what it gained over five points, that a steady climb gains over these
AROUND = 6  # widths of a burst on either side in which dips like it are looked for
GROWN, OVER_GROWN = 1.6, 3.0  # noise around a rise over that long before, and the rise over such noise
OF_LEVEL = 4.0  # standard errors of a new level of independent points over the same
MANY_WIDTHS = 64  # of a rise, before it: as many as its chance is learnt from
ON_LEVEL = 2.0  # standard deviations of that noise by which a second step is higher
TO_AND_FRO = 0.2  # share of the points before that lie beyond a new level, from which it is none
LESS = 1.5  # scatter of all points before over that of the last ones, from which these count
SLOW = 33  # points: a rise on a shorter scale is a step
TALL = 12.0  # standard deviations of a rise that is followed back to where it left the noise
LEFT, GAINED = 6.0, 3.0  # of them: where it has left it; what 33 points gain while it climbs
STEADY = 5  # points of a running median that stay out of the noise from there on
FEWEST_STRETCHES, MOST_STRETCHES = 5, 128  # before an onset, whose levels tell where it began
AT_ONCE = 0.75  # share of the height of a step that its first five points gain
SMOOTHLY = 0.25  # gain over five points relative to the next five, below which the next is sudden
QUIET = 0.25  # share of them that are calm, at least
CELLS = 48  # block medians that the climb is fitted to
VIEW = 3  # widths of the rise to either side that are looked at
FILLED = 0.8  # share of the view ahead; a climb that reaches further may go on
SLOWER = 0.7  # squared error of a ramp over that of a step, below which the rise is a ramp


@dataclass(frozen=True)
class Rise:
    """A measured rise. Positions as in `Spike`; values turned so that the rise goes up."""

    width: int  # points: the time scale it was found on
    start: int
    stop: int  # one past the last position above a quarter of the height; n when it stayed above
    back: int  # first position back at the old level; n when it never came back
    reach: int  # one past the last position that belongs to it, also when it did not recover
    peak: int
    baseline: float  # median before
    level: float  # median of the first `width` points
    peak_value: float
    noise: float  # robust standard deviation before
    score: float  # of the candidate it was found as
    expected: float
    salient: bool = False  # it stands apart from everything in the series
    climb: int = 0  # points that it takes to build up; 0 for a step
    margin: float = 0.0  # above the baseline, within which it is back

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
        stays = rise.stop - rise.start >= FALLEN * (self.stop - rise.start)
        return near and stays and self.stop > rise.reach and rise.level > self.level

    def goes_on(self, rise: "Rise") -> bool:
        """Whether the other rise, a higher one, left the noise with this one, and stayed as well."""
        return rise.start - self.start < SLOW and self.stop == rise.stop and rise.level > self.level

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
            climb=max(self.climb, rise.climb),
            expected=min(self.expected, rise.expected),
        )

    def lasts(self, n: int) -> bool:
        """Whether it is a level: still up after 1,000 points, or when the series of n points ends."""
        return self.stop == n or self.stop - self.start > LONGEST

    def unfinished(self, n: int) -> bool:
        """Whether the series of n points ends before anyone knows whether it lasts."""
        return self.stop == n and self.start >= n - LAST

    def equals(self, rise: "Rise") -> bool:
        """Whether it is as high as the other, and no less so in its own noise."""
        as_high = EQUAL * rise.height <= self.height <= rise.height / EQUAL
        return as_high and self.height / self.noise >= EQUAL * rise.height / rise.noise

    def same_burst(self, rise: "Rise") -> bool:
        """Whether both are narrow, begin close together and share a point."""
        narrow, near = max(self.width, rise.width) < SLOW, abs(self.start - rise.start) < SLOW
        return narrow and near and self.meets(rise)

    def begun(self, rise: "Rise") -> "Rise":
        """This burst with the onset of one that begins earlier."""
        return replace(self, start=rise.start, baseline=rise.baseline, noise=rise.noise)

    def is_back(self, values: FloatArray) -> bool:
        """Whether the values (n,) from its onset on, n > 0, do not stand on its level."""
        return median(values) < self.baseline + FALLEN * (self.level - self.baseline)

    def rests_on(self, burst: "Rise") -> bool:
        """Whether its height is that of a burst, and its own level less than a quarter of it."""
        within = burst.start <= self.peak < burst.reach
        return within and self.level - self.baseline < FALLEN * self.height

    def meets(self, rise: "Rise") -> bool:
        """Whether they share a point."""
        return self.start < rise.reach and rise.start < self.reach

    def stands_out(self, n: int) -> bool:
        """Whether its height is beyond the noise before it, in a series of n points."""
        return (self.level - self.baseline if self.lasts(n) else self.height) >= SALIENT * self.noise

    def within_noise(self, values: FloatArray) -> bool:
        """Whether the new level of a rise that lasts lies within the scatter before: nobody would see it.

        So it does where many of the points just before lie above it, as the median of what goes to and fro
        between two levels comes to lie on the other.
        """
        near = values[max(0, self.start - NEAR) : self.start]
        gained = self.level - self.baseline
        there = near >= self.level - FALLEN * gained
        low = gained < (ON_LEVEL if self.salient else 1) * self.noise
        return self.lasts(len(values)) and (low or bool(there.sum() > TO_AND_FRO * len(near)))

    def of_grown_noise(self, values: FloatArray) -> bool:
        """Whether the noise around has grown, and makes rises as high as this one."""
        last = self.start + AROUND * self.width + NEAR
        before, around = values[max(0, self.start - NEAR) : self.start], values[self.start : last]
        if len(around) < 2 * self.width:
            around = before
        noise = max((local_noise(part) for part in (before, around) if len(part) >= FEW), default=0.0)
        long = local_noise(
            values[max(0, self.start - MANY_WIDTHS * self.width - PAST) : max(1, self.start - NEAR)]
        )
        over = min(OVER_GROWN, OF_LEVEL / np.sqrt(self.width)) if self.lasts(len(values)) else OVER_GROWN
        return noise > GROWN * long and self.level - self.baseline < over * noise

    def as_deep(self, values: FloatArray) -> bool:
        """Whether a burst of many points has dips like it around: then it is the noise that has grown."""
        if self.lasts(len(values)):
            return False
        first = max(0, self.start - AROUND * self.width)
        near = values[first : self.start + (AROUND + 1) * self.width]
        blocks = np.sort(near[: len(near) // self.width * self.width].reshape(-1, self.width), axis=1)
        middle = blocks[:, self.width // 2]
        dips = np.minimum(middle[:-2], middle[2:]) - middle[1:-1]
        return self.level - self.baseline < OVER_DIPS * float(dips.max(initial=0.0))

    @property
    def height(self) -> float:
        """Peak above the baseline, unit of the values."""
        return self.peak_value - self.baseline


def measure_all(values: FloatArray, candidates: Iterable[Candidate]) -> tuple[Rise, ...]:
    """Measure candidates, the least likely first; each stretch counts once. In onset order."""
    found: list[Rise] = []
    for candidate in strongest_first(candidates):
        known = next((k for k, rise in enumerate(found) if rise.explains(candidate)), None)
        if known is not None:
            found[known] = replace(found[known], salient=found[known].salient or candidate.salient)
            continue
        if candidate.climbs and any(
            rise.lasts(len(values)) and 0 <= rise.start - candidate.position < candidate.width
            for rise in found
        ):
            continue
        rise = measure(values, candidate)
        if candidate.salient and not (
            rise.stands_out(len(values)) if candidate.burst else rise.lasts(len(values))
        ):
            continue
        if not candidate.salient and (
            (not candidate.burst and rise.as_deep(values)) or rise.of_grown_noise(values)
        ):
            continue
        if any(
            other.start <= rise.start < other.reach or (candidate.climbs and rise.rests_on(other))
            for other in found
        ):
            continue
        same = next((k for k, other in enumerate(found) if other.same_burst(rise)), None)
        if same is None:
            found.append(rise)
        else:
            found[same] = found[same].begun(rise)
    climbs = (settled(values, rise) for rise in merged(values, by_onset(found), Rise.climbs_into))
    dated = by_onset(from_outset(values, rise) for rise in climbs)
    return tuple(without_children(values, tuple(merged(values, dated, Rise.goes_on))))


def by_onset(rises: Iterable[Rise]) -> tuple[Rise, ...]:
    """By onset."""
    return tuple(sorted(rises, key=lambda rise: rise.start))


def without_children(values: FloatArray, found: tuple[Rise, ...]) -> Iterator[Rise]:
    """All but those that are the noise of a new level: a higher level is often noisier as well."""
    child = child_of(values, found)
    return (rise for rise in found if not child(rise))


def child_of(values: FloatArray, found: Iterable[Rise]) -> Callable[[Rise], bool]:
    """Tells whether a rise is the noise of the last of those levels that began before it.

    That of the level after its onset, and that of its points before the rise: no step is part of either.
    """
    n = len(values)
    levels = [rise for rise in found if rise.lasts(n)]
    ends = [max(end.start, rise.start + FEW) for rise, end in pairwise(levels)] + [n]
    noises = [
        local_noise(values[rise.start : min(end, rise.start + PAST)])
        for rise, end in zip(levels, ends, strict=False)
    ]

    def is_child(rise: Rise) -> bool:
        under = [
            (level.start, noise)
            for level, noise in zip(levels, noises, strict=True)
            if level.start < rise.start < level.stop
        ]
        if not under:
            return False
        began, noise = under[-1]
        if rise.start - began >= FEW:
            noise = max(noise, local_noise(values[max(began, rise.start - PAST) : rise.start]))
        if rise.lasts(n):
            return rise.level - rise.baseline < ON_LEVEL * noise
        return rise.height < OUTSTANDING * noise

    return is_child


def merged(
    values: FloatArray, found: Iterable[Rise], belongs: Callable[[Rise, Rise], bool]
) -> Iterator[Rise]:
    """Join each rise to the one it belongs to, as one climb is often seen as several steps.

    What is flat between two steps is no climb; and what is back between them was a point before the second.
    """
    below: Rise | None = None
    for rise in found:
        near = below is not None and belongs(below, rise)
        if below and near and not is_step(values, rise):
            below = below.joined(rise)
            continue
        if below and not (near and below.is_back(values[below.start : rise.start])):
            yield below
        below = rise
    if below:
        yield below


def from_outset(values: FloatArray, rise: Rise) -> Rise:
    """A tall rise that stays, from where it left the noise: an explosion does long before half its height."""
    if (rise.stop < len(values) and rise.stop - rise.start < SLOW) or sudden(values, rise.start):
        return rise
    calm = calm_until(values, rise.start)
    baseline, noise = level_before(values, calm, NEAR), noise_before(values, calm)
    if rise.level - baseline < TALL * noise:
        return rise
    smooth = running_median(values[calm : rise.start + STEADY // 2 + 1], STEADY)
    within = np.flatnonzero(smooth <= baseline + LEFT * noise)
    start = calm + STEADY // 2 + (int(within[-1]) + 1 if len(within) else 0)
    if start >= rise.start - STEADY:
        return rise
    gained = rise.start - start
    climb = max(rise.climb, 2 * gained if 2 * gained >= SLOW else 0)
    margin = max(MARGIN * (rise.level - baseline), WANDER * noise)
    return replace(rise, start=start, baseline=baseline, noise=noise, climb=climb, margin=margin)


def is_step(values: FloatArray, rise: Rise) -> bool:
    """Whether most of a rise is gained at its onset, on a level that was flat before."""
    before, after = (median(values[at : at + STEADY]) for at in (max(0, rise.start - STEADY), rise.start))
    return after - before > AT_ONCE * (rise.level - rise.baseline) and sudden(values, rise.start)


def sudden(values: FloatArray, start: int) -> bool:
    """Whether a series gains by far more at an onset than just before it."""
    if start < 2 * STEADY:
        return True
    earlier, before, after = (
        median(values[at : at + STEADY]) for at in range(start - 2 * STEADY, start + 1, STEADY)
    )
    return before - earlier < SMOOTHLY * (after - before)


def calm_until(values: FloatArray, start: int) -> int:
    """Position up to which the points before an onset did not climb yet, in stretches of up to 33."""
    size = max(STEADY, min(NEAR, start // FEWEST_STRETCHES))
    count = min(start // size, MOST_STRETCHES)
    stretches = values[start - count * size : start].reshape(count, size)
    quiet = float(np.quantile(row_noise(stretches), QUIET))
    gains = np.diff(medians(stretches))
    calm = np.flatnonzero(gains < GAINED * quiet)
    return start - size * (len(gains) - int(calm[-1]) if len(calm) else count - 1)


def settled(values: FloatArray, rise: Rise) -> Rise:
    """A rise that lasts, with the slow climb it may be, and its recovery from the level it reached."""
    if rise.width < SLOW or rise.stop - rise.start < 2 * rise.width:
        return rise
    climb = slow_climb(values, rise.start, rise.width)
    if climb is None:
        return rise
    stop = recovery(values, climb.stop, climb.baseline + FALLEN * (climb.level - climb.baseline), rise.width)
    reach = max(climb.stop, min(stop, rise.reach))
    peak = climb.start + int(np.argmax(values[climb.start : reach]))
    return replace(
        rise,
        start=climb.start,
        stop=stop,
        back=max(stop, rise.back) if stop < len(values) else len(values),
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
    baseline = level_before(values, start, candidate.before if candidate.burst else width)
    level = median(values[start : start + width])
    stop = recovery(values, start, baseline + FALLEN * (level - baseline), width)
    if stop == n or stop - start > LONGEST:
        level = median(values[start : min(stop, start + max(width, NEAR))])
    reach = stop if stop < n else min(n, start + 2 * width)
    peak = start + int(np.argmax(values[start:reach]))
    noise = noise_before(values, start)
    if candidate.salient and stop == n and start >= PAST:
        noise = min(noise, LESS * local_noise(values[start - NEAR : start]))
    start = first_step(values, start, baseline, noise) if candidate.salient else start
    margin = min(max(MARGIN * (level - baseline), WANDER * noise), FALLEN * (level - baseline))
    return Rise(
        width=width,
        start=start,
        stop=stop,
        back=recovery(values, stop - 1, baseline + margin, width) if stop < n else n,
        reach=reach,
        peak=peak,
        baseline=baseline,
        level=level,
        peak_value=float(values[peak]),
        noise=noise,
        score=candidate.score,
        expected=candidate.expected,
        salient=candidate.salient,
        margin=margin,
    )


def first_step(values: FloatArray, start: int, baseline: float, noise: float) -> int:
    """Where a climb to the onset left the noise: by decades, it is far out long before half its height.

    A series that climbs all along is out of its noise only where it is above what it would have climbed to.
    """
    first = max(HISTORY, start - STEPS_UP)
    out = baseline + OUTSTANDING * noise
    if first >= 2 * STEADY:
        earlier, level = (median(values[end - STEADY : end]) for end in (first - STEADY, first))
        out = max(out, level + CLIMBS_ON * (level - earlier) + OUTSTANDING * noise)
    while start > first and out < values[start - 1] < values[start]:
        start -= 1
    return start


def noise_before(values: FloatArray, start: int) -> float:
    """Robust standard deviation before an onset; after a few points only, at least that of the first ones.

    Where the last points before scatter much less than all of those before, as in a steep decay, they count;
    of fewer points, their differences.
    """
    noise = local_noise(values[max(0, start - PAST) : max(1, start)])
    if NEAR <= start < PAST:
        noise = min(noise, LESS * local_noise(values[start - NEAR : start]))
    elif FEW // 2 <= start < NEAR:
        noise = min(noise, LESS * local_noise(np.diff(values[:start])))
    if start >= FEW or len(values) < FEW:
        return noise
    return max(noise, float(cell_scale(np.diff(values[: 2 * FEW])[None])[0] / np.sqrt(2)))


def noises_before(values: FloatArray, starts: IntArray) -> FloatArray:
    """`noise_before` at onsets (k,), (k,); those with a whole past at once."""
    full = starts >= PAST
    out = np.array(
        [0.0 if known else noise_before(values, at) for known, at in zip(full, starts.tolist(), strict=True)]
    )
    out[full] = row_noise(values[starts[full, None] + np.arange(-PAST, 0)])
    return out


def onset(values: FloatArray, candidate: Candidate) -> int:
    """The first position of the new level.

    Between the old median (0) and the new one (1), with values clipped to [0, 1], the onset s maximises
    `sum(x[s:] - 1/2)`: the most likely step for symmetric noise, and blind to outliers.
    """
    width, at = candidate.width, candidate.position
    low = max(0, at - (candidate.before if candidate.salient else max(candidate.before // 2, 20)))
    high = min(len(values), at + width)
    before = level_before(values, at, candidate.before)
    after = values[at:high].min() if candidate.burst else median(values[at:high])
    if not after > before:
        return at
    share = np.minimum(np.maximum((values[low:high] - before) / (after - before), 0), 1) - 0.5
    return low + len(share) - 1 - int(np.argmax(np.cumsum(share[::-1])))


def level_before(values: FloatArray, at: int, before: int) -> float:
    """Median of the points before a position, n > 0: of 33, or of the few nearest where these are lower.

    On a steep decay 33 points lie too high.
    """
    far = median(values[max(0, at - max(NEAR, before)) : max(1, at)])
    near = values[max(0, at - before) : at]
    if before >= NEAR or len(near) < 3:
        return far
    level = median(near)
    return level if far - level > float(np.ptp(near)) else far


def recovery(values: FloatArray, start: int, threshold: float, width: int) -> int:
    """First position after the onset from where a running median lies below the threshold; n if none.

    The longer a series was up, the longer it must be down to be back: a short dip ends no level.
    """
    smooth = max(3, width // (2 if width >= SLOW else 4)) | 1
    first, size, n = start + 1, AGAIN * smooth, len(values)
    while first + smooth <= n:
        chunk = values[first : first + size]
        medians = running_median(chunk, smooth)
        below = np.flatnonzero(medians <= threshold)
        if len(below):
            at = first + int(below[0])
            return at + int(np.argmax(values[at : at + smooth] <= threshold))
        first, size = first + len(medians), 2 * size
        smooth = max(smooth, (first - start) // AGAIN | 1)
    return first if first < n and bool((values[first:] <= threshold).all()) else n


@dataclass(frozen=True)
class Climb:
    """A straight line from one level to another. Positions as in `Spike`."""

    start: int
    stop: int
    baseline: float
    level: float


def slow_climb(values: FloatArray, start: int, width: int) -> Climb | None:
    """The whole climb of which a rise is a part, or None: the view widens while the climb fills it."""
    climb = None
    while wider := fitted_climb(values, start, width):
        climb, seen = wider, start + VIEW * width
        if climb.stop < start + FILLED * VIEW * width or seen >= len(values):
            break
        width *= 2
    return climb


def fitted_climb(values: FloatArray, start: int, width: int) -> Climb | None:
    """The ramp around a rise, if it describes finite values (n,) clearly better than a step does.

    Block medians m around the onset are fitted by `baseline + height * r`, where r is 0 before cell a, 1
    after cell b and straight between, for every pair a <= b; a step is a = b.
    """
    low, high = max(0, start - VIEW * width), min(len(values), start + VIEW * width)
    size = max(1, (high - low) // CELLS)
    usable = (high - low) // size * size
    medians = np.median(values[low : low + usable].reshape(-1, size), axis=1)
    begin, end = np.triu_indices(len(medians))
    at = np.arange(len(medians)) - begin[:, None]
    ramps = np.clip((at + 1) / (end - begin + 1)[:, None], 0, 1)
    mean = ramps.mean(axis=1)
    centred = ramps - mean[:, None]
    power = (centred**2).sum(axis=1)
    gain = np.divide(centred @ medians, power, out=np.zeros_like(power), where=power > 0)
    error = ((medians - medians.mean()) ** 2).sum() - gain**2 * power
    error[gain <= 0] = np.inf
    best, steps = int(np.argmin(error)), begin == end
    if not error[best] < SLOWER * error[steps].min():
        return None
    baseline = float(medians.mean() - gain[best] * mean[best])
    first, last = low + size * int(begin[best]), low + size * (int(end[best]) + 1)
    return Climb(first, last, baseline, baseline + float(gain[best]))
