"""The rate of spikes: how many a training has, and what a remedy leaves of them, with prediction intervals.

A mixed model of counts, fitted by the laboratory to its randomised study: the logarithm of the rate is
linear in the settings, plus what is particular to the recipe; a remedy shifts it, by more in some recipes
than in others; counts of two seeds differ more than chance (negative binomial). Here it is only evaluated:
sums over a grid, no random numbers, the same result everywhere.

References: Gelman and Hill (2007), Data Analysis Using Regression and Multilevel Models, chapter 15.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from spikediag.rates.settings import Settings

FILE = Path(__file__).with_name("rates.json")
SEEDS = 2  # trainings a side, as the effect is measured
NODES = 61  # of the grid over the logarithm of the rate
SHIFTS = 21  # of the grid over the effect of a remedy
FINE = 257  # of the grid over the logarithm of the mean under a remedy
REACH = 4.0  # standard deviations that a grid covers on each side
LEAST_SPIKES, MOST_SPIKES = 4.0, 60.0  # of one training, in the horizon that an effect is predicted for
QUANTILES = (0.1, 0.5, 0.9)  # an 80 % interval and the median
WIDENING = 0.5  # of the standard deviation, for each factor of e beyond what was studied
FARTHEST = 2.0  # factors of e beyond what was studied, from which nothing is predicted

Floats = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True)
class Interval:
    """The median and the 80 % interval of a prediction."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Shift:
    """What a remedy adds to the logarithm of the rate.

    Attributes:
        mean: Over recipes.
        sd: Of that mean, as far as the study tells it.
        spread: Standard deviation between recipes.
        error: The squared error at the end, as a factor: median over the trainings; 80 % of them lie from
            `error_low` to `error_high`.
        loss: What it added to the final loss, nats: median over the recipes.
        recipes: How many it was tried on.
    """

    mean: float
    sd: float
    spread: float
    error: float
    error_low: float
    error_high: float
    loss: float
    recipes: int


@dataclass(frozen=True)
class Observed:
    """What is known of the spikes of a training already: their count, in so many updates."""

    spikes: int
    updates: float


@dataclass(frozen=True, eq=False)
class Rates:
    """The fitted model.

    Attributes:
        intercept: Logarithm of the rate per update where every feature is 0.
        names: Of the features, in the order of `weights` and `covariance`.
        weights: (k,), effect of each feature on the logarithm of the rate.
        covariance: (k + 1, k + 1), of the intercept and the weights.
        means: (k,), of the features in the study; `sds` (k,) and `ranges` (k, 2) too.
        between: Standard deviation of the logarithm of the rate between recipes of the same settings.
        size: Of the negative binomial; the larger, the more alike are seeds.
        shifts: What each remedy does.
        recipes: Recipes that it was fitted on; `trainings` of them.
    """

    intercept: float
    names: tuple[str, ...]
    weights: Floats
    covariance: Floats
    means: Floats
    sds: Floats
    ranges: Floats
    between: float
    size: float
    shifts: Mapping[str, Shift]
    recipes: int
    trainings: int

    def beyond(self, settings: Settings) -> Mapping[str, float]:
        """The features that lie outside what was studied, and by how many factors of e."""
        known = settings.features()
        out: dict[str, float] = {}
        for name, (low, high) in zip(self.names, self.ranges, strict=True):
            value = known[name]
            if value is not None and (excess := max(low - value, value - high)) > 1e-9:
                out[name] = float(excess)
        return out

    def log_rate(self, settings: Settings, observed: Observed | None = None) -> tuple[Floats, Floats]:
        """The logarithm of the rate per update on a grid (n,), and the weight of each value (n,).

        What is not known of the settings is taken as it was in the study, with its spread.
        """
        known = settings.features()
        unknown = np.array([known[name] is None for name in self.names])
        given = [known[name] for name in self.names]
        values = np.array(
            [mean if value is None else value for value, mean in zip(given, self.means, strict=True)]
        )
        row = np.concatenate([[1.0], values])
        variance = float(row @ self.covariance @ row) + self.between**2 + self._widening(settings)
        variance += float(np.sum((self.weights * self.sds * unknown) ** 2))
        middle, sd = self.intercept + float(self.weights @ values), math.sqrt(variance)
        grid = np.linspace(-REACH, REACH, NODES)
        weights = np.exp(-0.5 * grid**2)
        log_rate = middle + sd * grid
        if observed is not None and observed.updates > 0:
            weights = (
                weights * _count(np.exp(log_rate) * observed.updates, self.size, [observed.spikes])[:, 0]
            )
        return log_rate, weights / weights.sum()

    def expected(self, settings: Settings, updates: float, observed: Observed | None = None) -> Interval:
        """How many spikes another training with these settings would have in so many updates."""
        log_rate, weights = self.log_rate(settings, observed)
        means = np.exp(log_rate) * updates
        counts: Floats = np.unique(np.round(np.geomspace(1, 4 * float(means.max()) + 40, 400)) - 1.0)
        gaps: Floats = np.diff(counts, append=counts[-1:] + 1)  # a count stands for those up to the next
        chance: Floats = weights @ _count(means, self.size, counts) * gaps
        low, middle, high = (float(counts[at]) for at in _places(chance, QUANTILES))
        return Interval(middle, low, high)

    def prevented(self, remedy: str) -> float:
        """The share of the spikes that a remedy prevents in the middle recipe of the study."""
        return 1 - math.exp(self.shifts[remedy].mean)

    def effect(self, remedy: str, settings: Settings, updates: float, observed: Observed | None) -> Interval:
        """The share of the spikes that a remedy prevents, measured with two trainings a side.

        Args:
            remedy: Its id, one of `shifts`.
            settings: Of the training as it is.
            updates: Length of the trainings that are compared.
            observed: The spikes of the run at hand.
        """
        log_rate, weights = self.log_rate(settings, observed)
        usual = math.exp(float(weights @ log_rate))
        horizon = min(max(updates, LEAST_SPIKES / usual), MOST_SPIKES / usual)
        means, size = np.exp(log_rate) * horizon * SEEDS, self.size * SEEDS
        counts = np.arange(4 * MOST_SPIKES * SEEDS, dtype=np.float64)
        before = _count(means, size, counts[1:])
        after = self._after(self.shifts[remedy], means, size, counts, self._widening(settings))
        joint = (before * weights[:, None]).T @ after  # (before, after)
        left, order = _left(len(counts))
        low, middle, high = (
            1 - left[order[at]] for at in _places(joint.ravel()[order], [1 - q for q in QUANTILES])
        )
        return Interval(float(middle), float(low), float(high))

    def _after(self, shift: Shift, means: Floats, size: float, counts: Floats, wider: float) -> Floats:
        """The chance of each count (n, counts) under a remedy whose effect differs between recipes.

        Between the means of a fine grid the chances are interpolated.
        """
        grid = np.linspace(-REACH, REACH, SHIFTS)
        weights = np.exp(-0.5 * grid**2) / np.exp(-0.5 * grid**2).sum()
        sd = math.sqrt(shift.sd**2 + shift.spread**2 + wider)
        places = np.log(means)[:, None] + shift.mean + sd * grid
        fine, step = np.linspace(places.min(), places.max(), FINE, retstep=True)
        below = np.minimum(((places - fine[0]) / step).astype(np.intp), FINE - 2)
        above = (places - fine[below]) / step
        parts = np.zeros((len(means), FINE))
        row = np.arange(len(means))[:, None]
        np.add.at(parts, (row, below), weights * (1 - above))
        np.add.at(parts, (row, below + 1), weights * above)
        return np.asarray(parts @ _count(np.exp(fine), size, counts), dtype=np.float64)

    def _widening(self, settings: Settings) -> float:
        """The variance to add for a training outside what was studied."""
        return sum((WIDENING * excess) ** 2 for excess in self.beyond(settings).values())


def _count(means: Floats, size: float, counts: Sequence[float] | Floats) -> Floats:
    """(n, m), the chance of each count (m,) under negative binomials of these means (n,) and this size."""
    y = np.asarray(counts, dtype=np.float64)[None, :]
    mean = np.maximum(means, 1e-12)[:, None]
    log = gammaln(y + size) - gammaln(y + 1) - gammaln(size)
    log = log + size * np.log(size / (size + mean)) + y * np.log(mean / (size + mean))
    return np.exp(log)


def _places(weights: Floats, shares: Sequence[float]) -> Sequence[int]:
    """Where each share of the weight (n,) of values in rising order is reached."""
    total = np.cumsum(weights)
    return [int(np.searchsorted(total, share * total[-1])) for share in shares]


@cache
def _left(counts: int) -> tuple[Floats, IntArray]:
    """Spikes after over spikes before, at least 1, of every pair of counts, (pairs,), and their order."""
    count = np.arange(counts, dtype=np.float64)
    left: Floats = (count[None, :] / count[1:, None]).ravel()
    return left, np.argsort(left, kind="stable")


@cache
def fitted(path: Path = FILE) -> Rates | None:
    """The model that the laboratory fitted; None where there is none."""
    if not path.exists():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored |= {name: np.array(stored[name], dtype=np.float64) for name in _ARRAYS}
    shifts = {remedy: Shift(**shift) for remedy, shift in stored.pop("shifts").items()}
    return Rates(names=tuple(stored.pop("names")), shifts=shifts, **stored)


_ARRAYS = ("weights", "covariance", "means", "sds", "ranges")
