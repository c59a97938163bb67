"""Power: the smallest jump that would have been found in a series. Clean means searched."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikediag.detectors.bursts import loud_enough
from spikediag.detectors.rise import SALIENT, noises_before
from spikediag.detectors.salience import (
    APART,
    FEWEST,
    SKEW,
    Crowd,
    Rest,
    Salience,
    crowds,
    may_be_skewed,
    skew,
)
from spikediag.detectors.signal import Signal
from spikediag.model import PAST, FloatArray, IntArray, Searched, Series, SmallestJump, Text, say
from spikediag.stats.leaps import HISTORY, Leaps, lowest
from spikediag.stats.medians import median
from spikediag.stats.proportion import evened
from spikediag.stats.scale import local_noise

PLACES = 32  # of a series, at which it is worked out what a jump would have to exceed
SPACING = 4  # places at one of which the noise is taken
UNLUCKY = 0.05  # share of places at which a jump may need more than is stated
STRETCH = 0.25  # share of the places that must lie in one stretch: to see less is not to search
DISTURBED, POINTS = 1.1, 12  # a jump enlarges the scale so much, and by so many points' share of a short log
MARGIN = 2.0  # standard deviations by which noise at the place may lower it
FEW_WHILE_FALLING = 48  # points
EVENED = 1.7  # how much higher a jump must be where it has to stand apart in logarithms as well
TIPPED, TIPPING = 128, 15.0  # points of a log that a few high ones may skew; local scales of those tried
TRIED_AT = (0.25, 0.5, 0.75)  # share of the log before them
PARTS = 4  # parts of a series, whose noisiest is allowed for
WORTH = 25.0  # standard deviations of a jump that anyone would see; to find only larger ones is not to search
SKEWED_WORTH = 100.0  # the same where the noise itself throws such heights
LARGEST, TRIED = 1e3, 16  # local scales of a leap that is tried, and how many are, twice
BESIDE = 8  # logging intervals on either side, than whose median a hole is longer
HOLE = 20.0  # times
HOLE_SHARE = 0.1  # of the whole log
CONSTANT = 1e3  # units of rounding that a constant series must leave its value by
FALLS: Text = say(
    "{fewest} finite points are needed while a loss falls as steeply as it scatters.",
    fewest=FEW_WHILE_FALLING,
)
UNSEEN: Text = say(
    "No stretch of a quarter of its points would have shown a jump of {worth:.0f} times its noise.",
    worth=WORTH,
)


def search_power(series: Series) -> Searched:
    """The smallest jump of one point, of three, and for good, that would have been found.

    Args:
        series: any series, of any length, NaN and Inf included.
    """
    return power_of(Signal(series, 0.0))


def power_of(signal: Signal) -> Searched:
    """The smallest jumps that would have been found in what was searched, and between which steps.

    They are worked out from what the series shows: its scale, the leaps that the jump would have to stand
    apart from, the dips it would have to exceed, and the noise that would hide a part of it. A jump of this
    height or any larger one is found at nineteen places in twenty of the stretch. Other searches find smaller
    jumps in long logs; nothing smaller is promised.
    """
    tag, points = signal.series.tag, len(signal.values)
    if points < FEWEST:
        few = say("Finite points logged: {points}; needed: {fewest}.", points=points, fewest=FEWEST)
        return Searched(tag, points, (), few)
    if falls_steeply(signal):
        return Searched(tag, points, (), FALLS)
    found = list(jumps(signal))
    reason = hole(signal.series) if found else UNSEEN
    return Searched(tag, points, tuple(found), reason, constant=signal.flat)


def hole(series: Series) -> Text | None:
    """Between which steps nothing was logged for long; None for a log without such a hole."""
    steps, _ = series.numbers
    gaps = np.diff(steps)
    if not len(gaps):
        return None
    at = int(np.argmax(gaps))
    beside = [
        float(np.median(side))
        for side in (gaps[max(0, at - BESIDE) : at], gaps[at + 1 :][:BESIDE])
        if len(side)
    ]
    if gaps[at] < max(HOLE * max(beside, default=np.inf), HOLE_SHARE * float(steps[-1] - steps[0])):
        return None
    return say(
        "Nothing was logged between steps {first:,} and {last:,}: what changed there has no step of its own.",
        first=int(steps[at]),
        last=int(steps[at + 1]),
    )


def jumps(signal: Signal) -> Iterator[SmallestJump]:
    """By width, shortest first; none of more than 25 standard deviations, or 100 in skewed noise."""
    noise, last = largest_noise(signal.values, signal.salience), len(signal.values) - HISTORY
    places = np.unique(np.linspace(HISTORY, last, PLACES).astype(int))
    search = Thresholds(signal, as_if_jumped(signal.salience), places, noise)
    if not search.salience.crowds:
        yield from (search.jump(width, CONSTANT * noise, places) for width in (*APART, None))
        return
    lasting = np.zeros(len(places))
    for crowd in search.salience.crowds:
        certain, told = search.needed(crowd)
        lasting = np.maximum(lasting, certain)
        yield from search.stated(crowd.width, np.minimum(certain, told))
    yield from search.stated(None, lasting)


def as_if_jumped(found: Salience) -> Salience:
    """What stands out in a short log; as skewed as three high points may make it look."""
    leaps = found.leaps
    if found.skewed or not found.crowds or len(leaps.values) >= TIPPED or not may_be_skewed(leaps):
        return found
    if any(skew(Leaps(tried).scores(1)) > SKEW for tried in with_a_jump(leaps)):
        return Salience(leaps, crowds(leaps, skewed=True))
    return found


def with_a_jump(leaps: Leaps) -> Iterator[FloatArray]:
    """The values of a log (n,) with three high points somewhere, one time after another."""
    for share in TRIED_AT:
        at, tried = int(share * len(leaps.values)), leaps.values.copy()
        tried[at : at + HISTORY] += TIPPING * leaps.scale(at)
        yield tried


def falls_steeply(signal: Signal) -> bool:
    """Whether a log of a few points still falls by as much as it scatters: then a jump is hard to tell."""
    leaps = signal.salience.leaps
    few = len(leaps.values) < FEW_WHILE_FALLING and bool(signal.salience.crowds)
    return few and bool((leaps.cell_falls > leaps.cell_scales / 2).any())


def largest_noise(values: FloatArray, salience: Salience) -> float:
    """Robust standard deviation of the noisiest quarter of values (n,), over 257 points of it at most."""
    ends = np.linspace(0, len(values), PARTS + 1).astype(int)[1:]
    if ends[0] >= PAST:
        quarters: list[float] = noises_before(values, ends[1:]).tolist()
    else:
        first = ends[0] if len(values) >= PARTS * FEWEST else 0
        quarters = [
            local_noise(values[max(first if end > first else 0, end - PAST) : end]) for end in ends[1:]
        ]
    return max(*quarters, median(salience.leaps.cell_scales) if salience.crowds else 0.0)


@dataclass(frozen=True, eq=False)
class Thresholds:
    """What a jump would have had to exceed, at places (k,) spread over what was searched."""

    signal: Signal
    salience: Salience  # of what stands out in it, as if something had jumped
    places: IntArray  # positions
    noise: float  # standard deviation by which heights are told

    @cached_property
    def news_from(self) -> FloatArray:
        """Level that is no mere return from a dip, and above the dips around, at each place, (k,)."""
        return self.salience.leaps.news_from(self.places)

    @cached_property
    def before(self) -> FloatArray:
        """Noise before each place, (k,): the largest of those before the places around it."""
        ends = np.unique(np.append(np.arange(0, len(self.places), SPACING), len(self.places) - 1))
        noises = noises_before(self.signal.values, self.places[ends])
        following = np.searchsorted(ends, np.arange(len(self.places)))
        around = np.maximum(noises[following], noises[np.maximum(following - 1, 0)])
        return np.asarray(np.maximum(around, self.noise))

    @cached_property
    def must_be_even(self) -> bool:
        """Whether a jump has to stand apart in logarithms as well, with it in the log."""
        if not self.salience.noise_may_grow:
            return False
        tried = with_a_jump(self.salience.leaps)
        return self.salience.even is not None or any(evened(values) is not None for values in tried)

    def needed(self, crowd: Crowd) -> tuple[FloatArray, FloatArray]:
        """Height that a jump of one width needs at each place to stand apart, (k,), and to be loud, (k,)."""
        leaps, apart = self.salience.leaps, smallest_apart(crowd.rest(crowd.apart[0]))
        loud = loud_enough(skewed=crowd.skewed, even=self.must_be_even) if crowd.width == 1 else np.inf
        disturbed = max(DISTURBED, 1 + POINTS / len(leaps.values))
        over = EVENED if self.must_be_even else 1.0
        hidden, scale = -leaps.scores_at(self.places, crowd.width), leaps.scales[self.places]
        news = self.news_from - lowest(leaps.values, self.places, crowd.width) + MARGIN * self.noise
        certain, told = (
            np.maximum((disturbed * bar + hidden) * scale, (disturbed * least + MARGIN) * self.before)
            for bar, least in ((over * apart, over * SALIENT), (loud, loud))
        )
        return np.maximum(certain, news), np.maximum(told, news)

    def stated(self, width: int | None, height: FloatArray) -> Iterator[SmallestJump]:
        """The jump that is found at nearly all places, given the height it needs at each, (k,).

        Where that is more than is worth stating, the same for the longest stretch in which it is not.
        """
        worth, places = (SKEWED_WORTH if self.salience.skewed else WORTH) * self.noise, self.places
        if nearly_all(height) > worth:
            edges = np.flatnonzero(np.diff(height <= worth, prepend=False, append=False)).reshape(-1, 2)
            first, stop = max(edges.tolist(), key=lambda edge: edge[1] - edge[0], default=(0, 0))
            if stop - first < STRETCH * len(places):
                return
            height, places = height[first:stop], places[first:stop]
        yield self.jump(width, nearly_all(height), places)

    def jump(self, width: int | None, height: float, places: IntArray) -> SmallestJump:
        """A jump of this height, in units of the series, and the steps between which it would be found."""
        last = min(int(places[-1]), len(self.signal.values) - (width or HISTORY))
        steps, position = self.signal.series.steps, self.signal.position
        first_step, last_step = (int(steps[position(at)]) for at in (int(places[0]), last))
        return SmallestJump(width, height * self.signal.unit, height / self.noise, first_step, last_step)


def smallest_apart(rest: Rest) -> float:
    """Local scales that one more leap must measure to stand apart from the rest; infinite if none does."""
    low, high = APART[rest.width], LARGEST
    for _ in range(2):
        tried = np.append(low * (high / low) ** (np.arange(TRIED - 1) / (TRIED - 1)), high)
        stands = np.isfinite(rest.chance(tried, 1))
        if not stands.any():
            return np.inf
        first = int(stands.argmax())
        low, high = float(tried[max(0, first - 1)]), float(tried[first])
    return high


def nearly_all(heights: FloatArray) -> float:
    """The height that suffices at all places (k,) but one in twenty."""
    return np.sort(heights).item(int((len(heights) - 1) * (1 - UNLUCKY)))
