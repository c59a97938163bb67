"""The scan: where, and on which time scale, a series stands higher than its own past explains."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtri

from spikediag.model import FloatArray, IntArray
from spikediag.stats.contrasts import SIDE, TIMES, Contrasts, bumps, rises
from spikediag.stats.tails import fit_tail


@dataclass(frozen=True)
class Band:
    """Widths that share one way of looking and one prior belief about the tail of their scores."""

    widths: tuple[int, ...]  # points, odd
    shape_mean: float  # prior of the tail's shape xi
    shape_sd: float
    looks: float  # independent looks that each width is charged for


BURSTS = Band((1, 3), 0.0, 0.06, 4)
MIDDLE = Band((9, 17, 33), 0.05, 0.07, 4)
LONG = Band((65, 129, 257, 513, 1025, 2049, 4097), -0.05, 0.05, 2)  # medians of many points are nearly normal

BLOCK = 8  # neighbouring contrasts whose highest counts once: two windows
MEMORY = 2048  # blocks of history that a tail is learnt from
GATE = 3.5  # score below which nothing is worth a tail
CENSORED = 0.25  # share of the upper tail of bursts of which only the number is believed
IMAGINARY = 48  # blocks of normal noise that stand in for the history of a short run
NORMAL = ndtri(((np.arange(IMAGINARY) + 0.5) / IMAGINARY) ** 0.25)  # the highest of four normals


@dataclass(frozen=True)
class Candidate:
    """A stretch that is higher than chance explains, not yet measured."""

    width: int  # points
    position: int
    score: float  # about robust sigmas of the contrast
    expected: float  # rises of at least this score by chance, in a run of this length

    @property
    def before(self) -> int:
        """Points before the position that it was compared with."""
        return SIDE if self.burst else TIMES * self.width

    @property
    def burst(self) -> bool:
        """Whether it was seen as a bump, which rises and falls."""
        return self.width in BURSTS.widths


def scan(values: FloatArray, alpha: float) -> Iterator[Candidate]:
    """Candidates with `expected < alpha` in finite values (n,), on all widths, unordered."""
    for width in BURSTS.widths:
        dips = block_maxima(bumps(-values, width))[0]
        yield from candidates(bumps(values, width), BURSTS, alpha, dips)
    yield from scan_levels(values, alpha)


def scan_levels(values: FloatArray, alpha: float) -> Iterator[Candidate]:
    """The part of the scan that asks for a new level rather than for a burst."""
    for band in (MIDDLE, LONG):
        for width in band.widths:
            yield from candidates(rises(values, width), band, alpha)


def candidates(
    contrasts: Contrasts, band: Band, alpha: float, dips: FloatArray | None = None
) -> Iterator[Candidate]:
    """Candidates of one width.

    The run is read in stretches of growing length. The tail of each is learnt from the blocks before it that
    were no candidates themselves: the first jump does not hide the second, and nothing that is appended
    changes what was found. With `dips`, the block maxima of the mirrored series, a score must be unlikely
    twice: given the dips of this run, and given its bumps without believing the size of the largest. A run
    that spikes all the time is thus no excuse for its spikes, but skewed noise is.
    """
    highest, where = block_maxima(contrasts)
    calm = np.ones(len(highest), dtype=bool)
    for start, stop in pairwise(_stretches(len(highest))):
        new, past = highest[start:stop], highest[:start][calm[:start]]
        if new.max() <= (GATE if dips is not None else max(GATE, past.max(initial=0))):
            continue
        chance = _exceedance(new, past, band, CENSORED if dips is not None else 0)
        if dips is not None:
            chance = np.maximum(chance, _exceedance(new, dips[:start], band, 0))
        expected = chance * chances(np.arange(start, stop)) * band.looks
        calm[start:stop] = expected >= alpha
        for k in np.flatnonzero(expected < alpha):
            at = contrasts.first + contrasts.stride * int(where[start + k])
            yield Candidate(contrasts.width, at, float(new[k]), float(expected[k]))


def chances(block: IntArray) -> FloatArray:
    """How many chances a block index stands for, so that the sum over a run of any length stays in bounds.

    `i (1 + log i)` instead of the length of the run, which is not known when the block is judged: the sum of
    `1 / (i (1 + log i))` grows like log log n only.
    """
    seen: FloatArray = block.astype(np.float64) + BLOCK
    return np.asarray(seen * (1 + np.log(seen / BLOCK)))


def block_maxima(contrasts: Contrasts) -> tuple[FloatArray, IntArray]:
    """The highest score of each block (m,) and its grid index (m,); 0 where nothing rose."""
    risen = np.where(contrasts.rise > 0, contrasts.score, 0)
    blocks = np.concatenate([risen, np.zeros(-len(risen) % BLOCK)]).reshape(-1, BLOCK)
    return blocks.max(axis=1), blocks.argmax(axis=1) + BLOCK * np.arange(len(blocks))


def _exceedance(new: FloatArray, past: FloatArray, band: Band, censored: float) -> FloatArray:
    pool = np.concatenate([NORMAL, past[-MEMORY:]])
    return fit_tail(pool, band.shape_mean, band.shape_sd, censored).exceedance(new)


def _stretches(blocks: int) -> list[int]:
    edges = [edge for k in range(1, 40) for edge in (2**k, 3 * 2 ** (k - 1)) if edge < blocks]
    return [0, *edges, blocks] if blocks else []
