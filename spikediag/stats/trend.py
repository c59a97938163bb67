"""What a series would have become, had nothing happened: a level, or a trend that slows as it did before."""

import math
from dataclasses import dataclass

import numpy as np

from spikediag.model import FloatArray
from spikediag.stats.scale import robust_sigma

BLOCK = 33  # values of one level
BLOCKS = 3
SURE = 3.0  # standard errors of a trend
CLIP = 4.0  # robust standard deviations of a difference of neighbours; larger ones are no noise


def lag_one(values: FloatArray) -> float:
    """Autocorrelation of neighbouring values (n,), NaN for holes, within [0, 1]; 0 for fewer than 8.

    From differences of neighbours, so that a trend does not look like smoothness: for a first-order process
    with autocorrelation a, neighbouring differences correlate by (a - 1) / 2.
    """
    change = np.diff(values)
    known = change[np.isfinite(change)]
    if len(known) < 8:
        return 0.0
    limit = CLIP * robust_sigma(known)
    change = np.clip(change - np.median(known), -limit, limit)
    products = change[1:] * change[:-1]
    power = float(np.nanmean(change**2))
    if not power > 0 or not np.isfinite(products).any():
        return 0.0
    return float(np.clip(1 + 2 * np.nanmean(products) / power, 0.0, 1.0))


@dataclass(frozen=True)
class Trend:
    """The levels of up to three equal blocks of values, oldest first, and their noise."""

    levels: tuple[float, ...]
    size: int  # values of a block
    sd: float  # robust standard deviation of single values around their block
    independent: float  # share of the values that count, correlated neighbours counted once

    @property
    def level(self) -> float:
        """Of the last block."""
        return self.levels[-1]

    @property
    def level_error(self) -> float:
        """Standard error of one block's level."""
        return self.error_of(self.size)

    def error_of(self, points: int) -> float:
        """Standard error of the level of so many values; a median is 1.25 times as uncertain as a mean."""
        return 1.25 * self.sd / math.sqrt(max(1.0, points * self.independent))

    @property
    def slope(self) -> float:
        """Change over the last block, 0 where the blocks show no sure trend."""
        if len(self.levels) < BLOCKS:
            return 0.0
        first, middle, last = self.levels
        sure = abs(last - first) > SURE * math.sqrt(2) * self.level_error
        return last - middle if sure and (last - middle) * (middle - first) > 0 else 0.0

    @property
    def slowing(self) -> float:
        """The slope of a block over that of the block before, at most 1."""
        return min(1.0, self.slope / (self.levels[1] - self.levels[0])) if self.slope else 1.0

    def foretold(self, ahead: float) -> tuple[float, float]:
        """The level `ahead` values after the middle of the last block, and its standard error."""
        if not self.slope:
            return self.level, self.level_error
        slowing, blocks = self.slowing, ahead / self.size
        more = blocks if slowing > 0.999 else slowing * (1 - slowing**blocks) / (1 - slowing)
        return self.level + self.slope * more, self.level_error * math.sqrt(1 + 2 * more**2)


def trend(values: FloatArray) -> Trend:
    """The trend of the last 99 of finite values (n,), n >= 1; of fewer than 24, one level only."""
    recent = values[-BLOCKS * BLOCK :]
    count = BLOCKS if len(recent) >= 24 else 1
    size = len(recent) // count
    blocks = recent[len(recent) - count * size :].reshape(count, size)
    levels = np.median(blocks, axis=1) if size >= 9 else blocks.mean(axis=1)
    around = (blocks - levels[:, None]).ravel()
    sd = robust_sigma(around) if size >= 9 else float(around.std(ddof=1)) if len(around) > 1 else math.inf
    memory = min(lag_one(recent), 0.95)
    return Trend(tuple(levels.tolist()), size, sd, (1 - memory) / (1 + memory))
