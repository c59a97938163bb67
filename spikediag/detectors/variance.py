"""variance: the loss stays where it is but becomes noisier."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from spikediag.detectors.protocol import registry
from spikediag.detectors.rise import Rise, measure_all
from spikediag.detectors.salience import CHANCE, confirmed
from spikediag.detectors.scan import Candidate, Scan
from spikediag.detectors.signal import Signal
from spikediag.model import PAST, FloatArray, Kind, Spike
from spikediag.stats.medians import RunningMedians, median
from spikediag.stats.scale import local_noise

OUTSTANDING = 6.0  # new standard deviations; a spike that large is the finding
FACTOR = 2.0  # new standard deviation over old
GROWN = 1.4  # growth of the logarithm that is seen without a history: fourfold
GROWN_WITH_LEVEL = 2.5  # the same where noise goes with the level, which wanders: twelvefold
HEAD = 320  # cells of a log in which the scan has too little history
FEWEST_BEFORE, FEWEST_AFTER, LOOK = 8, 4, 12  # cells that are compared
SHARE = 8  # part of them that is compared
CERTAIN = 20.0  # the same where nearly all of the noise after lies above that before
NEARLY = 0.95  # share of the points
LEVEL = 2.0  # new standard deviations; a step that high is the finding
CELLS_AROUND = 4  # cells to either side among whose points the first is looked for
CELL = 8  # points that make one measurement of the noise
SMOOTH = 33  # points of the running median that the noise is measured against


@registry.register
@dataclass(frozen=True)
class Variance:
    """The loss stays where it is but becomes noisier.

    What it finds:
        The robust standard deviation grows twofold or more within the run, more than it wandered before.
        `noise` is the standard deviation before, `height` its increase, `sigmas` their quotient.

    How:
        The mean distance from the running median of 33 points, over cells of 8 points, is a noisy reading of
        the standard deviation. Its logarithm is scanned for rises as `level_shift` scans the loss, over 9
        cells and more. In the first 2,560 points, fourfold growth is also seen without a history:
        nearly every cell after it lies above nearly every one before; where noise goes with the level,
        in logarithms too, or twelvefold. Where a process began is one place to look at, and not one of many:
        there the medians of 48 points and more on either side decide. Spikes count as spikes: what overlaps
        one is not reported. Noise dips as well as it bumps: where 95 % of the values after lie above 95 % of
        those before, it is the level that went up, and is told as a level shift.

    Blind spots:
        Growth by less than twofold, growth that is over within 72 points, and noise that is quantised so
        that whole cells do not move.

    References:
        Chen, Gupta (1997), doi:10.1080/01621459.1997.10474026, for changes of variance.
    """

    id: str = Kind.VARIANCE.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """Rises of the noise."""
        if signal.sign < 0 or signal.flat:
            return
        cells = log_noise(signal.scan.looks.medians)
        grown, even = growths(cells, GROWN), signal.salience.even
        if even is not None:
            beyond = confirmed(grown, growths(log_noise(RunningMedians(even)), GROWN))
            grown = iter(beyond or growths(cells, GROWN_WITH_LEVEL))
        for rise in measure_all(cells, chain(Scan.of(cells).new_levels(signal.alpha), grown)):
            start = CELL * rise.start
            stop = min(CELL * max(rise.reach, rise.start + rise.width), len(signal.values))
            before = local_noise(signal.values[max(0, start - CELL * 4 * rise.width) : start])
            after = local_noise(signal.values[start:stop])
            near = [
                r for r in signal.rises if start - CELL * rise.width <= r.start + r.climb and r.start < stop
            ]
            level = median(signal.values[start:stop])
            levels = [r for r in near if r.lasts(len(signal.values)) and level - r.baseline > LEVEL * after]
            spikes = [r for r in near if r.height > (CERTAIN if rise.salient else OUTSTANDING) * after]
            if spikes and after >= FACTOR * before:
                apart = signal.apart_from(signal.position(start))
                spikes = [
                    r
                    for r in spikes
                    if r.start < start or r.height > CERTAIN * after or signal.excursion(r).holds_any(apart)
                ]
            if after >= FACTOR * before and not levels and not spikes:
                start = first_of_new_noise(distance(signal.scan.looks.medians), start, before, after)
                measured = at_points(signal.values, rise, start, before)
                yield told(signal, measured, after - before)


def told(signal: Signal, rise: Rise, growth: float) -> Spike:
    """The rise of the noise by its growth; or that of the level, if it stays up with all that follows."""
    if not (rise.lasts(len(signal.values)) and lies_above(signal.values, rise.start)):
        return signal.spike(Kind.VARIANCE, rise, growth)
    return signal.spike(Kind.LEVEL_SHIFT, rise, median(signal.values[rise.start :]) - rise.baseline)


def lies_above(values: FloatArray, start: int) -> bool:
    """Whether nearly all values from a position on lie above nearly all before: noise would dip as well."""
    low, high = values[max(0, start - PAST) : start], values[start:]
    return len(low) > 0 and bool(np.quantile(high, 1 - NEARLY) > np.quantile(low, NEARLY))


def growths(cells: FloatArray, least: float) -> Iterator[Candidate]:
    """Where the noise of the first points grows for good: nearly all cells after lie above nearly all before.

    Args:
        cells: (m,) logarithms of the noise.
        least: growth of the logarithm.
    """
    cells = cells[:HEAD]
    count, look = len(cells), max(LOOK, len(cells) // SHARE)
    splits = np.arange(FEWEST_BEFORE, count - FEWEST_AFTER + 1)
    if not len(splits):
        return
    windows = np.sort(sliding_window_view(np.pad(cells, look, constant_values=np.inf), look), axis=1)
    before, after = windows[splits], windows[splits + look]
    held_before, held_after = np.minimum(splits, look), np.minimum(count - splits, look)
    row = np.arange(len(splits))
    apart = after[row, held_after // 5] > before[row, held_before - 1 - held_before // 20]
    gains = np.where(apart, after[row, held_after // 2] - before[row, held_before // 2], -np.inf)
    best, at = float(gains.max()), int(splits[gains.argmax()])
    if best > least and median(cells[-FEWEST_AFTER:]) - median(cells[max(0, at - look) : at]) > least:
        width = min(look, count - at)
        yield Candidate(width, at, best, CHANCE, min(look, at), salient=True)


def log_noise(medians: RunningMedians) -> FloatArray:
    """Logarithm of the mean distance from the running median in each cell, (n // 8,), of values (n,)."""
    values = medians.values
    usable = len(values) // CELL * CELL
    if not usable:
        return np.zeros(0)
    mean = distance(medians)[:usable].reshape(-1, CELL).mean(axis=1)
    moving = mean > 0
    if not moving.any():
        return np.zeros(len(mean))
    last = np.maximum.accumulate(np.where(moving, np.arange(len(mean)), -1))
    return np.asarray(np.log(mean[np.where(last < 0, moving.argmax(), last)]))


def distance(medians: RunningMedians) -> FloatArray:
    """Distance from the running median, (n,)."""
    return np.abs(medians.values - medians.around(SMOOTH))


def first_of_new_noise(distance: FloatArray, start: int, before: float, after: float) -> int:
    """The point near a cell from which distances (n,) are more like those after than like those before.

    As `rise.onset`, in logarithms: a slower growth before the leap, below its half, is not yet it.
    """
    low, high = max(0, start - CELLS_AROUND * CELL), start + CELLS_AROUND * CELL
    near = np.maximum(distance[low:high], before)
    share = np.minimum(np.log(near / before) / np.log(after / before), 1)
    first, last = share[: CELL * 2], share[-CELL * 2 :]
    over = share - (first.mean() + last.mean()) / 2
    return low + len(over) - 1 - int(np.argmax(np.cumsum(over[::-1])))


def at_points(values: FloatArray, rise: Rise, start: int, noise: float) -> Rise:
    """A rise of the noise, from cells to points, with the level of the loss as baseline."""
    n = len(values)
    stop, back = (n if CELL * (cell + 1) > n else CELL * cell for cell in (rise.stop, rise.back))
    peak = start + int(np.argmax(values[start : min(n, CELL * rise.reach)]))
    return replace(
        rise,
        start=start,
        stop=stop,
        back=back,
        reach=min(n, CELL * rise.reach),
        peak=peak,
        baseline=median(values[max(0, start - CELL * rise.width) : max(1, start)]),
        peak_value=float(values[peak]),
        noise=noise,
    )
