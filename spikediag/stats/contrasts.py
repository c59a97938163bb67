"""Robust contrasts: how far some points stand above the points around them, in units of their own noise."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import pairwise

import numpy as np

from spikediag.model import FloatArray
from spikediag.stats.medians import RunningMedians, medians, running_median
from spikediag.stats.scale import MAD_TO_SIGMA

MEMORY = 257  # earlier contrasts that give the scale: about 64 windows at four contrasts per window
TREND_MEMORY = 33  # earlier contrasts that give the centre: 8 windows, short enough to follow a decay
FREEDOM = 0.2  # degrees of freedom of the scale per earlier contrast, measured on white and AR(1) noise
MOST_FREEDOM = 1.5 + FREEDOM * (MEMORY - 1)
CELL = 8  # points that one median stands for on the long widths
SIDE = 9  # points on either side of a bump
FEWEST = 12  # earlier values below which there is no median
WIDE, BENDS = 33, 10  # cells of windows whose contrasts may bend, and grid steps between three of them
TIMES = 4  # a baseline is this many windows long: half the variance of one that is as short as the window
TOGETHER = 16_384  # contrasts that are judged in one go: of short series, calls cost more than arithmetic


@dataclass(frozen=True, eq=False)
class Grid:
    """Contrasts of one width. Grid index k stands for position `first + k * stride`."""

    width: int  # points
    stride: int  # points
    first: int  # position
    rise: FloatArray  # (m,), unit of the values
    lag: int = 1  # grid steps between a contrast and the latest one that shares none of its points
    bends: int = 0  # grid steps between contrasts whose bend is compared with the spread; 0: not asked


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Contrasts of one width on a grid, with the yardstick of each.

    `score = (rise - max(c, 0)) / s`, where c and s are the running median and robust scale of *earlier*
    contrasts of the same width, then bent from a Student t to a normal law. Dividing by the spread of the
    same statistic absorbs the level of the noise, its autocorrelation and its slow changes at once; a fall
    that goes on (c < 0) is never subtracted, so that learning alone makes no rise. The mirrored series has
    the same c with the other sign and the same s.
    """

    grid: Grid
    centre: FloatArray  # (m,) c; 0 where the history is too short
    scale: FloatArray  # (m,) s; infinite where the history is too short

    @property
    def rise(self) -> FloatArray:
        """The contrasts, (m,), unit of the values."""
        return self.grid.rise

    @property
    def settled(self) -> int:
        """Grid index from which the scale has `MOST_FREEDOM`."""
        return MEMORY - 1 + self.grid.lag + FEWEST

    def student(self, *, up: bool = True) -> FloatArray:
        """Scores (m,) as they are before they are bent; of the mirrored series if not `up`."""
        if up:
            score = np.maximum(self.centre, 0)
            np.subtract(self.rise, score, out=score)
        else:
            score = np.minimum(self.centre, 0)
            score -= self.rise
        score /= self.scale
        return score

    def freedom(self, count: int) -> FloatArray:
        """Degrees of freedom (count,) of the scale of the first contrasts: a short history is uncertain."""
        return _freedom(count, self.grid.lag)

    @property
    def score(self) -> FloatArray:
        """(m,), about standard normal when nothing happens; 0 where the history is too short."""
        return bent(self.student(), self.freedom(len(self.rise)))


def bent(score: FloatArray, freedom: FloatArray | float) -> FloatArray:
    """`sqrt(nu log(1 + t^2 / nu))`: Student t scores (m,) with nu degrees of freedom, as normal ones.

    References: Wallace (1959), doi:10.1214/aoms/1177706092.
    """
    out = score * score
    out /= freedom
    np.log1p(out, out=out)
    out *= freedom
    return np.copysign(np.sqrt(out, out=out), score, out=out)


@lru_cache
def _freedom(count: int, lag: int) -> FloatArray:
    return np.asarray(1.5 + FREEDOM * np.clip(np.arange(count) - lag - FEWEST, 1, MEMORY - 1))


def rises(medians: RunningMedians, width: int) -> Grid:
    """`median(x[t:t+w]) - median(x[t-4w:t])` of finite values (n,), for an odd width w, every w/4 points.

    Each contrast sees nothing beyond t + w, so what is appended later changes no earlier score.
    """
    before, stride = TIMES * (width - 1) + 1, max(1, width // 4)
    last = len(medians.values) - width
    lag = -(-width // stride)
    if last - before <= stride * (FEWEST + lag):
        return Grid(width, stride, before, np.zeros(0), lag)
    rise = medians.of(width)[before : last + 1 : stride] - medians.of(before)[: last - before + 1 : stride]
    return Grid(width, stride, before, rise, lag)


def long_rises(cells: RunningMedians, width: int) -> Grid:
    """As `rises`, for `width` cells of 8 points, given their medians (n // 8,): an eighth of the cost."""
    found, bends = rises(cells, width), BENDS if width >= WIDE else 0
    return replace(
        found, width=CELL * width, stride=CELL * found.stride, first=CELL * found.first, bends=bends
    )


def cell_medians(values: FloatArray) -> FloatArray:
    """Medians of neighbouring 8 points of values (n,), (n // 8,)."""
    cells = np.sort(values[: len(values) // CELL * CELL].reshape(-1, CELL), axis=1)
    return np.asarray((cells[:, CELL // 2 - 1] + cells[:, CELL // 2]) / 2)


def bumps(medians: RunningMedians, width: int, *, up: bool = True) -> Grid:
    """`min(x[t:t+w]) - max(median(9 before), median(9 after))` of finite values (n,), at every point.

    A burst must rise *and* fall to count, and all of it must be high: in correlated noise, where one large
    shock is followed by a slow decay, and in heavy tails, where one point is often far out, this is rarer
    by chance than either alone.

    Args:
        medians: of the values.
        width: of the bump, points.
        up: False for dips, which are the bumps of the negated values.
    """
    values = medians.values
    last, lag = len(values) - width - SIDE, width + SIDE
    if last - SIDE <= FEWEST + lag:
        return Grid(width, 1, SIDE, np.zeros(0), lag)
    around = medians.of(SIDE)
    before, after = around[: last - SIDE + 1], around[lag : last + width + 1]
    ends = [values[SIDE + shift : last + 1 + shift] for shift in range(width)]
    if up:
        rise = reduce(np.minimum, ends) - np.maximum(before, after)
    else:
        rise = np.minimum(before, after) - reduce(np.maximum, ends)
    return Grid(width, 1, SIDE, rise, lag)


def judged(grids: Iterable[Grid]) -> Iterator[Contrasts]:
    """Each grid with its yardsticks, in order; those of short series together, of long ones one by one."""
    group: list[Grid] = []
    for grid in grids:
        group.append(grid)
        if sum(len(each.rise) for each in group) > TOGETHER:
            yield from _judged(group)
            group = []
    if group:
        yield from _judged(group)


def _judged(grids: Sequence[Grid]) -> list[Contrasts]:
    """Centre and scale are those of contrasts up to `lag` grid steps earlier, which share no points.

    A decay that slows down moves the contrasts of wide windows as far as noise does, but nearly along a line:
    there the bend of three of them is the spread if it is less.
    """
    centres = trailing_medians([(grid.rise, 0) for grid in grids], TREND_MEMORY)
    distances = [
        (np.abs(grid.rise[FEWEST - 1 :] - centre[FEWEST - 1 :]), grid.lag)
        for grid, centre in zip(grids, centres, strict=True)
    ]
    spreads = trailing_medians(distances, MEMORY)
    del distances
    for grid, spread in zip(grids, spreads, strict=True):
        if grid.bends and len(spread) > 2 * grid.bends:
            bent_less(grid, spread)
    return [
        Contrasts(*each)
        for each in zip(grids, map(_lagged, grids, centres), map(_scale, grids, spreads), strict=True)
    ]


def bent_less(grid: Grid, spread: FloatArray) -> None:
    """Lower a spread (m,), in place, to that of second differences of contrasts, where these are known.

    Two and a half windows apart, where wandering noise bends as far as it moves.
    """
    early, here, late = (
        grid.rise[: -2 * grid.bends],
        grid.rise[grid.bends : -grid.bends],
        grid.rise[2 * grid.bends :],
    )
    ((bend),) = trailing_medians([(np.abs(here - (early + late) / 2) / np.sqrt(1.5), grid.lag)], MEMORY)
    first = 2 * grid.bends - (FEWEST - 1)
    spread[first:] = np.fmin(spread[first:], bend)


def _lagged(grid: Grid, centre: FloatArray) -> FloatArray:
    """The running centre (m,), in place, as it was `lag` grid steps earlier; 0 before there was one."""
    lag = grid.lag
    centre[lag:] = centre[: len(centre) - lag]
    centre[: FEWEST - 1 + lag] = 0
    return centre


def _scale(grid: Grid, spread: FloatArray) -> FloatArray:
    """The scale (m,) that belongs to the median distance from the centre; infinite before there was one."""
    scale = np.full(len(grid.rise), np.inf)
    np.multiply(spread, MAD_TO_SIGMA, out=scale[FEWEST - 1 :], where=spread > 0)
    return scale


def trailing_medians(parts: Sequence[tuple[FloatArray, int]], memory: int) -> list[FloatArray]:
    """Median of the `memory` (odd) values that end `lag` before each of values (n,), itself included at 0.

    While there are fewer, the first 12, 16, 24, 32, ... values stand in, so that the cost stays linear and
    the past never changes. NaN while there are fewer than 12.

    Args:
        parts: values (n,), and the lag, of each of several series.
        memory: values that are remembered.
    """
    found = [np.full(len(values), np.nan) for values, _ in parts]
    longest = max((len(values) for values, _ in parts), default=0)
    heads = np.full((len(parts), min(memory, longest)), np.inf)
    for head, (values, _) in zip(heads, parts, strict=True):
        head[: len(values)] = values[: len(head)]
    for size, following in pairwise((*(size for size in GROWING if size < memory), memory)):
        if size > longest:
            break
        for out, (values, lag), known in zip(found, parts, medians(heads[:, :size]), strict=True):
            if size <= len(values):
                out[size + lag - 1 : following + lag - 1] = known
    first, joined = 0, parts[0][0] if len(parts) == 1 else np.concatenate([values for values, _ in parts])
    of_all = running_median(joined, memory)
    for out, (values, lag) in zip(found, parts, strict=True):
        count = len(values) - lag - memory + 1
        if count > 0:
            out[memory + lag - 1 :] = of_all[first : first + count]
        first += len(values)
    return found


GROWING = tuple(size for k in range(2, 16) for size in (3 * 2**k, 4 * 2**k))
