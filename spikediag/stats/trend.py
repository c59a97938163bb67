"""What a series would have become, had nothing happened: a level, or a trend that slows as it did before."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikediag.model import FloatArray
from spikediag.stats.medians import median, medians
from spikediag.stats.scale import MAD_TO_SIGMA, MEDIAN_ERROR, robust_sigma

BLOCK = 33  # values of one level
BLOCKS = 3
HORIZON = 5.0  # blocks ahead; a trend foretells no farther than it was seen
SURE = 3.0  # standard errors of a trend
STRAIGHT = 0.999  # of the slope of the block before; from there on a trend does not slow
FEWEST_MEDIAN = 9  # values
FEWEST_MEMORY = 50  # values below which their correlation is not known
MOST_MEMORY = 0.95  # correlation of neighbours from which hardly any value counts
CLIP = 4.0  # robust standard deviations of a difference of neighbours; larger ones are no noise


def lag_one(values: FloatArray) -> float:
    """Autocorrelation of neighbouring values (n,), NaN for holes, within [0, 1]; 0 for fewer than 8.

    From differences of neighbours, so that a trend does not look like smoothness: for a first-order process
    with autocorrelation a, neighbouring differences correlate by (a - 1) / 2.
    """
    change = values[1:] - values[:-1]
    finite = np.isfinite(change)
    known = change[finite]
    if len(known) < 8:
        return 0.0
    middle = median(known)
    limit = CLIP * MAD_TO_SIGMA * median(np.abs(known - middle))
    if not limit > 0:
        return 0.0
    change = np.minimum(np.maximum((change - middle) / limit, -1.0), 1.0)
    change[~finite] = 0.0
    pairs = int(np.count_nonzero(finite[1:] & finite[:-1]))
    power = float((change * change).sum()) / len(known)
    if not pairs:
        return 0.0
    return min(max(1 + 2 * (float((change[1:] * change[:-1]).sum()) / pairs) / power, 0.0), 1.0)


@dataclass(frozen=True)
class Trend:
    """The levels of up to three equal blocks of values, oldest first, and their noise."""

    levels: tuple[float, ...]
    size: int  # values of a block
    sd: float  # robust standard deviation of single values around their block
    independent: float  # share of the values that count, correlated neighbours counted once
    flat: float  # the level of all blocks together

    @property
    def level(self) -> float:
        """Of the last block where there is a sure trend, else of all blocks."""
        return self.levels[-1] if self.slope else self.flat

    @property
    def block_error(self) -> float:
        """Standard error of one block's level."""
        return self.error_of(self.size)

    def error_of(self, points: int) -> float:
        """Standard error of the level of so many values: of their median from nine on, else of their mean."""
        return (
            (MEDIAN_ERROR if points >= FEWEST_MEDIAN else 1.0)
            * self.sd
            / math.sqrt(max(1.0, points * self.independent))
        )

    @cached_property
    def slope(self) -> float:
        """Change over the last block, 0 where the blocks show no sure trend."""
        if len(self.levels) < BLOCKS:
            return 0.0
        first, middle, last = self.levels
        sure = abs(last - first) > SURE * math.sqrt(2) * self.block_error
        return last - middle if sure and (last - middle) * (middle - first) > 0 else 0.0

    @property
    def slowing(self) -> float:
        """The slope of a block over that of the block before, at most 1."""
        return min(1.0, self.slope / (self.levels[1] - self.levels[0])) if self.slope else 1.0

    def over(self, places: FloatArray) -> FloatArray:
        """Its curve at places (n,), counted in values from the middle of the last block; flat if not sure."""
        if not self.slope:
            return np.full(len(places), self.level)
        slowing, blocks = self.slowing, np.minimum(places / self.size, HORIZON)
        more = blocks if slowing > STRAIGHT else slowing * (1 - slowing**blocks) / (1 - slowing)
        return self.level + self.slope * more

    def foretold(self, ahead: float) -> tuple[float, float]:
        """The level `ahead` values after the middle of the last block, and its standard error."""
        if not self.slope:
            return self.flat, self.error_of(self.size * len(self.levels))
        level = float(self.over(np.array([ahead]))[0])
        more = (level - self.level) / self.slope
        return level, self.block_error * math.sqrt(1 + 2 * more**2)


def middle(values: FloatArray, axis: int | None = None) -> FloatArray:
    """The median, or the mean of fewer than nine, of values (n,) or blocks (k, n)."""
    if values.shape[-1] < FEWEST_MEDIAN:
        return np.asarray(np.mean(values, axis=axis))
    return np.asarray(median(values)) if values.ndim == 1 else medians(values)


def _few_sd(values: FloatArray) -> float:
    """Standard deviation of a few values (n,); infinite for one."""
    with np.errstate(over="ignore"):
        return float(values.std(ddof=1)) if len(values) > 1 else math.inf


def trend(values: FloatArray, block: int = BLOCK) -> Trend:
    """The trend of the last three blocks of finite values (n,), n >= 1; of fewer than 27, one level only."""
    recent = values[-BLOCKS * block :]
    count = BLOCKS if len(recent) >= BLOCKS * FEWEST_MEDIAN else 1
    size = len(recent) // count
    blocks = recent[len(recent) - count * size :].reshape(count, size)
    levels = middle(blocks, axis=1)
    first, last = levels[0], levels[-1]
    inclines = (
        np.array([levels[1] - first, (last - first) / 2, last - levels[1]]) if count > 1 else np.zeros(1)
    )
    within = (np.arange(size) - 0.5 * (size - 1)) / size
    around = (blocks - levels[:, None] - inclines[:, None] * within).ravel()
    sd = robust_sigma(around) if len(around) >= BLOCKS * FEWEST_MEDIAN else _few_sd(around)
    memory = min(lag_one(recent), MOST_MEMORY) if len(recent) >= FEWEST_MEMORY else 0.0
    independent = (1 - memory) / (1 + memory)
    return Trend(tuple(levels.tolist()), size, sd, independent, float(middle(recent)))
