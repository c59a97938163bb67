"""Robust contrasts: how far some points stand above the points around them, in units of their own noise."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter, minimum_filter1d

from spikediag.model import FloatArray
from spikediag.stats.scale import MAD_TO_SIGMA
from spikediag.stats.trailing import FEWEST, trailing_median

MEMORY = 257  # earlier contrasts that give the scale: about 64 windows at four contrasts per window
TREND_MEMORY = 33  # earlier contrasts that give the centre: 8 windows, short enough to follow a decay
FREEDOM = 0.2  # degrees of freedom of the scale per earlier contrast, measured on white and AR(1) noise
SIDE = 9  # points on either side of a bump
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
    at = np.arange(before, len(values) - width + 1, stride)
    lag = -(-width // stride)
    if len(at) <= FEWEST + lag:
        return _nothing(width, stride, before)
    rise = median_filter(values, width)[at + width // 2]
    rise -= median_filter(values, before)[at - before + before // 2]
    return Contrasts(width, stride, before, rise, scores(rise, lag))


def bumps(values: FloatArray, width: int) -> Contrasts:
    """`min(x[t:t+w]) - max(median(9 before), median(9 after))` of finite values (n,), at every point.

    A burst must rise *and* fall to count, and all of it must be high: in correlated noise, where one large
    shock is followed by a slow decay, and in heavy tails, where one point is often far out, this is rarer
    by chance than either alone.
    """
    at = np.arange(SIDE, len(values) - width - SIDE + 1)
    lag = width + SIDE
    if len(at) <= FEWEST + lag:
        return _nothing(width, 1, SIDE)
    around = median_filter(values, SIDE)
    level = np.maximum(around[at - SIDE + SIDE // 2], around[at + width + SIDE // 2])
    rise = minimum_filter1d(values, width)[at + width // 2] - level
    return Contrasts(width, 1, SIDE, rise, scores(rise, lag))


def scores(rise: FloatArray, lag: int) -> FloatArray:
    """Standardise contrasts (m,) by those up to `lag` grid steps earlier, which share none of their points.

    The scale of a short history is itself uncertain. `sqrt(nu log(1 + t^2 / nu))` turns a Student t with
    nu degrees of freedom into nearly a normal (Wallace 1959, doi:10.1214/aoms/1177706092).
    """
    centre = trailing_median(rise, TREND_MEMORY, lag)
    deviation = np.abs(rise - trailing_median(rise, TREND_MEMORY, 0))[FEWEST - 1 :]
    spread = np.full(len(rise), np.nan)
    spread[FEWEST - 1 :] = MAD_TO_SIGMA * trailing_median(deviation, MEMORY, lag)
    above = rise - np.maximum(centre, 0)
    score = np.divide(above, spread, out=np.zeros_like(rise), where=spread > 0)
    freedom = 1.5 + FREEDOM * np.clip(np.arange(len(rise)) - lag - FEWEST, 1, MEMORY)
    return np.asarray(np.sign(score) * np.sqrt(freedom * np.log1p(score**2 / freedom)))


def _nothing(width: int, stride: int, first: int) -> Contrasts:
    return Contrasts(width, stride, first, np.zeros(0), np.zeros(0))
