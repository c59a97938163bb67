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
    Contrasts,
    bumps,
    cell_medians,
    long_rises,
    rises,
)
from spikediag.stats.medians import RunningMedians


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


@dataclass(frozen=True, eq=False)
class Bumps:
    """The bumps of one width, and the dips."""

    medians: RunningMedians
    width: int

    @cached_property
    def up(self) -> Blocks:
        """The bumps."""
        return Blocks.of(bumps(self.medians, self.width))

    @cached_property
    def down(self) -> Blocks:
        """The dips."""
        return Blocks.of(bumps(self.medians, self.width, up=False))


@dataclass(frozen=True, eq=False)
class Levels:
    """How far the points of one width stand above those before them, and how far below."""

    up: Blocks
    down: Blocks
    band: Band

    @classmethod
    def of(cls, contrasts: Contrasts, band: Band) -> "Levels":
        """The mirrored series has the same contrasts with the other sign: both cost what one does."""
        return cls(Blocks.of(contrasts), Blocks.of(contrasts, up=False), band)


@dataclass(frozen=True, eq=False)
class Looks:
    """Finite values (n,) on all widths, looked at once for rises and for falls."""

    medians: RunningMedians

    @cached_property
    def bursts(self) -> tuple[Bumps, ...]:
        """By width, single points first."""
        return tuple(Bumps(self.medians, width) for width in BURSTS.widths)

    @cached_property
    def levels(self) -> tuple[Levels, ...]:
        """By width."""
        cells = RunningMedians(cell_medians(self.medians.values), LONG.widths)
        middle = (Levels.of(rises(self.medians, width), MIDDLE) for width in MIDDLE.widths)
        return (*middle, *(Levels.of(long_rises(cells, width), LONG) for width in LONG.widths))


@dataclass(frozen=True, eq=False)
class Scan:
    """The search on all widths in one direction."""

    looks: Looks
    up: bool = True  # False: of the mirrored values

    @classmethod
    def of(cls, values: FloatArray) -> "Scan":
        """For rises of finite values (n,)."""
        return cls(Looks(RunningMedians(values)))

    @property
    def mirrored(self) -> "Scan":
        """The same in the other direction."""
        return Scan(self.looks, not self.up)

    def high(self, look: Bumps | Levels) -> Blocks:
        """What stands high."""
        return look.up if self.up else look.down

    def low(self, look: Bumps | Levels) -> Blocks:
        """What lies low."""
        return look.down if self.up else look.up

    def candidates(self, alpha: float) -> Iterator[Candidate]:
        """Those with `expected < alpha`, unordered."""
        singles = self.looks.bursts[0]
        for look in self.looks.bursts:
            if (self.high(look).highest > GATE).any():
                null = Mirror(
                    BURSTS.past, self.low(look).highest, self.high(singles).highest, self.low(singles).highest
                )
                yield from candidates(self.high(look), null, BURSTS.looks, alpha * SHARE)
        yield from self.new_levels(alpha)

    def new_levels(self, alpha: float) -> Iterator[Candidate]:
        """Those that ask for a new level rather than for a burst."""
        for look in self.looks.levels:
            yield from candidates(self.high(look), look.band.past, look.band.looks, alpha)


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
