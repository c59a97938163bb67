"""The scan: where, and on which time scale, a series stands higher than its own past explains."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikediag.detectors.chance import Blocks, Mirror, Null, Past, chances
from spikediag.model import FloatArray
from spikediag.stats.contrasts import (
    SIDE,
    TIMES,
    bumps,
    cell_medians,
    long_rises,
    rises,
    surroundings,
)


@dataclass(frozen=True)
class Band:
    """Widths that share one way of looking."""

    widths: tuple[int, ...]  # points, odd
    past: Past  # prior belief about the tail of their scores
    looks: float  # independent looks that each width is charged for


BURSTS = Band((1, 3), Past(0.03, 0.06), 5)
MIDDLE = Band((9, 17, 33), Past(0.05, 0.07), 4)
LONG = Band((9, 17, 33, 65, 129, 257, 513), Past(-0.05, 0.05), 2)  # cells of 8 points: 72 to 4,104 points
SHARE = 0.5  # of the accepted chance, for bursts: whether one is salient is asked as well
GATE = 3.5  # score below which nothing is worth a tail


@dataclass(frozen=True)
class Candidate:
    """A stretch that is higher than chance explains, not yet measured."""

    width: int  # points
    position: int
    score: float  # about robust sigmas of the contrast
    expected: float  # rises of at least this score by chance, in a run of this length
    before: int  # points before the position that it was compared with
    salient: bool = False  # it stands apart from everything in the series

    @property
    def climbs(self) -> bool:
        """Whether it was seen as a climb, of which a step on the way says more."""
        return self.salient and not self.burst

    def near(self, other: "Candidate") -> bool:
        """Whether both see the same rise, which each may see some points off."""
        apart = self.position - other.position
        return -self.width - other.before < apart < other.width + self.before

    @property
    def burst(self) -> bool:
        """Whether all of its width stands high, as against most of it."""
        return self.width in BURSTS.widths


def scan(values: FloatArray, alpha: float) -> Iterator[Candidate]:
    """Candidates with `expected < alpha` in finite values (n,), on all widths, unordered."""
    around = surroundings(values) if len(values) >= SIDE else np.zeros(0)
    singles = UpAndDown(values, 1, around)
    for look in (singles, UpAndDown(values, 3, around)):
        if (look.up.highest > GATE).any():
            null = Mirror(BURSTS.past, look.down.highest, singles.up.highest, singles.down.highest)
            yield from candidates(look.up, null, BURSTS.looks, alpha * SHARE)
    yield from scan_levels(values, alpha)


@dataclass(frozen=True, eq=False)
class UpAndDown:
    """The bumps of one width, and the dips."""

    values: FloatArray
    width: int
    around: FloatArray  # `surroundings` of the values

    @cached_property
    def up(self) -> Blocks:
        """The bumps."""
        return Blocks.of(bumps(self.values, self.width, self.around))

    @cached_property
    def down(self) -> Blocks:
        """The dips."""
        return Blocks.of(bumps(self.values, self.width, self.around, up=False))


def scan_levels(values: FloatArray, alpha: float) -> Iterator[Candidate]:
    """The part of the scan that asks for a new level rather than for a burst."""
    for width in MIDDLE.widths:
        yield from candidates(Blocks.of(rises(values, width)), MIDDLE.past, MIDDLE.looks, alpha)
    cells = cell_medians(values)
    for width in LONG.widths:
        yield from candidates(Blocks.of(long_rises(cells, width)), LONG.past, LONG.looks, alpha)


def candidates(blocks: Blocks, null: Null, looks: float, alpha: float) -> Iterator[Candidate]:
    """Candidates of one width.

    The run is read in stretches of growing length, and the chance of each is learnt from the blocks before it
    only: nothing that is appended changes what was found.
    """
    highest = blocks.highest
    calm = np.ones(len(highest), dtype=bool)
    high = np.flatnonzero(highest > GATE)
    if not len(high):
        return
    edges = np.array(_stretches(len(highest)))
    parts = np.searchsorted(high, edges)
    for start, first, last in zip(edges, parts, parts[1:], strict=False):
        of_stretch = high[first:last]
        if not len(of_stretch):
            continue
        expected = (
            null.chance(highest[of_stretch], highest[:start], calm[:start]) * chances(of_stretch) * looks
        )
        calm[of_stretch] = expected >= alpha
        for k, by_chance in zip(of_stretch[expected < alpha], expected[expected < alpha], strict=True):
            before = SIDE if blocks.width in BURSTS.widths else TIMES * blocks.width
            yield Candidate(
                blocks.width, int(blocks.positions[k]), float(highest[k]), float(by_chance), before
            )


def _stretches(blocks: int) -> list[int]:
    edges = [
        edge for k in range(1, blocks.bit_length()) for edge in (2**k, 3 * 2 ** (k - 1)) if edge < blocks
    ]
    return [0, *edges, blocks] if blocks else []
