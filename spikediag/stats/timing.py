"""Time order: when a series changed, told from its logged points."""

import numpy as np

from spikediag.model import FloatArray, IntArray, Moment


def moment(steps: IntArray, values: FloatArray, first: int, level: float, sure: float) -> Moment:
    """When a change began that the point at a position is the first to show.

    Args:
        steps: (n,) logged steps.
        values: (n,), NaN allowed.
        first: Position of the first point with the change.
        level: Of the values before.
        sure: How far from the level a point lies that surely shows it; points that are no numbers do.
    """
    after = float(steps[first - 1]) if first > 0 else -np.inf
    beyond = np.flatnonzero(~(np.abs(values[first:] - level) < sure))
    return Moment(after, float(steps[first]), float(steps[first + (int(beyond[0]) if len(beyond) else 0)]))
