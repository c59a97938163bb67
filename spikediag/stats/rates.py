"""Counts per exposure: exact comparison of two rates, and how unequal repeated counts are.

A count whose variance is its mean times a dispersion above 1 is compared after division by that dispersion
(quasi-Poisson, McCullagh and Nelder 1989, doi:10.1007/978-1-4899-3242-6).

References: Przyborowski and Wilenski (1940), doi:10.1093/biomet/31.3-4.313 (conditional test of two Poisson
rates); Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404 (exact interval of a proportion).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special


@dataclass(frozen=True)
class Counts:
    """Events counted in repeated trainings, and how much of each was watched (steps, points or passes)."""

    events: tuple[int, ...]
    exposures: tuple[float, ...]

    @property
    def total(self) -> int:
        """Events of all trainings."""
        return sum(self.events)

    @property
    def exposure(self) -> float:
        """Exposure of all trainings."""
        return math.fsum(self.exposures)

    @property
    def rate(self) -> float:
        """Events per unit of exposure."""
        return self.total / self.exposure


@dataclass(frozen=True)
class Ratio:
    """After over before: a rate ratio with its interval and the test of equality."""

    value: float  # infinite when nothing was seen before, NaN when nothing was seen at all
    low: float
    high: float
    p: float  # two-sided, of equal rates
    p_increase: float  # one-sided, of no increase
    dispersion: float  # what the counts were divided by, at least 1


def dispersion(*sides: Counts) -> float:
    """Pearson's dispersion of counts around the rate of their side, pooled; 1 where nothing repeats.

    Never below 1: counts that happen to agree are no licence for a narrower interval. Above 1 it is estimated
    from few trainings, and therefore raised by the square of Student's quantile over the normal one.
    Reference: McCullagh and Nelder (1989), doi:10.1007/978-1-4899-3242-6, over-dispersion.
    """
    squares, degrees = _pearson(sides)
    if squares <= degrees:
        return 1.0
    student = float(special.stdtrit(degrees, 0.975) / special.ndtri(0.975))
    return squares / degrees * student**2


def largest_dispersion(sides: Sequence[Counts], confidence: float = 0.95) -> float:
    """The upper confidence bound of the dispersion that repeated trainings show; at least 1.

    Pearson's statistic over the dispersion is close to chi-squared. What a comparison without seeds has to
    reckon with: the trainings measured so far do not exclude a dispersion up to this.

    Raises:
        ValueError: no side has two trainings and an event.
    """
    squares, degrees = _pearson(sides)
    if not degrees:
        raise ValueError("a dispersion needs a side with two trainings and an event.")
    least = 2 * float(special.gammaincinv(degrees / 2, 1 - confidence))
    return max(1.0, squares / least)


def _pearson(sides: Sequence[Counts]) -> tuple[float, int]:
    """Pearson's chi-squared of counts around the rate of their side, and its degrees of freedom."""
    squares, degrees = 0.0, 0
    for side in sides:
        if len(side.events) < 2 or side.total == 0:
            continue
        expected = [side.rate * exposure for exposure in side.exposures]
        squares += sum((k - e) ** 2 / e for k, e in zip(side.events, expected, strict=True))
        degrees += len(side.events) - 1
    return squares, degrees


def rate_ratio(before: Counts, after: Counts, confidence: float = 0.95, spread: float | None = None) -> Ratio:
    """The ratio of two rates with its exact conditional interval.

    Given the total, the events after are binomial with a share that the ratio determines; Clopper-Pearson's
    interval of that share is an exact interval of the ratio. Where trainings repeat, the counts are first
    divided by their dispersion, so that seeds that differ more than chance widen the interval; the interval
    is exact only for a dispersion of 1. A known dispersion is given as `spread`.
    """
    spread = dispersion(before, after) if spread is None else spread
    a, b = after.total / spread, before.total / spread
    odds = after.exposure / before.exposure
    tail = (1 - confidence) / 2
    low = special.betaincinv(a, b + 1, tail) if a > 0 else 0.0
    high = special.betaincinv(a + 1, b, 1 - tail) if b > 0 else 1.0
    share = odds / (1 + odds)
    # For whole counts the binomial tails: the chance of at least `a` events after, and of at most `a`.
    more = special.betainc(a, b + 1, share) if a > 0 else 1.0
    fewer = special.betaincc(a + 1, b, share) if b > 0 else 1.0
    value = after.rate / before.rate if before.total else (math.inf if after.total else math.nan)
    return Ratio(
        value=value,
        low=float(low / (1 - low) / odds) if low < 1 else math.inf,
        high=float(high / (1 - high) / odds) if high < 1 else math.inf,
        p=float(min(1.0, 2 * min(more, fewer))),
        p_increase=float(more),
        dispersion=spread,
    )


def holm(chances: Sequence[float]) -> tuple[float, ...]:
    """Each p-value, adjusted for having asked them all: below 5 %, and no more than 5 % of families err.

    Reference: Holm (1979), Scand. J. Statist. 6, 65-70, https://www.jstor.org/stable/4615733.
    """
    adjusted, highest = [1.0] * len(chances), 0.0
    for place, n in enumerate(sorted(range(len(chances)), key=lambda n: chances[n])):
        highest = max(highest, min(1.0, (len(chances) - place) * chances[n]))
        adjusted[n] = highest
    return tuple(adjusted)


def prediction_tail(new: float, earlier: Sequence[float]) -> float:
    """Chance that one more normal value would be as high as `new`; exact for normal values, NaN below two.

    Reference: the prediction interval for a single future observation, Hahn (1969), doi:10.2307/1266929.
    """
    n = len(earlier)
    if n < 2:
        return math.nan
    mean = math.fsum(earlier) / n
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in earlier) / (n - 1))
    if spread == 0:
        return math.nan
    return float(special.stdtr(n - 1, (mean - new) / (spread * math.sqrt(1 + 1 / n))))


def rank_tail(new: float, earlier: Sequence[float]) -> float:
    """Chance that the new one of exchangeable values ranks this high: exact without any distribution."""
    return (1 + sum(x >= new for x in earlier)) / (len(earlier) + 1)


def detectable_ratio(
    before: Counts, exposure: float, spread: float = 1.0, confidence: float = 0.95, power: float = 0.8
) -> float | None:
    """The largest rate ratio whose decrease would be significant with this power; None if none would.

    The most events after that are still significantly fewer, given those before, bound a Poisson count; the
    answer is the rate at which that count stays within the bound with chance `power`. A dispersion scales
    the counts as in `rate_ratio`.
    """
    most = -1
    while rate_ratio(before, Counts((most + 1,), (exposure,)), confidence, spread).high < 1:
        most += 1
    if most < 0:
        return None
    # The mean of the Poisson count that stays within `most` with chance `power`.
    mean = spread * float(special.gammaincinv(most / spread + 1, 1 - power))
    return mean / (before.rate * exposure)
