"""Power: the smallest jump that would have been found in a series. Clean means searched."""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import maximum_filter1d

from spikediag.detectors.bursts import LOUD, SKEWED_LOUD
from spikediag.detectors.rise import PAST, SALIENT, noise_before
from spikediag.detectors.salience import APART, FEWEST, Crowd, Salience
from spikediag.detectors.signal import Signal
from spikediag.model import FloatArray, Searched, Series, SmallestJump, Text, say
from spikediag.stats.leaps import HISTORY, NEAR, OVER_DIPS
from spikediag.stats.medians import median
from spikediag.stats.scale import local_noise

UNLUCKY = 0.05  # share of places at which the noise hides more of a jump than is allowed for
DISTURBED, POINTS = 1.1, 12  # a jump enlarges the scale so much, and by so many points' share of a short log
PARTS = 4  # parts of a series, whose noisiest is allowed for
FEW_WHILE_FALLING = 48  # points
WORTH = 25.0  # standard deviations of a jump that anyone would see; to find only larger ones is not to search
SKEWED_WORTH = 100.0  # the same where the noise itself throws such heights
HEIGHTS = np.geomspace(min(APART.values()), 1e3, 200)  # local scales that are tried
CONSTANT = 1e3  # units of rounding that a constant series must leave its value by


def search_power(series: Series) -> Searched:
    """The smallest jump of one point, of three, and for good, that would have been found.

    It is worked out from what the series shows: its scale, the leaps that the jump would have to stand apart
    from, the dips it would have to exceed, and the noise that would hide a part of it. Other searches find
    smaller jumps in long logs; nothing smaller is promised.

    Args:
        series: any series, of any length, NaN and Inf included.
    """
    signal = Signal(series, 0.0)
    points = len(signal.values)
    if points < FEWEST:
        few = say("{points} finite points were logged; {fewest} are needed.", points=points, fewest=FEWEST)
        return Searched(series.tag, points, (), few)
    found = list(jumps(signal))
    return Searched(series.tag, points, tuple(found), None if found else UNSEEN)


UNSEEN: Text = say("Jumps of {worth:.0f} times its noise cannot be told from this series.", worth=WORTH)


def jumps(signal: Signal) -> Iterator[SmallestJump]:
    """By width, shortest first; none of more than 25 standard deviations, or 100 in skewed noise."""
    values, heights = signal.values, {}
    noise = largest_noise(values, signal.salience)
    for crowd in () if falls_steeply(signal) else signal.salience.crowds:
        height = smallest(crowd, signal.salience, noise)
        if height <= (SKEWED_WORTH if crowd.skewed else WORTH) * noise:
            heights[crowd.width] = height
            yield jump(signal, crowd.width, height, noise)
    if not signal.salience.crowds:
        heights = dict.fromkeys(APART, CONSTANT * noise)
        yield from (jump(signal, width, height, noise) for width, height in heights.items())
    if heights:
        yield jump(signal, None, max(heights.values()), noise)


def falls_steeply(signal: Signal) -> bool:
    """Whether a log of a few points still falls by as much as it scatters: then a jump is hard to tell."""
    leaps = signal.salience.leaps
    few = len(leaps.values) < FEW_WHILE_FALLING and bool(signal.salience.crowds)
    return few and bool((leaps.cell_falls > leaps.cell_scales / 2).any())


def largest_noise(values: FloatArray, salience: Salience) -> float:
    """Robust standard deviation of the noisiest quarter of values (n,), over 257 points of it at most."""
    ends = np.linspace(0, len(values), PARTS + 1).astype(int)[1:]
    first = ends[0] if len(values) >= PARTS * FEWEST else 0
    quarters = [local_noise(values[max(first if end > first else 0, end - PAST) : end]) for end in ends[1:]]
    return max(*quarters, median(salience.leaps.cell_scales) if salience.crowds else 0.0)


def smallest(crowd: Crowd, salience: Salience, noise: float) -> float:
    """Height of the smallest jump of one width that stands apart; infinite if none does."""
    leaps, ordered = salience.leaps, crowd.rest(crowd.apart()[0])
    apart = HEIGHTS[np.isfinite(ordered.chance(HEIGHTS, 1))]
    disturbed = max(DISTURBED, 1 + POINTS / len(leaps.values))
    loud = SKEWED_LOUD if crowd.skewed else LOUD
    scores = leaps.scores(crowd.width)
    hidden = -float(np.quantile(scores[np.isfinite(scores)], UNLUCKY))
    dips = float(np.quantile(deepest_dips(leaps.before, leaps.values, leaps.side), 1 - UNLUCKY))
    scale = float(leaps.cell_scales.max())
    ends = np.linspace(0, len(leaps.values), 2 * PARTS + 1).astype(int)[1:-1]
    before = max(noise, *(noise_before(leaps.values, int(end)) for end in ends))
    certain = max(
        (disturbed * apart.min(initial=np.inf) + hidden) * scale, (disturbed * SALIENT + 2) * before
    )
    told = max((disturbed * loud + hidden) * scale, (disturbed * loud + 2) * before)
    return float(max(min(certain, told) if crowd.width == 1 else certain, OVER_DIPS * dips + 2 * noise))


def deepest_dips(before: FloatArray, values: FloatArray, side: int) -> FloatArray:
    """Depth of the deepest dip around each position of values (n,), below what is before and after it."""
    dips = np.minimum(before, np.append(before[side + 1 :], np.full(side + 1, -np.inf))) - values
    return np.asarray(maximum_filter1d(np.maximum(dips[HISTORY:], 0), 2 * NEAR + 1))


def jump(signal: Signal, width: int | None, height: float, noise: float) -> SmallestJump:
    """A jump of this height, in units of the series, and the steps between which it would have been seen."""
    last = len(signal.values) - (width or HISTORY)
    first_step, last_step = (int(signal.series.steps[signal.position(at)]) for at in (HISTORY, last))
    return SmallestJump(width, height * signal.unit, height / noise, first_step, last_step)
