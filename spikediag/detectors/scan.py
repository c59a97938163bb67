"""The scan: where, and on which time scale, a series stands higher than its own past explains."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from scipy.special import ndtri

from spikediag.model import FloatArray, IntArray
from spikediag.stats.contrasts import Contrasts, bumps, rises
from spikediag.stats.tails import fit_tail

BURSTS = (1, 3)  # points: widths seen as bumps
LEVELS = (9, 17, 33, 65, 129, 257, 513, 1025, 2049, 4097)  # points: widths seen as rises
BLOCK = 8  # neighbouring contrasts whose highest counts once: two windows
MEMORY = 2048  # blocks of history that the tail is learnt from
FAMILIES = 4  # independent looks that all widths together are worth
GATE = 3.5  # score below which nothing is worth a tail fit
IMAGINARY = 48  # blocks of normal noise that stand in for the history of a short run
REFERENCE = ndtri(((np.arange(IMAGINARY) + 0.5) / IMAGINARY) ** 0.25)  # the highest of four normals


@dataclass(frozen=True)
class Candidate:
    """A stretch that is higher than chance explains, not yet measured."""

    width: int  # points
    position: int
    score: float  # about robust sigmas of the contrast
    expected: float  # rises of at least this score by chance, in a run of this length


def scan(
    values: FloatArray, alpha: float, widths: tuple[int, ...] = BURSTS + LEVELS
) -> tuple[Candidate, ...]:
    """Candidates with `expected < alpha` in finite values (n,), all widths, unordered."""
    levels = (bumps(values, width) if width in BURSTS else rises(values, width) for width in widths)
    return tuple(chain.from_iterable(candidates(level, alpha) for level in levels))


def candidates(contrasts: Contrasts, alpha: float) -> Iterator[Candidate]:
    """Candidates of one width.

    The run is read in stretches of growing length; the tail of each is learnt from the blocks before it that
    were not candidates themselves, so that the first jump does not hide the second, and nothing that is
    appended changes what was found.
    """
    highest, where = block_maxima(contrasts)
    calm = np.ones(len(highest), dtype=bool)
    for start, stop in pairwise(_stretches(len(highest))):
        past = highest[:start][calm[:start]]
        new = highest[start:stop]
        if new.max() <= max(GATE, past.max(initial=0)):
            continue
        tail = fit_tail(
            np.concatenate([REFERENCE, past[-MEMORY:]]),
            *((0.05, 0.1) if contrasts.width < 33 else (-0.05, 0.05)),
        )
        expected = tail.exceedance(new) * chances(np.arange(start, stop)) * FAMILIES
        calm[start:stop] = expected >= alpha
        for k in np.flatnonzero(expected < alpha):
            at = contrasts.first + contrasts.stride * int(where[start + k])
            yield Candidate(contrasts.width, at, float(new[k]), float(expected[k]))


def chances(block: IntArray) -> FloatArray:
    """How many chances a block index stands for, so that the sum over a run of any length stays in bounds."""
    seen: FloatArray = block.astype(np.float64) + BLOCK
    return np.asarray(seen * (1 + np.log(seen / BLOCK)))


def block_maxima(contrasts: Contrasts) -> tuple[FloatArray, IntArray]:
    """The highest score of each block (m,) and its grid index (m,); 0 where nothing rose."""
    risen = np.where(contrasts.rise > 0, contrasts.score, 0)
    padded = np.concatenate([risen, np.zeros(-len(risen) % BLOCK)]).reshape(-1, BLOCK)
    where = padded.argmax(axis=1)
    return padded.max(axis=1), where + BLOCK * np.arange(len(padded))


def _stretches(blocks: int) -> list[int]:
    edges = [edge for k in range(1, 40) for edge in (2**k, 3 * 2 ** (k - 1)) if edge < blocks]
    return [0, *edges, blocks] if blocks else []
