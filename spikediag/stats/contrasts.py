"""Robust contrasts: how far some points stand above the points around them, in units of their own noise."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, minimum_filter1d

from spikediag.model import FloatArray
from spikediag.stats.scale import MAD_TO_SIGMA

MEMORY = 257  # earlier contrasts that give the scale: about 64 windows at four contrasts per window
TREND_MEMORY = 33  # earlier contrasts that give the centre: 8 windows, short enough to follow a decay
FREEDOM = 0.2  # degrees of freedom of the scale per earlier contrast, measured on white and AR(1) noise
CELL = 8  # points that one median stands for on the long widths
SIDE = 9  # points on either side of a bump
FEWEST = 12  # earlier values below which there is no median
TIMES = 4  # a baseline is this many windows long: half the variance of one that is as short as the window


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Contrasts of one width on a grid. Grid index k stands for position `first + k * stride`.

    `score = (rise - max(c, 0)) / s`, where c and s are the running median and robust scale of *earlier*
    contrasts of the same width, then bent from a Student t to a normal law. Dividing by the spread of the
    same statistic absorbs the level of the noise, its autocorrelation and its slow changes at once; a fall
    that goes on (c < 0) is never subtracted, so that learning alone makes no rise.
    """

    width: int  # points
    stride: int  # points
    first: int  # position
    rise: FloatArray  # (m,), unit of the values
    score: FloatArray  # (m,), about standard normal when nothing happens; 0 where the history is too short


def rises(values: FloatArray, width: int) -> Contrasts:
    """`median(x[t:t+w]) - median(x[t-4w:t])` of finite values (n,), for an odd width w, every w/4 points.

    Each contrast sees nothing beyond t + w, so what is appended later changes no earlier score.
    """
    before, stride = TIMES * (width - 1) + 1, max(1, width // 4)
    last = len(values) - width
    lag = -(-width // stride)
    if last - before <= stride * (FEWEST + lag):
        return _nothing(width, stride, before)
    shift = width // 2
    rise = median_filter(values, width)[before + shift : last + shift + 1 : stride].copy()
    shift = before // 2
    rise -= median_filter(values, before)[shift : last - before + shift + 1 : stride]
    return Contrasts(width, stride, before, rise, scores(rise, lag))


def long_rises(cells: FloatArray, width: int) -> Contrasts:
    """As `rises`, for `width` cells of 8 points, given their medians (n // 8,): an eighth of the cost."""
    found = rises(cells, width)
    return Contrasts(CELL * width, CELL * found.stride, CELL * found.first, found.rise, found.score)


def cell_medians(values: FloatArray) -> FloatArray:
    """Medians of neighbouring 8 points of values (n,), (n // 8,)."""
    cells = np.sort(values[: len(values) // CELL * CELL].reshape(-1, CELL), axis=1)
    return np.asarray((cells[:, CELL // 2 - 1] + cells[:, CELL // 2]) / 2)


def surroundings(values: FloatArray) -> FloatArray:
    """Median of 9 points from each position on, (n - 8,), for finite values (n,): what bumps stand above."""
    return np.asarray(median_filter(values, SIDE)[SIDE // 2 : len(values) - SIDE // 2])


def bumps(values: FloatArray, width: int, around: FloatArray, *, up: bool = True) -> Contrasts:
    """`min(x[t:t+w]) - max(median(9 before), median(9 after))` of finite values (n,), at every point.

    A burst must rise *and* fall to count, and all of it must be high: in correlated noise, where one large
    shock is followed by a slow decay, and in heavy tails, where one point is often far out, this is rarer
    by chance than either alone.

    Args:
        values: (n,), finite.
        width: of the bump, points.
        around: `surroundings` of the values.
        up: False for dips, which are the bumps of the negated values.
    """
    last, lag = len(values) - width - SIDE, width + SIDE
    if last - SIDE <= FEWEST + lag:
        return _nothing(width, 1, SIDE)
    before, after, shift = around[: last - SIDE + 1], around[lag : last + width + 1], width // 2
    if up:
        low = minimum_filter1d(values, width)[shift:] if shift else values
        rise = low[SIDE : last + 1] - np.maximum(before, after)
    else:
        high = maximum_filter1d(values, width)[shift:] if shift else values
        rise = np.minimum(before, after) - high[SIDE : last + 1]
    return Contrasts(width, 1, SIDE, rise, scores(rise, lag))


def scores(rise: FloatArray, lag: int) -> FloatArray:
    """Standardise contrasts (m,) by those up to `lag` grid steps earlier, which share none of their points.

    The scale of a short history is itself uncertain: see `bent`.
    """
    centre = trailing_median(rise, TREND_MEMORY, 0)
    spread = trailing_median(np.abs(rise - centre)[FEWEST - 1 :], MEMORY, lag)
    spread *= MAD_TO_SIGMA
    score = rise.copy()
    score[lag:] -= np.fmax(centre[: len(rise) - lag], 0, out=centre[: len(rise) - lag])
    del centre
    score[: FEWEST - 1] = 0
    late = score[FEWEST - 1 :]
    late /= np.where(spread > 0, spread, np.inf)
    del spread
    return bent(score, lag)


def bent(score: FloatArray, lag: int) -> FloatArray:
    """`sqrt(nu log(1 + t^2 / nu))`: Student t scores (m,) with nu degrees of freedom, as normal ones.

    nu grows with the history, up to 53. References: Wallace (1959), doi:10.1214/aoms/1177706092.
    """
    grown = MEMORY + lag + FEWEST
    freedom = 1.5 + FREEDOM * np.clip(np.arange(min(len(score), grown)) - lag - FEWEST, 1, MEMORY)
    out = score * score
    for part, nu in ((slice(0, grown), freedom), (slice(grown, None), freedom[-1])):
        out[part] = np.sqrt(nu * np.log1p(out[part] / nu))
    return np.copysign(out, score, out=out)


def _nothing(width: int, stride: int, first: int) -> Contrasts:
    return Contrasts(width, stride, first, np.zeros(0), np.zeros(0))


def trailing_median(values: FloatArray, memory: int, lag: int) -> FloatArray:
    """Median of the `memory` (odd) values that end `lag` before each of values (n,), itself included at 0.

    While there are fewer, the first 12, 16, 24, 32, ... values stand in, so that the cost stays linear and
    the past never changes. NaN while there are fewer than 12.
    """
    n = len(values)
    out = np.full(n, np.nan)
    sizes = [size for k in range(2, 16) for size in (3 * 2**k, 4 * 2**k) if size < memory]
    for size, following in zip(sizes, [*sizes[1:], memory], strict=True):
        if size <= n:
            out[size + lag - 1 : following + lag - 1] = _median(values[:size])
    if n >= memory + lag:
        running = median_filter(values, memory)[memory // 2 : n - memory // 2]
        out[memory + lag - 1 :] = running[: n - lag - memory + 1]
    return out


def _median(values: FloatArray) -> float:
    """Median of an even number of values; a sort of so few is a tenth of the cost of `np.median`."""
    ordered = np.sort(values)
    return float(ordered[len(ordered) // 2 - 1] + ordered[len(ordered) // 2]) / 2
