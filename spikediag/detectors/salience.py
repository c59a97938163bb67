"""Salience: what anyone would point to, because it stands far above everything around it.

A leap is how far the lowest of w points lies above the median of the few points before, in units of the local
scale. It asks for nothing after the points, so the last ones of a log can be judged, and for three points
before, so the first ones can. Leaps are declustered and put in order, and the question is *how many of the
highest stand apart*: for r = 1, 2, ... the lowest of the r highest is judged by the tail of those below it
only. No spike is part of the noise that judges a spike, and the next point is the yardstick of the first.

Symmetric noise dips as deep as it leaps, so the tail of both together judges too: it knows twice as much. In
a log of some hundred points the tail of the dips judges by itself: no spike is part of it.
Where the bulk of the leaps is skewed to the right and no value is negative, as in means of squares, a tail
without an index is the null: the gap must be wide for a Pareto law of any index. And where noise grows with
the level, what stands apart must do so in logarithms as well, in which such noise is even: there a loss that
wanders by factors leaps no more when it is high. There a burst that stands apart in logarithms alone counts
as well if it is as tall as any must be: a loss that grows leaps by more later on, and hides it. What is loud
without standing apart is usual for such a series.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from spikediag.detectors.scan import Candidate
from spikediag.model import FloatArray, IntArray
from spikediag.stats.leaps import Leaps
from spikediag.stats.medians import median
from spikediag.stats.proportion import evened
from spikediag.stats.scale import robust_sigma
from spikediag.stats.tails import Tail, fit_tail, scale_free_gap

FEWEST = 24  # points of a log below which nothing can be seen
WIDTHS = (1, 3)  # points that must all stand high
APART = {1: 12.0, 3: 8.0}  # local scales that a leap of a width measures at least
APART_EVENED = {1: 8.0, 3: 6.0}  # the same in logarithms in which the noise is even
FAR_OVER_NEXT = 2.5  # height of such a one over the next, from which its own tail is enough
OVER_NEXT = 1.6  # height of the lowest that stands apart over the next
PRIOR = (0.2, 0.15)  # mean and standard deviation of the shape of the tail
PRIOR_OF_DIPS = (0.1, 0.1)  # the same of many dips, of noise without spikes
CHANCE = 0.04  # leaps as high that may be expected by chance
MANY_DIPS = 64  # blocks from which dips tell their own tail
FOLLOWED = 512  # points of a log in which a local scale hardly follows the level
MANY = 512  # blocks from which leaps tell their own tail
POOLED = 0.016  # the same under the tail of leaps and dips together
MIRRORED = 0.005  # the same under that of many dips alone
SKEW = 1.3  # mean of the larger leaps over that of the larger dips, from which a bulk is skewed
FEW_FOR_SKEW, SHARPENS = 150, 0.27  # points below which even noise looks skewed, and how fast that goes
SLOW = 65  # points of a running median from which slow bursts are measured
FEWEST_SLOW = 100  # points below which slow skew is not known
STEEP = 5.0  # next leap over the median one, from which the tail of a series is heavy
GAP, SHORT_GAP = (
    0.05,
    0.02,
)  # chance of the gap under a Pareto law in skewed noise: of long logs, of short ones
STEEP_GAP = 0.06  # the same in heavy-tailed noise
SURE = 0.003  # leaps as high by chance, below which the gap of a single one there may be narrower
LEAST = 6.0  # local scales below which a leap is no leap
SHORT_REST = 48  # blocks of a short log, whose skew and dips are hardly known
FEWEST_REST = 5  # blocks that are needed to judge a leap
SMOOTH, SMOOTHED = (
    5,
    64,
)  # points of the running median in which climbs are measured, and its share of the log
CALM = 24  # points before a climb, at least
OVER_CLIMBS = 8.0  # height of a climb over the highest before it
OVER_EVENED = 3.0  # the same in logarithms in which the noise is even
OVER_FALLS = 2.5  # height of a climb over the deepest fall after it began
CLIMBED = 12.0  # local scales that a climb measures at least
REACHED = 0.9  # share of its height with which it counts as done
STAYS = 0.25  # share of its height that remains at the end of the log
LOUD_ENOUGH = 8.0  # local scales of a leap that may be told along with others
MOST = 64  # leaps that are looked at one by one


@dataclass(frozen=True, eq=False)
class Dips:
    """How deep a series dips, where that adds to what its leaps say of themselves."""

    deepest: FloatArray  # (m,) of each block; empty where it adds nothing

    def outdone_by(self, heights: FloatArray) -> NDArray[np.bool_]:
        """Which heights (k,) dips are never as deep as by chance; of few dips all are."""
        if len(self.deepest) < MANY_DIPS:
            return np.ones(len(heights), bool)
        mirrored = len(self.deepest) * len(WIDTHS) * self.tail.exceedance(heights)
        return np.asarray(mirrored < MIRRORED)

    @cached_property
    def tail(self) -> Tail:
        """How many are as deep as any."""
        return fit_tail(self.deepest, *PRIOR_OF_DIPS)


@dataclass(frozen=True, eq=False)
class Rest:
    """The leaps that are not in question, by which the others are judged."""

    width: int
    ordered: FloatArray  # (m,) highest leap of each block, descending, without those in question
    dips: Dips
    skewed: bool
    even: bool = False  # in logarithms in which the noise is even

    def chance(self, lowest: FloatArray, count: int) -> FloatArray:
        """Leaps as high by chance, for the lowest (k,) of `count` in question; infinite: not apart."""
        bar = (APART_EVENED if self.even else APART)[self.width]
        fits = (lowest >= bar) & (lowest >= OVER_NEXT * self.ordered[0])
        found = np.full(len(lowest), np.inf)
        if fits.any():
            found[fits] = self._chance(lowest[fits], count)
        return found

    def _chance(self, lowest: FloatArray, count: int) -> FloatArray:
        """The same for those (k,) that are high enough, and far enough above the next."""
        chances = (len(self.ordered) + count) * len(WIDTHS)
        expected = chances * self.tail.exceedance(lowest)
        pooled = chances * self.pooled_tail.exceedance(lowest) if self.pooled_tail else np.zeros(len(lowest))
        far = self.even & (lowest >= FAR_OVER_NEXT * self.ordered[0])
        fits = (expected < CHANCE) & (pooled < np.where(far, CHANCE, POOLED)) & self.dips.outdone_by(lowest)
        gap = scale_free_gap(lowest, self.top, count)
        if self.skewed:
            fits &= gap < (SHORT_GAP if len(self.ordered) < SHORT_REST else GAP)
        elif self.steep:
            fits &= (gap < STEEP_GAP) | ((count == 1) & (np.maximum(expected, pooled) < SURE))
        return np.where(fits, expected, np.inf)

    @cached_property
    def tail(self) -> Tail:
        """How many are as high as any, in noise like the rest."""
        return fit_tail(self.ordered, *PRIOR)

    @cached_property
    def pooled_tail(self) -> Tail | None:
        """The same, learnt from leaps and dips together; None where dips add nothing."""
        dips = self.dips.deepest
        return fit_tail(np.concatenate([self.ordered, dips]), *PRIOR) if len(dips) else None

    @cached_property
    def top(self) -> FloatArray:
        """The higher half, as far as it is positive."""
        half = self.ordered[: max(4, len(self.ordered) // 2)]
        return half[half > 0]

    @property
    def steep(self) -> bool:
        """Whether the highest is far above the middle one, as in heavy tails."""
        risen = self.ordered[self.ordered > 0]
        return len(risen) > 0 and bool(risen[0] >= STEEP * risen[len(risen) // 2])


@dataclass(frozen=True, eq=False)
class Crowd:
    """The leaps of one width: the highest one by one, and the rest."""

    width: int
    at: IntArray  # (k,) positions of those that are news, by height
    heights: FloatArray  # (k,) local scales, descending
    ordered: FloatArray  # (m,) highest leap of each other block, descending
    skewed: bool
    source: Leaps
    even: bool = False  # as of `Rest`

    @cached_property
    def dips(self) -> Dips:
        """How deep it dips, where that adds to what the leaps say of themselves.

        While a short series goes down all along, dips are deeper than the noise alone makes them.
        """
        if self.skewed or len(self.ordered) > MANY or self.source.descends:
            return Dips(np.zeros(0))
        depth = self.source.dips(self.width)
        _, deepest = block_maxima(depth, block_size(len(depth)))
        known = deepest[np.isfinite(deepest)]
        return Dips(known[:0] if len(known) < SHORT_REST and self.source.goes_down else known)

    def leaps(self) -> tuple[Candidate, ...]:
        """Those that are news."""
        pairs, side = zip(self.at, self.heights, strict=True), self.source.side
        return tuple(Candidate(self.width, int(at), float(z), np.inf, side, salient=True) for at, z in pairs)

    def rest(self, count: int) -> Rest:
        """All but the `count` highest."""
        below = np.concatenate([self.heights[count:], self.ordered])
        return Rest(self.width, -np.sort(-below), self.dips, self.skewed, self.even)

    @cached_property
    def apart(self) -> tuple[int, float]:
        """How many stand apart from all others, and how many of them chance would show."""
        heights = np.concatenate([self.heights, self.ordered[:1]])
        for count in range(min(len(self.at), (len(self.at) + len(self.ordered)) // 4 + 1), 0, -1):
            if count == len(heights) or heights[count - 1] < OVER_NEXT * heights[count]:
                continue
            rest = self.rest(count)
            if len(rest.ordered) > FEWEST_REST:
                expected = float(rest.chance(self.heights[count - 1 : count], count)[0])
                if expected < np.inf:
                    return count, expected
        return 0, np.inf


@dataclass(frozen=True, eq=False)
class Salience:
    """What stands out in finite values (n,)."""

    leaps: Leaps
    crowds: tuple[Crowd, ...]  # one a width; none where the log is too short

    @property
    def skewed(self) -> bool:
        """Whether large values are usual: never negative, and skewed to the right in its bulk."""
        return any(crowd.skewed for crowd in self.crowds)

    def outdoes_dips(self, at: int, width: int) -> bool:
        """Whether the leap of a width at a position is higher than the dips of the series are deep."""
        heights = self.leaps.scores(width)[at : at + 1]
        return all(crowd.dips.outdone_by(heights).all() for crowd in self.crowds if crowd.width == width)

    @property
    def news(self) -> IntArray:
        """Positions of the highest single points, no two of them close together."""
        return self.crowds[0].at if self.crowds else np.zeros(0, dtype=np.int64)

    def loud(self, width: int) -> Iterator[Candidate]:
        """The highest leaps of a width, apart from the others or not, by height.

        Also those that follow a higher one closely, which no crowd holds.
        """
        if not self.crowds:
            return
        side, scores = self.leaps.side, self.leaps.scores(width)
        at = np.flatnonzero(scores >= LOUD_ENOUGH)
        for i in at[np.argsort(-scores[at], kind="stable")][:MOST].tolist():
            yield Candidate(width, i, float(scores[i]), np.inf, side, salient=True)

    @cached_property
    def even(self) -> FloatArray | None:
        """Logarithms (n,) in which the noise of a short log is even, where it grows with the level; or None.

        In a long one the local scale follows the level; and a level that goes down all along says nothing of
        the noise that belongs to it.
        """
        return evened(self.leaps.values) if self.noise_may_grow else None

    @property
    def noise_may_grow(self) -> bool:
        """Whether noise that grows with the level would show, and would not be followed."""
        return len(self.leaps.values) <= FOLLOWED and not self.leaps.goes_down

    def candidates(self) -> Iterator[Candidate]:
        """Every leap that stands apart; where noise grows with the level, in logarithms, which suffice."""
        found = [*apart(self.crowds, OVER_CLIMBS)]
        if self.even is None:
            yield from found
            return
        even = [*apart(crowds(Leaps(self.even), skewed=False, even=True), OVER_EVENED)]
        bursts, climbs = ([one for one in even if one.burst is burst] for burst in (True, False))
        told = confirmed((one for one in found if one.burst), even)
        yield from confirmed((one for one in found if not one.burst), climbs)
        yield from told
        yield from (one for one in bursts if self.as_tall(one) and not confirmed([one], told))

    def as_tall(self, leap: Candidate) -> bool:
        """Whether a leap is as tall as one must be, and news."""
        height = self.leaps.scores(leap.width)[leap.position]
        return height >= APART[leap.width] and self.leaps.holds(leap.position, leap.width)


def salience(values: FloatArray) -> Salience:
    """Leaps of finite values (n,) in order."""
    leaps = Leaps(values)
    if len(values) < FEWEST or not np.ptp(values):
        return Salience(leaps, ())
    sure = SKEW * max(1.0, (FEW_FOR_SKEW / len(values)) ** SHARPENS)
    skewed = may_be_skewed(leaps) and max(skew(leaps.scores(1)), slow_skew(values)) > sure
    return Salience(leaps, crowds(leaps, skewed=skewed))


def may_be_skewed(leaps: Leaps) -> bool:
    """Whether large values alone may be usual: none is negative, and the level does not go down."""
    return bool(leaps.values.min() >= 0) and not leaps.descends


def crowds(leaps: Leaps, *, skewed: bool, even: bool = False) -> tuple[Crowd, ...]:
    """One a width."""
    return tuple(crowd(leaps, width, skewed=skewed, even=even) for width in WIDTHS)


def confirmed(found: Iterable[Candidate], also: Iterable[Candidate]) -> list[Candidate]:
    """Those that are seen on another scale as well."""
    seen = [*also]
    return [one for one in found if any(one.near(other) for other in seen)]


def apart(found: tuple[Crowd, ...], over_climbs: float) -> Iterator[Candidate]:
    """Every leap that stands apart from the others of its width, and the climb that does."""
    for crowd in found:
        count, expected = crowd.apart
        for leap in crowd.leaps()[:count]:
            yield replace(leap, expected=expected)
    if found:
        yield from lasting_climb(found[0].source, over_climbs)


def crowd(leaps: Leaps, width: int, *, skewed: bool, even: bool) -> Crowd:
    """Decluster the leaps of one width: what follows a higher one is compared with the same past."""
    scores = leaps.scores(width)
    at, highest = block_maxima(scores, block_size(len(scores)))
    kept, peaks = np.isfinite(highest), []
    for k in np.argsort(-highest, kind="stable")[:MOST]:
        if highest[k] < LEAST:
            break
        if kept[k] and leaps.holds(int(at[k]), width):
            kept &= (at < at[k] - width) | (at > at[k] + leaps.side + width)
            peaks.append(k)
    return Crowd(width, at[peaks], highest[peaks], -np.sort(-highest[kept]), skewed, leaps, even)


def block_size(n: int) -> int:
    """Points of which the highest leap counts once: few in a short log, where each is needed."""
    return next(size for size, below in ((2, 64), (3, 128), (4, 512), (8, n + 1)) if n < below)


def block_maxima(scores: FloatArray, size: int) -> tuple[IntArray, FloatArray]:
    """Position and height of the highest of each block of scores (n,)."""
    padded = np.full(-(-len(scores) // size) * size, -np.inf)
    padded[: len(scores)] = scores
    blocks = padded.reshape(-1, size)
    at = blocks.argmax(axis=1) + size * np.arange(len(blocks))
    return at, padded[at]


def slow_skew(values: FloatArray) -> float:
    """As `skew`, of distances from a slow running median; the smaller of both halves.

    A new level would skew the half in which it begins; what is skewed all along is so in both.
    """
    if len(values) < FEWEST_SLOW:
        return 1.0
    distance = values - median_filter(values, min(SLOW, len(values) // 4 | 1))
    sizes = [(half, robust_sigma(half)) for half in np.array_split(distance, 2)]
    return min(skew(half / scale) if scale > 0 else 1.0 for half, scale in sizes)


def skew(scores: FloatArray) -> float:
    """Size of the larger ordinary leaps (n,) over that of the larger ordinary dips."""
    known = scores[np.abs(scores) < LEAST]
    up, down = outer_mean(known[known > 0]), outer_mean(-known[known < 0])
    return up / down if down > 0 else 1.0


def outer_mean(sizes: FloatArray) -> float:
    """Mean of the upper third of sizes (n,) without the highest quarter of it; 0 for fewer than three."""
    n = len(sizes)
    return float(np.sort(sizes)[2 * n // 3 : max(2 * n // 3 + 1, 11 * n // 12)].mean()) if n > 2 else 0.0


def lasting_climb(leaps: Leaps, over: float) -> Iterator[Candidate]:
    """The climb from which a series did not come back, if it is so many times as high as all before it.

    A climb is measured from the lowest point so far, so that a decay is none; in running medians of five
    points, so that no burst is. What counts as before is what lies before a share of its height was reached.
    Noise that grows would have fallen as far as it rose.
    """
    values = leaps.values
    if float((values - np.minimum.accumulate(values)).max()) < CLIMBED * float(leaps.cell_scales.min()):
        return
    size = max(SMOOTH, len(values) // SMOOTHED | 1)
    smooth = median_filter(values, size, mode="nearest")
    risen = smooth - np.minimum.accumulate(smooth)
    top = int(risen.argmax())
    first = int((risen > risen[top] / over).argmax())
    reached = int((risen >= REACHED * risen[top]).argmax())
    if first < max(CALM, (reached - first) / 2) or top == first:
        return
    base = median(values[max(0, first - CALM) : first])
    height, fall = float(smooth[top]) - base, base - float(smooth[first:].min())
    stays = median(values[-size:]) - base >= STAYS * height
    if height < over / 2 * float(risen[:first].max()):  # what it rose from was the end of a dip
        return
    if stays and height >= max(OVER_FALLS * fall, CLIMBED * leaps.scale(first)):
        width = min(top - first + size, len(values) - first) | 1
        yield Candidate(width, first, height / leaps.scale(first), CHANCE, CALM, salient=True)
