"""The scan: where, and on which time scale, a series stands higher than its own past explains."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

import numpy as np

from spikediag.detectors.chance import Blocks, Mirror, Null, Past, chances
from spikediag.model import FloatArray, IntArray
from spikediag.stats.contrasts import (
    SIDE,
    TIMES,
    bumps,
    cell_medians,
    judged,
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
class Prominence:
    """How far the points of one width stand above those around them, and how far below."""

    up: Blocks
    down: Blocks


@dataclass(frozen=True, eq=False)
class Looks:
    """Finite values (n,) on all widths, looked at once for rises and for falls."""

    medians: RunningMedians

    @cached_property
    def _bumps(self) -> tuple[Blocks, ...]:
        """The bumps by width, single points first."""
        return tuple(map(Blocks.of, judged(bumps(self.medians, width) for width in BURSTS.widths)))

    @cached_property
    def _dips(self) -> tuple[Blocks, ...]:
        """The dips by width."""
        return tuple(map(Blocks.of, judged(bumps(self.medians, width, up=False) for width in BURSTS.widths)))

    def bursts(self, *, up: bool) -> tuple[Blocks, ...]:
        """What stands high, by width, single points first; in the mirrored values if not `up`."""
        return self._bumps if up else self._dips

    @cached_property
    def levels(self) -> tuple[Prominence, ...]:
        """By width: the mirrored series has the same contrasts with the other sign, both cost what one does.

        Where nothing is worth a tail, there are no blocks.
        """
        cells = RunningMedians(cell_medians(self.medians.values), LONG.widths)
        middle = (rises(self.medians, width) for width in MIDDLE.widths)
        found = judged(chain(middle, (long_rises(cells, width) for width in LONG.widths)))
        return tuple(
            Prominence(*(Blocks.of(contrasts, up=up, above=GATE) for up in (True, False)))
            for contrasts in found
        )


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
    def high(self) -> tuple[Blocks, ...]:
        """The bursts that stand high, by width, single points first."""
        return self.looks.bursts(up=self.up)

    @property
    def low(self) -> tuple[Blocks, ...]:
        """Those that lie low."""
        return self.looks.bursts(up=not self.up)

    def candidates(self, alpha: float) -> Iterator[Candidate]:
        """Those with `expected < alpha`, unordered."""
        for k, high in enumerate(self.high):
            if high.highest.max(initial=0.0) > GATE:
                null = Mirror(BURSTS.past, self.low[k].highest, self.high[0].highest, self.low[0].highest)
                yield from candidates(high, null, BURSTS.looks, alpha * SHARE)
        yield from self.new_levels(alpha)

    def new_levels(self, alpha: float) -> Iterator[Candidate]:
        """Those that ask for a new level rather than for a burst."""
        bands = (band for band in (MIDDLE, LONG) for _ in band.widths)
        for look, band in zip(self.looks.levels, bands, strict=True):
            yield from candidates(look.up if self.up else look.down, band.past, band.looks, alpha)


def candidates(blocks: Blocks, null: Null, looks: float, alpha: float) -> Iterator[Candidate]:
    """Candidates of one width.

    The run is read in stretches of growing length, and the chance of each is learnt from the blocks before it
    only: nothing that is appended changes what was found.
    """
    highest = blocks.highest
    high = np.flatnonzero(highest > GATE)
    if not len(high):
        return
    calm = np.ones(len(highest), dtype=bool)
    edges = _stretches(len(highest))
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


@lru_cache
def _stretches(blocks: int) -> IntArray:
    edges = [
        edge for k in range(1, blocks.bit_length()) for edge in (2**k, 3 * 2 ** (k - 1)) if edge < blocks
    ]
    return np.array([0, *edges, blocks])
