"""What is looked for only where the run itself announces a change: there few looks need little evidence.

A search pays for every place and every width. Where a process began, a pass over the data begins, a rate or a
stage is switched, the place is known before the loss is looked at, and one width is chosen by how far apart
the places lie. What is seen there is held against the same look at places at which nothing was announced, and
paid for by the number of places.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from spikediag.detectors.rise import MARGIN, Rise, recovery
from spikediag.detectors.salience import CHANCE
from spikediag.detectors.signal import Signal
from spikediag.detectors.variance import CELL, FACTOR, LEVEL
from spikediag.model import PAST, FloatArray, IntArray, Kind, Series, Shape, Spike
from spikediag.stats.medians import median
from spikediag.stats.scale import MEDIAN_ERROR, local_noise

CELLS = 40  # of noise on either side of a place that are compared, and the fewest of them:
FEWEST_CELLS = 6
SURE = 5.0  # standard errors of the difference of their medians
AT_ONCE = 0.75  # of the growth, that the halves next to the place differ by
WANDERED = 0.5  # of the growth, by which the noise may have grown at other places before
WIDEST, NARROWEST = 32, 4  # points whose median gives a level
PARTS = 24  # of the log: a level takes up one at most
APART = 6  # levels that fit between two places
CALM_LOOKS, FEWEST_CALM = 24, 16  # at the nearest places at which nothing was announced; half of each is new
ALPHA = 0.005  # false findings per series
SMALLEST = 1e-300  # scatter of them, so that a ratio is a number
VISIBLE = 1.0  # standard deviations of the noise before; a lower step nobody would see


def at_announced(
    series: Series, noisier: Sequence[int], moved: Sequence[int], known: Sequence[Spike]
) -> tuple[Spike, ...]:
    """What is found in a series where something was announced, by looking there and not by searching.

    Args:
        series: A loss.
        noisier: Steps from which its noise may have grown for good.
        moved: Steps from which it may stand higher or lower.
        known: What a search found in it: a lasting change near by says more.
    """
    found: list[Spike] = []
    for start in _positions(series, noisier):
        lasting = (s for s in (*known, *found) if s.shape is not Shape.BURST)
        if not any(s.start - CELL * FEWEST_CELLS < start <= s.peak for s in lasting):
            found += _noisier_at(series, start)
    return (*found, *_moved(series, _positions(series, moved), (*known, *found)))


def _positions(series: Series, steps: Sequence[int]) -> list[int]:
    """Where a series goes on at some steps, in order; not where it begins or has ended."""
    places = np.searchsorted(series.steps, sorted(set(steps))).tolist()
    return sorted({at for at in places if 0 < at < len(series)})


def _noisier_at(series: Series, start: int) -> Iterator[Spike]:
    """The noise of a series that doubled at one position and stayed so."""
    reach = CELLS * CELL
    before, after = series.values[max(0, start - reach) : start], series.values[start : start + reach]
    fewest = CELL * FEWEST_CELLS
    if min(len(before), len(after)) < fewest or not np.isfinite([*before, *after]).all():
        return
    low, high = _cells(before), _cells(after)
    gain = median(high) - median(low)
    error = MEDIAN_ERROR * math.hypot(low.std() / math.sqrt(len(low)), high.std() / math.sqrt(len(high)))
    last = median(_cells(series.values[series.finite][-fewest:])) - median(low)
    early, late = np.array_split(low, 2)
    wandered, near = abs(median(late) - median(early)), median(np.array_split(high, 2)[0]) - median(late)
    sure = gain >= max(math.log(FACTOR) - error, SURE * error) and near >= AT_ONCE * gain
    if not sure or last < WANDERED * gain or wandered > WANDERED * gain:
        return
    noise, level = local_noise(before), median(before)
    height = noise * math.expm1(gain)
    if abs(median(after) - level) > LEVEL * (noise + height):
        return
    first, n = int(np.count_nonzero(series.finite[:start])), int(np.count_nonzero(series.finite))
    rise = Rise(
        width=len(after),
        start=first,
        stop=n,
        back=n,
        reach=n,
        peak=first + int(np.argmax(after)),
        baseline=level,
        level=level,
        peak_value=float(after.max()),
        noise=noise,
        score=gain / error if error > 0 else math.inf,
        expected=CHANCE,
    )
    yield Signal(series, ALPHA).spike(Kind.VARIANCE, rise, height)


def _cells(values: FloatArray) -> FloatArray:
    """Logarithm of the mean distance from the mean of each cell of values (n,), (n // 8,).

    Not from a running median, as `variance.log_noise` measures it all along a series: over so few points that
    takes a part of the noise for level, and more of it where neighbours are alike.
    """
    usable = len(values) // CELL * CELL
    rows = values[:usable].reshape(-1, CELL)
    spread = np.abs(rows - rows.mean(axis=1, keepdims=True)).mean(axis=1)
    return np.asarray(np.log(spread + np.finfo(float).tiny))


def _moved(series: Series, places: Sequence[int], known: Sequence[Spike]) -> Iterator[Spike]:
    """The new levels of a series that begin at some of its positions."""
    values = series.values
    if not series.finite.all() or not len(places):
        return
    for at in places:
        look = _look(len(values), places, at)
        if look is None or any(
            a <= at + look.width and at - look.width < b for s in known for a, b in s.spans
        ):
            continue
        step, chance = look.step(values)
        noise = local_noise(values[max(0, at - PAST) : at])
        expected = chance * len(places)
        if expected < ALPHA and abs(step) >= VISIBLE * noise > 0:
            yield _new_level(series, look, step, noise, expected)


@dataclass(frozen=True, eq=False)
class _Look:
    """One look at a new level, and the same look at places at which nothing was announced."""

    at: int
    width: int  # points
    calm: IntArray  # (k,) positions, half a width apart at least

    def step(self, values: FloatArray) -> tuple[float, float]:
        """The median after less the median before, and its p-value.

        What counts is its bend, the step less the mean of those one width earlier and later: a decay steps
        everywhere.
        """
        rows = values[np.array([self.at, *self.calm])[:, None] + np.arange(-2 * self.width, 2 * self.width)]
        levels = np.median(rows.reshape(len(rows), 4, self.width), axis=2)
        step = float(levels[0, 2] - levels[0, 1])
        bend, *others = 1.5 * (levels[:, 2] - levels[:, 1]) + 0.5 * (levels[:, 0] - levels[:, 3])
        times = np.sign(step) * bend / max(float(np.sqrt(np.mean(np.square(others)))), SMALLEST)
        return step, 2 * float(stdtr(len(self.calm) // 2 - 1, -times))


def _look(n: int, places: Sequence[int], at: int) -> _Look | None:
    """How one of the places is looked at; None where too little lies around it."""
    apart = min(abs(at - other) for other in (*places, 0, n) if other != at)
    width = min(WIDEST, n // PARTS, apart // APART)
    if width < NARROWEST:
        return None
    calm = np.arange(at % (width // 2), n, width // 2)
    nearest = np.abs(calm[:, None] - np.array([*places, 0, n])).min(axis=1)
    calm = calm[nearest >= 2 * width]
    calm = calm[np.argsort(np.abs(calm - at), kind="stable")[:CALM_LOOKS]]
    return _Look(at, width, calm) if len(calm) >= FEWEST_CALM else None


def _new_level(series: Series, look: _Look, step: float, noise: float, expected: float) -> Spike:
    """A level that begins at a position: it stays, or comes back as a burst does."""
    signal = Signal(series, ALPHA, 1 if step > 0 else -1)
    values, at, width = signal.values, look.at, look.width
    baseline, height = median(values[at - width : at]), abs(step) / signal.unit
    margin = MARGIN * height
    back = recovery(values, at, baseline + margin, width)
    peak = at + int(np.argmax(values[at : min(back, at + width)]))
    rise = Rise(
        width=width,
        start=at,
        stop=back,
        back=back,
        reach=min(back, at + width),
        peak=peak,
        baseline=baseline,
        level=baseline + height,
        peak_value=float(values[peak]),
        noise=noise / signal.unit,
        score=abs(step) / noise,
        expected=expected,
        margin=margin,
    )
    if rise.lasts(len(values)):
        return signal.spike(Kind.LEVEL_SHIFT, rise, height)
    return signal.spike(Kind.TRANSIENT, rise, rise.height)
