"""Where in time a spike stands high, as positions of a companion: there, and near there, it must answer."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.model import Excursion, FloatArray, Kind, Series, Shape, Spike
from spikediag.model.spike import LONGEST_LOOK
from spikediag.stats.medians import median

REACH = 5  # points to either side: logged before or after the update, or on the next batch
MOST_MEMBERS = 100  # of a train, the highest
MOST_POINTS = 65  # of a lasting rise: wider windows have too few of their like in the calm past
MOST_FAR = 24  # windows beyond the reach, while the loss is still up


@dataclass(frozen=True)
class Stretch:
    """One excursion of the loss, seen from a companion. Positions `[start, stop)` of the companion."""

    start: int
    stop: int
    shifts: tuple[int, ...]  # by how many points the window is moved as well; 0 among them
    near: int  # shifts up to this size are the neighbourhood; larger ones lie later in the excursion
    whole: tuple[int, int]  # the excursion from its onset to its end
    jump: float  # mean of the finite loss over the window minus the level before; inf if none is finite


def stretches(spike: Spike, loss: Series, companion: Series) -> tuple[Stretch, ...]:
    """The window of a spike, or one for every member of a train; without those with no companion point."""
    members = sorted(spike.excursions, key=lambda e: -loss.values[e.peak])[:MOST_MEMBERS]
    found = (_stretch(spike, loss, companion, member) for member in sorted(members, key=lambda e: e.start))
    return tuple(stretch for stretch in found if stretch is not None)


def _stretch(spike: Spike, loss: Series, companion: Series, excursion: Excursion) -> Stretch | None:
    """Windows moved to later points as well, but none beyond the end of a level that another one replaced."""
    first, stop = spike.window(loss.values, excursion)
    most = round(MOST_POINTS * max(1.0, companion.interval / loss.interval))
    lasting = spike.stop if spike.shape in {Shape.LEVEL, Shape.NOISE} else stop
    stop = min(lasting, first + most)
    half = 0.5 * _interval(loss, first, stop)
    a = int(np.searchsorted(companion.steps, loss.steps[first] - half))
    b = int(np.searchsorted(companion.steps, loss.steps[stop - 1] + half, side="right"))
    if a >= b:
        return None
    unit = max(1, round(loss.interval / companion.interval))
    end = int(
        np.searchsorted(companion.steps, loss.steps[max(excursion.stop, stop) - 1] + half, side="right")
    )
    replaced = spike.shape is Shape.LEVEL and not spike.recovered and spike.stop < len(loss)
    near = tuple(k * unit for k in range(-REACH, REACH + 1) if not replaced or k <= 0 or b + k * unit <= end)
    beyond = end - REACH * unit if replaced else end
    far = () if spike.kind is Kind.TRAIN else _far(a, b, beyond, REACH * unit)
    onset = int(np.searchsorted(companion.steps, loss.steps[min(excursion.start, first)] - half))
    return Stretch(a, b, (*near, *far), REACH * unit, (onset, end), _height(spike, loss, first, stop))


def _interval(loss: Series, first: int, stop: int) -> float:
    """Of the points around the window: a run may be logged more often in one phase than in another."""
    near = np.diff(loss.steps[max(0, first - LONGEST_LOOK) : stop + 1])
    return median(near) if len(near) else loss.interval


def _far(start: int, stop: int, end: int, near: int) -> Iterator[int]:
    """Half-overlapping windows from the neighbourhood to the end of the excursion.

    As far as the calm past can hold the like many times over.
    """
    width = stop - start
    last = min(end - stop + near, start // 8)
    stride = max(1, width // 2, -(-(last - near) // MOST_FAR))
    yield from range(near + stride, last + 1, stride)


def _height(spike: Spike, loss: Series, first: int, stop: int) -> float:
    values: FloatArray = loss.values[first:stop]
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.inf
    if spike.kind is not Kind.TRAIN:
        return float(np.mean(finite)) - spike.baseline
    past = loss.values[max(0, first - LONGEST_LOOK) : first]
    past = past[np.isfinite(past)]
    return float(np.mean(finite)) - (median(past) if len(past) else spike.baseline)
