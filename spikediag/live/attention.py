"""When a loss deserves to be looked at: a comparison per point, instead of the engine at every step.

The engine takes some twenty milliseconds for a loss, a comparison some hundred nanoseconds. So each point is
only held against a bound, set from the last points every now and then: a few robust standard deviations above
the level. What crosses it is looked at at once, and again when more points have followed. Steps too small for
that show in the medians of sixteen points, and what is slower still in looks at ever larger distances. What
was looked at and was nothing raises the bound, so that a loss with heavy tails, which crosses any bound now
and then, is looked at ever more seldom.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from spikediag.model import NEAR, PAST, FloatArray
from spikediag.stats.medians import median
from spikediag.stats.medians import medians as middles
from spikediag.stats.scale import MAD_TO_SIGMA, local_noise

STEEP = 6.0  # robust standard deviations above the level; the engine finds no burst that is lower
HIGHER = 1.2  # times what was looked at in vain: only what stands further out is looked at next
EVERY = 32  # points from one reading of the level to the next
SLOWLY = 4  # readings of the level for one of the noise
FEWEST = 24  # points without which the engine finds nothing but what is no number
CELL = 16  # points of a median
CELLS = 17  # medians that the last one is compared with
LIFTED = 6.0  # robust standard deviations of such medians
CALM = 2048  # points after which what was looked at in vain is half forgotten
SELDOM = 512  # points between looks, at most, where they are in vain
SOON = 10  # points after which what was looked at is looked at again, when its end may be known; then
MORE = 2  # times the points since
AGAIN = 100  # points after which what was looked at in vain is left alone
FIRST, LAST = 24, 2048  # points between regular looks: at first, and at last; between them they double


class Saw(Enum):
    """What a look at a loss came to."""

    NOTHING = auto()
    KNOWN = auto()  # among the last points is a spike that was told already
    NEW = auto()


@dataclass(slots=True)
class Attention:
    """What decides of one loss whether it is looked at.

    Attributes:
        high: Values above it are worth a look.
    """

    high: float = math.inf
    count: int = 0  # points so far
    level: float = math.nan
    noise: float = math.nan
    readings: int = 0
    vain: float = 0.0  # robust standard deviations of what was looked at in vain
    vain_cells: float = 0.0
    gap: int = 1  # points until the next look at what crosses the bound, should it be in vain too
    free_at: int = 0  # count from which on such a look may be made
    waiting: bool = False  # something crossed the bound and was not looked at yet
    read_at: int = FEWEST  # count at which level and noise are read again
    regular_at: int = FIRST
    onset: int | None = None  # count at which the spike that is followed was found
    follow_at: int = 0  # count at which it is looked at again

    def crossed(self, value: float) -> bool:
        """Count a point; return whether it lies above the bound, or is no number."""
        self.count += 1
        return not value <= self.high

    def read(self, values: FloatArray) -> None:
        """Read level and noise from the last points (n,), and set the bound.

        Where the medians of sixteen points have risen, that is worth a look as well.
        """
        self.read_at = self.count + EVERY
        values = values[np.isfinite(values)][-PAST - CELL :]
        if len(values) < FEWEST:
            return
        self.vain *= 0.5 ** (EVERY / CALM)
        self.vain_cells *= 0.5 ** (EVERY / CALM)
        self.level = median(values[-NEAR:])
        if self.readings % SLOWLY == 0 or self.count < PAST:
            self.noise = local_noise(values[-PAST:])
        self.readings += 1
        self.high = self.level + max(STEEP, HIGHER * self.vain) * self.noise
        self.waiting |= self.lift(values) > max(LIFTED, HIGHER * self.vain_cells)

    def lift(self, values: FloatArray) -> float:
        """How far the median of the last points stands above those before, in their standard deviations."""
        cells = len(values) // CELL
        if cells < CELLS // 2:
            return 0.0
        medians = middles(values[len(values) - cells * CELL :].reshape(cells, CELL))
        level = median(medians[:-1])
        spread = MAD_TO_SIGMA * median(np.abs(medians[:-1] - level))
        return float((medians[-1] - level) / spread) if spread > 0 else 0.0

    def due(self) -> bool:
        """Whether it is time for a look."""
        if self.waiting and self.count >= self.free_at:
            return True
        return self.count >= self.regular_at or (self.onset is not None and self.count >= self.follow_at)

    def looked(self, values: FloatArray, losses: int, saw: Saw, *, goes_on: bool) -> None:
        """Learn from a look.

        Args:
            values: The last points, (n,).
            losses: How many losses are looked at in turn.
            saw: What it came to.
            goes_on: Whether an incident of this loss is not over yet, or was not found again.
        """
        if self.count >= self.regular_at:
            self.regular_at = self.count + min(max(FIRST, self.count), LAST) * losses
        in_vain = self.waiting and saw is Saw.NOTHING
        if saw is Saw.NEW:
            self.gap = 1
        elif in_vain:
            self._was_vain(values[np.isfinite(values)])
        if saw is Saw.NEW or (in_vain and self.onset is None):
            self.onset = self.count
        self.waiting = False
        if self.onset is not None:
            since = self.count - self.onset
            self.follow_at = self.count + max(SOON, (MORE - 1) * since)
            again = saw is Saw.NOTHING and since < AGAIN
            self.onset = self.onset if goes_on or again else None
        self.free_at = self.count + self.gap

    def _was_vain(self, values: FloatArray) -> None:
        self.gap = min(2 * self.gap, SELDOM)
        if self.noise > 0 and len(values):
            self.vain = max(self.vain, (float(values[-EVERY:].max()) - self.level) / self.noise)
            self.vain_cells = max(self.vain_cells, self.lift(values[-PAST - CELL :]))
            self.high = self.level + max(STEEP, HIGHER * self.vain) * self.noise
