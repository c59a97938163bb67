"""Leaps: how far points stand above the few points before them, in units of the scale around."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import maximum_filter1d

from spikediag.model import FloatArray, IntArray
from spikediag.stats.medians import before_each, median, medians, running_median
from spikediag.stats.ranks import rank_correlation
from spikediag.stats.scale import MAD_TO_SIGMA

HISTORY = 3  # points before a leap, at least
SIDE, SHORT_SIDE = 9, 5  # points before that it is measured from, in long series and in short ones
SHORT = 256  # points of a short series
DESCENDS = -0.75  # rank correlation with time of a short series that goes down all along
PARTS = 6  # of a series, whose levels tell whether it goes down
CELL, CELLS = 32, 5  # points that share a scale, and cells whose median it is: blind to what two of them hold
CORRELATED = 3  # a leap of correlated noise is so many times its scale before it counts as scale
LOWEST = 0.2  # scale of a quiet stretch over that of the whole, at least
FEW_STEPS = 6  # changes of a series from which equal values mean rounding
NEAR = 32  # points around a leap whose dips are looked at
OVER_DIPS = 1.5  # height of a leap over the deepest dip near it: noise that grows dips as well
LOOK_BACK = (32, 128)  # points: a leap that only returns to their median recovers, if they fell suddenly


@dataclass(frozen=True, eq=False)
class Leaps:
    """Leaps of finite values (n,), n > 3, from the median of the 5 or 9 points before.

    Nothing after a leap is asked for, so that the last points of a series can be judged; three points before
    it are enough. The scale is that of the differences of neighbours, or a third of that of the leaps if
    larger, as in correlated noise; at least half a unit of rounding.
    """

    values: FloatArray

    @cached_property
    def side(self) -> int:
        """Points before that a leap is measured from."""
        return SHORT_SIDE if len(self.values) < SHORT else SIDE

    @cached_property
    def before(self) -> FloatArray:
        """Median of the points before each, (n,); infinite where there are fewer than three."""
        n, side = len(self.values), self.side
        out = np.full(n, np.inf)
        for i in range(HISTORY, min(side, n)):
            out[i] = median(self.values[:i])
        if n > side:
            out[side:] = running_median(self.values[:-1], side)
        return out

    @cached_property
    def cell_scales(self) -> FloatArray:
        """Scale of each cell, (m,); positive unless all values are equal."""
        x, unit = self.values, rounding(self.values)
        changes, leaps = self._rows(np.diff(x, prepend=x[:1])), self._rows(x - self.before)
        scale = np.maximum(
            cell_scale(changes, tied=unit > 0) / np.sqrt(2), cell_scale(leaps, tied=unit > 0) / CORRELATED
        )
        scale = np.minimum(smooth(scale), previous(scale))
        return np.maximum(scale, max(LOWEST * median(scale), unit, 1e-9 * float(np.ptp(x))))

    @cached_property
    def cell_falls(self) -> FloatArray:
        """How far the points of each cell lie below the median before, as in a decay, (m,)."""
        leap = np.sort(self._rows(self.values - self.before), axis=1)
        return np.maximum(-smooth(leap[:, leap.shape[1] // 2]), 0)

    @property
    def scales(self) -> FloatArray:
        """Scale around each value, (n,)."""
        return self._points(self.cell_scales)

    @cached_property
    def goes_down(self) -> bool:
        """Whether the level falls from part to part, but for one rise: a loss that is still being learnt."""
        if len(self.values) < PARTS * HISTORY:
            return False
        levels = [median(part) for part in np.array_split(self.values, PARTS)]
        return int((np.diff(levels) < 0).sum()) >= PARTS - 2

    @cached_property
    def descends(self) -> bool:
        """Whether a short series goes down from nearly every point to nearly every later one.

        By the rank correlation with time (Spearman).
        """
        n = len(self.values)
        if n >= SHORT:
            return False
        return rank_correlation(self.values, np.arange(n, dtype=np.float64)) < DESCENDS

    def scale(self, at: int) -> float:
        """Scale around a position."""
        count = len(self.cell_scales)
        return float(self.cell_scales[min(max(at - HISTORY, 0) // self._size, count - 1)])

    @cached_property
    def _size(self) -> int:
        points = len(self.values) - HISTORY
        return points // max(1, points // CELL)

    def _rows(self, values: FloatArray) -> FloatArray:
        count = (len(values) - HISTORY) // self._size
        return values[HISTORY : HISTORY + count * self._size].reshape(count, self._size)

    def _points(self, cells: FloatArray) -> FloatArray:
        sizes = np.full(len(cells), self._size)
        sizes[0] += HISTORY
        sizes[-1] += len(self.values) - int(sizes.sum())
        return np.repeat(cells, sizes)

    @cached_property
    def singles(self) -> FloatArray:
        """`scores` of single points, which many ask for."""
        return self._scores(1)

    def scores(self, width: int) -> FloatArray:
        """Lowest of the `width` values from each on, above the median before, in local scales, (n,).

        Where the values go down all along, above what they would have gone down to.
        """
        return self.singles if width == 1 else self._scores(width)

    def scores_at(self, places: IntArray, width: int) -> FloatArray:
        """The same at places (k,) that `width` values follow."""
        low = lowest(self.values, places, width) + self._points(self.cell_falls)[places]
        return (low - self.before[places]) / self.scales[places]

    def _scores(self, width: int) -> FloatArray:
        low = self.values.copy()
        for shift in range(1, width):
            np.minimum(low[:-shift], self.values[shift:], out=low[:-shift])
            low[-shift:] = -np.inf
        low += self._points(self.cell_falls)
        low -= self.before
        low /= self._points(self.cell_scales)
        return low

    def dips(self, width: int) -> FloatArray:
        """Highest of the `width` values from each on, below what is before and after, in local scales, (n,).

        Below both medians, as a loss that goes down lies below the one before all along; unknown at the ends.
        """
        high, ahead = self.values.copy(), self.side + width
        for shift in range(1, width):
            np.maximum(high[:-shift], self.values[shift:], out=high[:-shift])
        depth = np.full(len(high), -np.inf)
        level = np.minimum(self.before[HISTORY:-ahead], self.before[HISTORY + ahead :])
        depth[HISTORY:-ahead] = level - high[HISTORY:-ahead]
        return depth / self._points(self.cell_scales)

    def holds(self, at: int, width: int) -> bool:
        """Whether the leap at a position is news: above the dips near it, and no return from a dip.

        A return makes up for a sudden drop before it.
        """
        x, base = self.values, self.before[at]
        low = float(x[at : at + width].min())
        first, last, ahead = max(HISTORY, at - NEAR), at + NEAR + 1, self.side + 1
        behind = self.before[first + ahead : last + ahead]
        around = np.minimum(self.before[first:last][: len(behind)], behind)
        depth = (np.minimum(around, base) - x[first : first + len(around)]).max(initial=0.0)
        if low - base < OVER_DIPS * depth:
            return False
        dropped = drops(self.before[max(HISTORY, at - LOOK_BACK[-1]) : at + 1], self.side)
        if low - base > 2 * dropped.max(initial=0.0):
            return True
        looks = (median(x[max(0, at - look) : at]) for look in LOOK_BACK)
        return all(low - look >= (low - base) / 2 for look in looks)

    def news_from(self, places: IntArray) -> FloatArray:
        """The level that values must reach at each of places (k,), so that `holds` is true there; (k,)."""
        x, base = self.values, self.before[places]
        ends = np.append(self.before[self.side + 1 :], np.full(self.side + 1, -np.inf))
        depth = maximum_filter1d(np.maximum(np.minimum(self.before, ends) - x, 0)[HISTORY:], 2 * NEAR + 1)
        looks = [before_each(x, places, look, medians) for look in LOOK_BACK]
        over_looks = 2 * np.max(looks, axis=0) - base
        back = LOOK_BACK[-1] - self.side + 1
        recent = maximum_filter1d(drops(self.before[HISTORY:], self.side), back, origin=(back - 1) // 2)
        over_drops = base + 2 * recent[np.clip(places - self.side - HISTORY, 0, len(recent) - 1)]
        news = np.minimum(over_looks, over_drops)
        return np.asarray(np.maximum(base + OVER_DIPS * depth[places - HISTORY], news))


def drops(before: FloatArray, side: int) -> FloatArray:
    """How much further the level falls over `side` points than over those before, (n - side,), at least 0.

    The first are compared with those that follow. A loss that goes down all along has no drops.

    Args:
        before: (n,) the level before each point, n > side.
        side: points that give a level.
    """
    falls = np.maximum(before[:-side] - before[side:], 0)
    around = np.zeros(len(falls))
    around[side:] = falls[:-side]
    following = falls[side : 2 * side]
    around[: len(following)] = following
    return np.maximum(falls - around, 0)


def lowest(values: FloatArray, places: IntArray, width: int) -> FloatArray:
    """Lowest of the `width` values from each of places (k,) on, (k,)."""
    return np.asarray(values[places[:, None] + np.arange(width)].min(axis=1))


def smooth(cells: FloatArray) -> FloatArray:
    """Running median of cells (m,): what happens in two of them leaves it alone."""
    if len(cells) < HISTORY:
        return cells
    size = min(CELLS, 2 * ((len(cells) - 1) // 2) + 1)
    first, last = np.full(size // 2, cells[0]), np.full(size // 2, cells[-1])
    return running_median(np.concatenate([first, cells, last]), size)


def previous(cells: FloatArray) -> FloatArray:
    """Median of the three cells before each of cells (m,): new noise does not measure the jump to it."""
    out = np.full(len(cells), np.inf)
    if len(cells) > HISTORY:
        out[HISTORY:] = running_median(cells[:-1], HISTORY)
    return out


def cell_scale(rows: FloatArray, *, tied: bool = False) -> FloatArray:
    """Robust standard deviation of each row (m, k); where many are equal, that of the lower 90 %.

    A median of few distinct values is off by a whole one.
    """
    rows = np.sort(rows, axis=1)
    size = rows.shape[1]
    deviation = np.sort(np.abs(rows - rows[:, size // 2, None]), axis=1)
    middle = deviation[:, size // 2]
    low = deviation[:, : max(1, int(0.9 * size))].mean(axis=1)
    return np.where((middle > 0) & (not tied), MAD_TO_SIGMA * middle, 1.6 * low)


def rounding(values: FloatArray) -> float:
    """Half the smallest change of a series (n,) that often does not change: its rounding; else 0."""
    change = np.abs(np.diff(values))
    moves = change > 0
    if not FEW_STEPS <= np.count_nonzero(moves) <= 0.9 * len(values):
        return 0.0
    return float(change[moves].min()) / 2
