"""Chance: how probable a block is that is at least as high, if nothing happens."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from spikediag.model import FloatArray, IntArray
from spikediag.stats.contrasts import MOST_FREEDOM, Contrasts, bent
from spikediag.stats.medians import quantile
from spikediag.stats.tails import fit_tail

BLOCK = 8  # neighbouring contrasts whose highest counts once: two windows
MEMORY = 2048  # blocks of history that a tail is learnt from
IMAGINARY = 48  # blocks of normal noise that stand in for the history of a short run
NORMAL = ndtri(((np.arange(IMAGINARY) + 0.5) / IMAGINARY) ** 0.25)  # the highest of four normals
SKEWED = 1.5  # bulk of the bumps over bulk of the dips from which dips say little about bumps
EVEN = 1.1  # bulk of the bumps over bulk of the dips that symmetric noise may show
FEW = 32  # blocks below which the skew is not known
BULK = (0.25, 0.5)  # quantiles of block maxima that spikes do not reach


class Null(Protocol):
    """What would happen if nothing happened."""

    def chance(self, new: FloatArray, past: FloatArray, calm: NDArray[np.bool_]) -> FloatArray:
        """P(as high or higher) for new block maxima (m,), given all earlier ones (n,).

        `calm` (n,) marks the earlier blocks that were no candidates.
        """
        ...


@dataclass(frozen=True)
class Past:
    """Calm blocks before: for levels, which a run does not change often."""

    shape_mean: float  # prior of the tail's shape xi
    shape_sd: float

    def chance(self, new: FloatArray, past: FloatArray, calm: NDArray[np.bool_]) -> FloatArray:
        """P given the earlier blocks that were calm."""
        return self.exceedance(new, past[calm])

    def exceedance(self, new: FloatArray, past: FloatArray) -> FloatArray:
        """P(a block like those of the past is higher than new ones (m,))."""
        pool = np.concatenate([NORMAL, past[-MEMORY:]])
        return fit_tail(pool, self.shape_mean, self.shape_sd).exceedance(new)


@dataclass(frozen=True, eq=False)
class Mirror:
    """The dips before: for bursts, as symmetric noise dips as far as it bumps.

    So the earlier bumps of a run that spikes all the time are no excuse for the next. Noise that is skewed to
    the right shows it already in the bulk of its bumps, which spikes do not reach; the further out, the more.
    Dips are therefore enlarged by the square of the skew of the bulk. Where too little was seen to tell, a
    burst must also be unlikely given the earlier bumps; in clearly skewed noise either will do, at twice the
    chance.
    """

    past: Past
    dips: FloatArray  # (n,) block maxima of the mirrored series, of the same width
    single_bumps: FloatArray  # (n,) block maxima of single points
    single_dips: FloatArray  # (n,)

    def chance(self, new: FloatArray, past: FloatArray, calm: NDArray[np.bool_]) -> FloatArray:
        """P given the earlier dips; while there are few, or where they say little, with the earlier bumps."""
        skew = self.skew(len(past))
        mirrored = self.past.exceedance(new, self.enlarged_dips(len(past), skew))
        if len(past) < FEW:
            return np.maximum(mirrored, self.past.exceedance(new, past))
        if skew < SKEWED:
            return mirrored
        return 2 * np.minimum(mirrored, self.past.chance(new, past, calm))

    def enlarged_dips(self, start: int, skew: float) -> FloatArray:
        """The dips before `start`, as high as bumps of the same rarity would be in noise of such skew."""
        return np.asarray(self.dips[:start] * max(1.0, skew / EVEN) ** 2)

    def skew(self, start: int) -> float:
        """Size of the bulk of single-point bumps over that of the dips; 1 when there are too few."""
        if start < FEW:
            return 1.0
        recent = slice(max(0, start - MEMORY), start)
        up, down = (bulk(scores[recent]) for scores in (self.single_bumps, self.single_dips))
        return up / down if down > 0 else 1.0


def bulk(scores: FloatArray) -> float:
    """Sum of the quantiles of block maxima (n,), n >= 1, that spikes do not reach."""
    ordered = np.sort(scores)
    return sum(quantile(ordered, share) for share in BULK)


@dataclass(frozen=True, eq=False)
class Blocks:
    """The highest score of each block of neighbouring contrasts; 0 where nothing rose."""

    width: int  # points
    highest: FloatArray  # (n,)
    positions: IntArray  # (n,), of the highest

    @classmethod
    def of(cls, contrasts: Contrasts, *, up: bool = True, above: float = -1.0) -> "Blocks":
        """Blocks of 8, of the mirrored series if not `up`; the last may be shorter.

        Where the history is long, bending keeps the order, so that only the highest are bent. None where no
        score is above `above`, which bending only lowers.
        """
        n, grid, scores = len(contrasts.rise), contrasts.grid, contrasts.student(up=up)
        if scores.max(initial=0.0) <= above:
            return cls(grid.width, np.zeros(0), np.zeros(0, dtype=np.int64))
        risen = np.zeros(-(-n // BLOCK) * BLOCK)
        np.copyto(risen[:n], scores, where=contrasts.rise > 0 if up else contrasts.rise < 0)
        early = min(len(risen), -(-contrasts.settled // BLOCK) * BLOCK)
        risen[:early] = bent(risen[:early], contrasts.freedom(early))
        blocks = risen.reshape(-1, BLOCK)
        index = blocks.argmax(axis=1) + BLOCK * np.arange(len(blocks))
        highest = risen[index]
        highest[early // BLOCK :] = bent(highest[early // BLOCK :], MOST_FREEDOM)
        return cls(grid.width, highest, grid.first + grid.stride * index)


def chances(block: IntArray) -> FloatArray:
    """How many chances a block index stands for, so that the sum over a run of any length stays in bounds.

    `i (1 + log i)` instead of the length of the run, which is not known when the block is judged: the sum of
    `1 / (i (1 + log i))` grows like log log n only.
    """
    seen: FloatArray = block.astype(np.float64) + BLOCK
    return np.asarray(seen * (1 + np.log(seen / BLOCK)))
