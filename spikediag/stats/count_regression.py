"""Counts with exposure against one setting, in groups: a rate ratio, its interval and a permutation test.

The mean of a count is its exposure, times the rate of its group, times exp(slope x setting). Given the total
of each group its rate drops out, and what is left is a likelihood of the slope alone, that of a Poisson
regression with a level for each group. Counts vary more than that: deviances are divided by their dispersion
(quasi-Poisson, McCullagh and Nelder 1989, doi:10.1007/978-1-4899-3242-6).

The test permutes settings within groups, which is exact where runs of a group could as well have had each
other's settings, however the counts are distributed. Its statistic is the score of the slope over its own
spread, so that runs which vary more or were watched longer do not pass for an effect (Janssen 1997,
doi:10.1016/S0167-7152(97)00043-6; DiCiccio and Romano 2017, doi:10.1080/01621459.2016.1202117).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import special

from spikediag.model import FloatArray, IntArray

FARTHEST = 25.0  # slope beyond which a rate ratio is taken as infinite; settings lie between 0 and 1
MOST_EXACT = 5_000  # arrangements that are gone through one by one
DRAWS = 4_999  # of more
AT_ONCE = 250_000  # numbers of drawn arrangements held at once
TIE = 1e-9  # relative; a statistic this much smaller is the same one, added up in another order


@dataclass(frozen=True, eq=False)
class Counted:
    """Runs of a sweep, (n,) each."""

    events: FloatArray  # counts, at least 0
    exposures: FloatArray  # above 0
    settings: (
        FloatArray  # from 0, the lowest, to 1, the highest; codes 0, 1, 2, ... of a setting without order
    )
    groups: IntArray  # 0, 1, 2, ...

    @property
    def telling(self) -> "Counted":
        """The runs of groups that have events and more than one setting: the others say nothing of it."""
        every = range(int(self.groups.max(initial=-1)) + 1)
        kept = [
            g
            for g in every
            if self.events[self.groups == g].sum() > 0 and len(np.unique(self.settings[self.groups == g])) > 1
        ]
        chosen = np.isin(self.groups, kept)
        _, groups = np.unique(self.groups[chosen], return_inverse=True)
        return Counted(self.events[chosen], self.exposures[chosen], self.settings[chosen], groups)


@dataclass(frozen=True)
class RateRatio:
    """How many times the rate at the lowest setting that at the highest is. NaN where nothing tells."""

    value: float
    low: float
    high: float
    dispersion: float  # at least 1


def profiled_ratio(counted: Counted, confidence: float = 0.95) -> RateRatio:
    """The rate ratio from the lowest to the highest setting, with a profile likelihood interval.

    0 and infinite where one end had no event at all; the interval is then open to that side.
    """
    runs = counted.telling
    if not len(runs.events):
        return RateRatio(math.nan, math.nan, math.nan, math.nan)
    slope = _root(lambda b: _score(runs, b), -FARTHEST, FARTHEST)
    spread, degrees = _dispersion(runs, slope)
    allowed = 0.5 * spread * float(special.fdtri(1, max(degrees, 1), confidence))
    top = _log_likelihood(runs, slope)

    def short(b: float) -> float:
        return allowed - (top - _log_likelihood(runs, b))

    low = -FARTHEST if short(-FARTHEST) >= 0 else _zero(short, -FARTHEST, slope)
    high = FARTHEST if short(FARTHEST) >= 0 else _zero(short, slope, FARTHEST)
    return RateRatio(_exp(slope), _exp(low), _exp(high), spread)


def _exp(slope: float) -> float:
    return math.inf if slope >= FARTHEST else 0.0 if slope <= -FARTHEST else math.exp(slope)


def _root(decreasing: Callable[[float], float], low: float, high: float) -> float:
    if decreasing(low) <= 0:
        return low
    return high if decreasing(high) >= 0 else _zero(decreasing, low, high)


def _zero(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq  # noqa: PLC0415  # heavy, and who reads the runs of a sweep needs none

    return float(brentq(function, low, high))


def _shares(runs: Counted, slope: float) -> FloatArray:
    """The share of its group's events that each run is expected to have, (n,)."""
    weights = runs.exposures * np.exp(slope * (runs.settings - (slope > 0)))
    totals = np.bincount(runs.groups, weights)
    found: FloatArray = weights / totals[runs.groups]
    return found


def _expected(runs: Counted, slope: float) -> FloatArray:
    totals = np.bincount(runs.groups, runs.events)
    found: FloatArray = totals[runs.groups] * _shares(runs, slope)
    return found


def _score(runs: Counted, slope: float) -> float:
    return float(np.sum(runs.settings * (runs.events - _expected(runs, slope))))


def _log_likelihood(runs: Counted, slope: float) -> float:
    return float(np.sum(special.xlogy(runs.events, _shares(runs, slope))))


def _dispersion(runs: Counted, slope: float) -> tuple[float, int]:
    """Pearson's dispersion around the fit, at least 1, and its degrees of freedom.

    Where runs that decide the slope vary more than others, as those that were watched longer often do, theirs
    counts: the spread of the score over what counts by chance would have (Huber's sandwich).
    """
    expected = np.maximum(_expected(runs, slope), 1e-12)
    degrees = len(runs.events) - int(runs.groups.max()) - 2
    if degrees < 1:
        return 1.0, degrees
    squares = (runs.events - expected) ** 2
    means = np.bincount(runs.groups, runs.settings * _shares(runs, slope))
    lever = (runs.settings - means[runs.groups]) ** 2
    met = float(lever @ squares) / max(float(lever @ expected), 1e-12) * len(squares)
    return max(1.0, float(np.sum(squares / expected)) / degrees, met / degrees), degrees


@dataclass(frozen=True)
class Permutation:
    """How often as much would be seen if settings had been dealt to the runs of each group at random."""

    p: float  # two-sided
    arrangements: int  # that were gone through
    exact: bool  # whether these are all there are


def permutation(counted: Counted, *, ordered: bool = True, seed: int = 0) -> Permutation:
    """Test that the rate does not go with the setting.

    Args:
        counted: the runs.
        ordered: whether settings are numbers; else any difference between the rates of its values counts.
        seed: of the arrangements that are drawn where there are too many for all.
    """
    runs = counted.telling
    if not len(runs.events):
        return Permutation(1.0, 0, exact=True)
    statistic = _studentised if ordered else _between
    least = statistic(runs, runs.settings[None, :])[0] * (1 - TIE)
    if _arrangements(runs) <= MOST_EXACT:
        every = np.array(list(_all(runs)))
        found = statistic(runs, every)
        return Permutation(float(np.mean(found >= least)), len(every), exact=True)
    more = sum(int(np.count_nonzero(statistic(runs, some) >= least)) for some in _drawn(runs, seed))
    return Permutation((1 + more) / (1 + DRAWS), DRAWS, exact=False)


def _residuals(runs: Counted) -> FloatArray:
    found: FloatArray = runs.events - _expected(runs, 0.0)
    return found


def _studentised(runs: Counted, settings: FloatArray) -> FloatArray:
    """The squared score over its spread, of each arrangement (m, n); (m,)."""
    shares = np.zeros((len(runs.events), int(runs.groups.max()) + 1))
    shares[np.arange(len(runs.events)), runs.groups] = _shares(runs, 0.0)
    centred = settings - (settings @ shares)[:, runs.groups]
    parts = centred * _residuals(runs)
    spread = np.sum(parts**2, axis=1)
    found: FloatArray = np.sum(parts, axis=1) ** 2 / np.where(spread > 0, spread, 1.0)
    return found


def _between(runs: Counted, settings: FloatArray) -> FloatArray:
    """How far the counts of each value lie from what its exposure foretells, summed over values; (m,)."""
    expected, residuals = _expected(runs, 0.0), _residuals(runs)
    found = np.zeros(len(settings))
    for value in np.unique(runs.settings):
        chosen = settings == value
        found += (chosen @ residuals) ** 2 / (chosen @ expected)
    return found


def _members(runs: Counted) -> list[NDArray[np.intp]]:
    return [np.flatnonzero(runs.groups == g) for g in range(int(runs.groups.max()) + 1)]


def _arrangements(runs: Counted) -> float:
    """How many different ways there are to deal the settings of each group to its runs."""
    logs = 0.0
    for members in _members(runs):
        repeats = Counter(runs.settings[members].tolist()).values()
        logs += math.lgamma(len(members) + 1) - sum(math.lgamma(n + 1) for n in repeats)
    return math.inf if logs > 50 else round(math.exp(logs))


def _all(runs: Counted) -> Iterator[FloatArray]:
    """Every way, each once."""
    members = _members(runs)
    for dealt in product(*(list(_dealt(sorted(runs.settings[m].tolist()))) for m in members)):
        settings = np.empty(len(runs.events))
        for places, values in zip(members, dealt, strict=True):
            settings[places] = values
        yield settings


def _dealt(values: Sequence[float]) -> Iterator[tuple[float, ...]]:
    """The different orders of some values, which are sorted."""
    if not values:
        yield ()
    for n, value in enumerate(values):
        if n == 0 or value != values[n - 1]:
            yield from ((value, *rest) for rest in _dealt([*values[:n], *values[n + 1 :]]))


def _drawn(runs: Counted, seed: int) -> Iterator[FloatArray]:
    """Ways drawn at random, some at a time."""
    random, left, size = np.random.default_rng(seed), DRAWS, max(1, AT_ONCE // len(runs.events))
    while left > 0:
        settings = np.tile(runs.settings, (min(size, left), 1))
        for members in _members(runs):
            settings[:, members] = random.permuted(settings[:, members], axis=1)
        left -= len(settings)
        yield settings
