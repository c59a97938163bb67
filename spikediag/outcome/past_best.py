"""Has the training gone past its best? What is held out, an error or a reward that ends worse than it was."""

import math
from itertools import pairwise

import numpy as np

from spikediag.model import FloatArray, PastBest, Run, Series
from spikediag.outcome.aftermath import telling
from spikediag.stats.medians import median
from spikediag.stats.scale import MAD_TO_SIGMA

BLOCKS = 16
FEWEST = 24  # finite points: then a block has 1 or 2, and 12 blocks say how neighbours differ
SURE = (
    6.0  # standard deviations of a block's level; the best of 15 equal ones is 1.7 below any of them, +-1.2
)
NOTABLE = 0.1  # of the whole way the levels went


def past_best(run: Run) -> tuple[PastBest, ...]:
    """The rewards, held-out losses and errors that end surely and notably worse than they once stood.

    Levels are medians of 16 equal blocks; the noise of a level is that of neighbouring ones, so that a slow
    climb is seen and what only scatters is not. The training loss is left to the detectors.
    """
    return tuple(found for series in telling(run) if (found := _of(series)) is not None)


def _of(series: Series) -> PastBest | None:
    steps, values = series.numbers
    if len(values) < FEWEST:
        return None
    edges = np.linspace(0, len(values), min(BLOCKS, len(values) // 2) + 1).astype(int)
    levels = np.array([median(values[a:b]) for a, b in pairwise(edges.tolist())])
    worse = levels if not series.up_is_better else -levels
    best = int(np.argmin(worse))
    lost = worse[-1] - worse[best]
    if not (lost > SURE * _noise(worse) and lost > NOTABLE * np.ptp(worse)):
        return None
    a, b = int(edges[best]), int(edges[best + 1])
    return PastBest(
        tag=series.tag,
        role=series.role,
        first_step=int(steps[a]),
        last_step=int(steps[b - 1]),
        best=float(levels[best]),
        end=float(levels[-1]),
    )


def _noise(levels: FloatArray) -> float:
    """Standard deviation of a level, from how far each lies off the middle of two that surround it."""
    off = (levels[k:-k] - (levels[: -2 * k] + levels[2 * k :]) / 2 for k in (1, 2))
    return max(MAD_TO_SIGMA * median(np.abs(o)) for o in off) / math.sqrt(1.5)
