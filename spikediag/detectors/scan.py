"""The scan: where, and on which time scale, a series stands higher than its own past explains."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spikediag.detectors.chance import Blocks, Mirror, Null, Past, chances
from spikediag.model import FloatArray
from spikediag.stats.contrasts import SIDE, TIMES, bumps, long_rises, rises


@dataclass(frozen=True)
class Band:
    """Widths that share one way of looking."""

    widths: tuple[int, ...]  # points, odd
    past: Past  # prior belief about the tail of their scores
    looks: float  # independent looks that each width is charged for


BURSTS = Band((1, 3), Past(0.03, 0.06), 5)
MIDDLE = Band((9, 17, 33), Past(0.05, 0.07), 4)
LONG = Band((9, 17, 33, 65, 129, 257, 513), Past(-0.05, 0.05), 2)  # cells of 8 points: 72 to 4,104 points
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
    singles = up_and_down(values, 1)
    for width in BURSTS.widths:
        up, down = singles if width == 1 else up_and_down(values, width)
        null = Mirror(BURSTS.past, down.highest, singles[0].highest, singles[1].highest)
        yield from candidates(up, null, BURSTS.looks, alpha)
    yield from scan_levels(values, alpha)


def up_and_down(values: FloatArray, width: int) -> tuple[Blocks, Blocks]:
    """The bumps of one width, and the dips."""
    return Blocks.of(bumps(values, width)), Blocks.of(bumps(-values, width))


def scan_levels(values: FloatArray, alpha: float) -> Iterator[Candidate]:
    """The part of the scan that asks for a new level rather than for a burst."""
    for band, contrasts in ((MIDDLE, rises), (LONG, long_rises)):
        for width in band.widths:
            yield from candidates(Blocks.of(contrasts(values, width)), band.past, band.looks, alpha)


def candidates(blocks: Blocks, null: Null, looks: float, alpha: float) -> Iterator[Candidate]:
    """Candidates of one width.

    The run is read in stretches of growing length, and the chance of each is learnt from the blocks before it
    only: nothing that is appended changes what was found.
    """
    highest = blocks.highest
    calm = np.ones(len(highest), dtype=bool)
    for start, stop in pairwise(_stretches(len(highest))):
        high = start + np.flatnonzero(highest[start:stop] > GATE)
        if not len(high):
            continue
        expected = null.chance(highest[high], highest[:start], calm[:start]) * chances(high) * looks
        calm[high] = expected >= alpha
        for k, by_chance in zip(high[expected < alpha], expected[expected < alpha], strict=True):
            yield Candidate(blocks.width, int(blocks.positions[k]), float(highest[k]), float(by_chance))


def _stretches(blocks: int) -> list[int]:
    edges = [edge for k in range(1, 40) for edge in (2**k, 3 * 2 ** (k - 1)) if edge < blocks]
    return [0, *edges, blocks] if blocks else []
