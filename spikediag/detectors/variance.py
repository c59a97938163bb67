"""variance: the loss stays where it is but becomes noisier."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import median_filter

from spikediag.detectors.protocol import registry
from spikediag.detectors.rise import Rise, measure_all
from spikediag.detectors.scan import scan_levels
from spikediag.detectors.signal import Signal
from spikediag.model import FloatArray, Kind, Spike
from spikediag.stats.scale import local_noise

OUTSTANDING = 6.0  # new standard deviations; a spike that large is the finding
CELL = 8  # points that make one measurement of the noise
SMOOTH = 33  # points of the running median that the noise is measured against


@registry.register
@dataclass(frozen=True)
class Variance:
    """The loss stays where it is but becomes noisier.

    What it finds:
        The robust standard deviation grows by `factor` or more within the run, more than it wandered before.
        `noise` is the standard deviation before, `height` its increase, `sigmas` their quotient.

    How:
        The mean distance from the running median of 33 points, over cells of 8 points, is a noisy reading of
        the standard deviation. Its logarithm is scanned for rises as `level_shift` scans the loss, over 9
        cells and more. Spikes count as spikes: what overlaps one is not reported.

    Blind spots:
        Growth by less than `factor`, growth that is over within 72 points, and noise that is quantised so
        that whole cells do not move.

    References:
        Chen, Gupta (1997), doi:10.1080/01621459.1997.10474026, for changes of variance.
    """

    factor: float = 2.0  # new standard deviation over old
    id: str = Kind.VARIANCE.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """Rises of the noise."""
        if signal.sign < 0:
            return
        cells = log_noise(signal.values)
        for rise in measure_all(cells, scan_levels(cells, signal.alpha)):
            start = CELL * rise.start
            stop = min(CELL * max(rise.reach, rise.start + rise.width), len(signal.values))
            before = local_noise(signal.values[max(0, start - CELL * 4 * rise.width) : start])
            after = local_noise(signal.values[start:stop])
            spiky = any(
                start - CELL * rise.width <= spike.start < stop
                and spike.peak_value - spike.baseline > OUTSTANDING * after
                for spike in signal.rises
            )
            if after >= self.factor * before and not spiky:
                yield signal.spike(Kind.VARIANCE, at_points(signal.values, rise, before), after - before)


def log_noise(values: FloatArray) -> FloatArray:
    """Logarithm of the mean distance from the running median in each cell, (n // 8,), finite values (n,)."""
    usable = len(values) // CELL * CELL
    if not usable:
        return np.zeros(0)
    distance = np.abs(values - median_filter(values, SMOOTH))[:usable].reshape(-1, CELL).mean(axis=1)
    moving = distance > 0
    if not moving.any():
        return np.zeros(len(distance))
    last = np.maximum.accumulate(np.where(moving, np.arange(len(distance)), -1))
    return np.asarray(np.log(distance[np.where(last < 0, moving.argmax(), last)]))


def at_points(values: FloatArray, rise: Rise, noise: float) -> Rise:
    """A rise of the noise, from cells to points, with the level of the loss as baseline."""
    n = len(values)
    start = CELL * rise.start
    stop = n if rise.stop * CELL + CELL > n else CELL * rise.stop
    peak = start + int(np.argmax(values[start : min(n, CELL * rise.reach)]))
    return replace(
        rise,
        start=start,
        stop=stop,
        reach=min(n, CELL * rise.reach),
        peak=peak,
        baseline=float(np.median(values[max(0, start - CELL * rise.width) : max(1, start)])),
        peak_value=float(values[peak]),
        noise=noise,
    )
