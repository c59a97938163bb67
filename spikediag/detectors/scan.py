"""The scan: where, and on which time scale, a series stands higher than its own past explains."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spikediag.detectors.chance import Mirror, Null, Past, block_maxima, chances
from spikediag.model import FloatArray
from spikediag.stats.contrasts import SIDE, TIMES, Contrasts, bumps, rises


@dataclass(frozen=True)
class Band:
    """Widths that share one way of looking."""

    widths: tuple[int, ...]  # points, odd
    past: Past  # prior belief about the tail of their scores
    looks: float  # independent looks that each width is charged for


BURSTS = Band((1, 3), Past(0.03, 0.06), 5)
MIDDLE = Band((9, 17, 33), Past(0.05, 0.07), 4)
LONG = Band((65, 129, 257, 513, 1025, 2049, 4097), Past(-0.05, 0.05), 2)  # long medians are nearly normal
GATE = 3.5  # score below which nothing is worth a tail


@dataclass(frozen=True)
class Candidate:
    """A stretch that is higher than chance explains, not yet measured."""

    width: int  # points
    position: int
    score: float  # about robust sigmas of the contrast
    expected: float  # rises of at least this score by chance, in a run of this length

    @property
    def burst(self) -> bool:
        """Whether it was seen as a bump, which rises and falls."""
        return self.width in BURSTS.widths

    @property
    def before(self) -> int:
        """Points before the position that it was compared with."""
        return SIDE if self.burst else TIMES * self.width


def scan(values: FloatArray, alpha: float) -> Iterator[Candidate]:
    """Candidates with `expected < alpha` in finite values (n,), on all widths, unordered."""
    single_bumps, single_dips = block_maxima(bumps(values, 1))[0], block_maxima(bumps(-values, 1))[0]
    for width in BURSTS.widths:
        dips = single_dips if width == 1 else block_maxima(bumps(-values, width))[0]
        null = Mirror(BURSTS.past, dips, single_bumps, single_dips)
        yield from candidates(bumps(values, width), null, BURSTS.looks, alpha)
    yield from scan_levels(values, alpha)


def scan_levels(values: FloatArray, alpha: float) -> Iterator[Candidate]:
    """The part of the scan that asks for a new level rather than for a burst."""
    for band in (MIDDLE, LONG):
        for width in band.widths:
            yield from candidates(rises(values, width), band.past, band.looks, alpha)


def candidates(contrasts: Contrasts, null: Null, looks: float, alpha: float) -> Iterator[Candidate]:
    """Candidates of one width.

    The run is read in stretches of growing length, and the chance of each is learnt from the blocks before it
    only: nothing that is appended changes what was found.
    """
    highest, where = block_maxima(contrasts)
    calm = np.ones(len(highest), dtype=bool)
    for start, stop in pairwise(_stretches(len(highest))):
        if highest[start:stop].max() <= GATE:
            continue
        chance = null.chance(highest, start, stop, calm)
        expected = chance * chances(np.arange(start, stop)) * looks
        calm[start:stop] = expected >= alpha
        for k in np.flatnonzero(expected < alpha):
            at = contrasts.first + contrasts.stride * int(where[start + k])
            yield Candidate(contrasts.width, at, float(highest[start + k]), float(expected[k]))


def _stretches(blocks: int) -> list[int]:
    edges = [edge for k in range(1, 40) for edge in (2**k, 3 * 2 ** (k - 1)) if edge < blocks]
    return [0, *edges, blocks] if blocks else []
