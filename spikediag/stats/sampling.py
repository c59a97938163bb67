"""What drawing batches from a small dataset implies: coverage, passes, and how far a batch mean can stray."""

import math
from dataclasses import dataclass

from spikediag.model import Batch

FLAGGED_ABOVE = 0.50  # batch over dataset: the user's rule; a label, at which nothing jumps
RECOMMENDED = (0.10, 0.20)  # batch over dataset


@dataclass(frozen=True)
class Sampling:
    """So many batches drawn from a fixed dataset, one for each optimizer update."""

    batch: Batch
    updates: float

    @property
    def passes(self) -> float:
        """How often each sample was used, on average."""
        return self.batch.passes(self.updates)

    @property
    def passes_sd(self) -> float:
        """Standard deviation of that number between samples, drawing with replacement (binomial)."""
        return math.sqrt(self.passes * max(0.0, 1 - 1 / self.batch.dataset))


def distinct_share(batch: Batch) -> float:
    """Expected share of the dataset in one batch drawn with replacement: 1 - (1 - 1/N)^B."""
    return -math.expm1(batch.samples * math.log1p(-1 / batch.dataset)) if batch.dataset > 1 else 1.0


def batches_to_see_all(batch: Batch) -> float:
    """Batches until every sample was drawn once, with replacement (coupon collector: N H_N draws)."""
    harmonic = math.log(batch.dataset) + 0.5772156649 + 1 / (2 * batch.dataset)
    return batch.dataset * harmonic / batch.samples


def finite_population(batch: Batch) -> float:
    """The factor by which drawing without replacement shrinks the standard deviation of a batch mean."""
    if batch.dataset <= 1 or batch.samples >= batch.dataset:
        return 0.0
    return math.sqrt((batch.dataset - batch.samples) / (batch.dataset - 1))


@dataclass(frozen=True)
class BatchRange:
    """The batch sizes a rule recommends."""

    low: int
    high: int
    power_of_two: int | None  # the largest inside the range


def recommended_batch(
    dataset: float, low: float = RECOMMENDED[0], high: float = RECOMMENDED[1]
) -> BatchRange:
    """Batch sizes of 10 to 20 % of the dataset: 42 to 83 for 418 samples, power of two 64."""
    smallest = max(1, round(low * dataset))
    largest = max(smallest, math.floor(high * dataset))
    power = 2 ** int(math.log2(largest))
    return BatchRange(smallest, largest, power if power >= smallest else None)


def largest_of(points: int, noise: float) -> float:
    """The largest deviation expected among so many independent normal batch means: s sqrt(2 ln n)."""
    return noise * math.sqrt(2 * math.log(max(points, 2)))


def cantelli(jump: float, noise: float) -> float:
    """Bound of the chance that one batch mean strays this far, any distribution: s^2 / (s^2 + J^2)."""
    return noise**2 / (noise**2 + jump**2) if jump > 0 else 1.0
