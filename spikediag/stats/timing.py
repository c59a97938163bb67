"""Time order: when a loss jumped, told from its logged points."""

import numpy as np

from spikediag.model import Moment, Series, Spike


def moment(loss: Series, spike: Spike, first: int) -> Moment:
    """When a jump, or one excursion of it, began that the point at a position is the first to show.

    Points that are no numbers surely show it.
    """
    steps = loss.steps
    after = float(steps[first - 1]) if first > 0 else -np.inf
    away = np.abs(loss.values[first:] - spike.baseline)
    beyond = np.flatnonzero(~(away < spike.sure_height))
    return Moment(after, float(steps[first]), float(steps[first + (int(beyond[0]) if len(beyond) else 0)]))
