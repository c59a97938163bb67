"""A companion that leaves its margin while the loss is still up, though not where the loss stood highest."""

import numpy as np

from spikediag.model import CompanionTest, Kind, Series, Spike

TOGETHER = 3  # neighbouring points that must all have left; one or two may be noise
NOISES = 3.0  # robust standard deviations of single points beyond the margin


def strayed_at(companion: Series, spike: Spike, test: CompanionTest, noise: float, sign: int) -> int | None:
    """The first step of a stretch beyond the margin within a transient; None when there is none.

    Args:
        companion: The error metric.
        spike: The transient; other kinds are tested over all of their length already.
        test: The test where the loss stood highest.
        noise: Robust standard deviation of single companion points.
        sign: -1 where a fall of the companion is the error.
    """
    if spike.kind is not Kind.TRANSIENT or spike.end_step is None:
        return None
    during = (companion.steps >= spike.onset_step) & (companion.steps < spike.end_step)
    beyond = sign * (companion.values[during] - test.before) > test.margin + NOISES * noise
    if len(beyond) < TOGETHER:
        return None
    runs = np.convolve(beyond, np.ones(TOGETHER), "valid") == TOGETHER
    return int(companion.steps[during][np.argmax(runs)]) if runs.any() else None
