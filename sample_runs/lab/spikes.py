"""Spikes: the study's own yardstick, kept simple and apart from the detectors it helps to judge."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

WINDOW = 257  # logged points before a point that say what is usual there
SIGMAS = 8.0
NATS = 2.0
APART = 10  # logged points between two distinct spikes
MAD_TO_SIGMA = 1.4826  # for normal noise


@dataclass(frozen=True)
class Count:
    """The spikes of one training.

    Attributes:
        spikes: Distinct excursions above 8 robust sigma and 2 nats over the trailing median.
        largest: Height of the largest of them, nats; 0 if there is none.
        noise: Median robust sigma of the loss over the training, nats.
    """

    spikes: int
    largest: float
    noise: float


def count(loss: NDArray[np.float64]) -> Count:
    """Count the distinct spikes of a logged loss (n,), from point `WINDOW` on."""
    before = sliding_window_view(loss, WINDOW)[:-1]
    usual = np.median(before, axis=1)
    sigma = MAD_TO_SIGMA * np.median(np.abs(before - usual[:, None]), axis=1)
    height = loss[WINDOW:] - usual
    high = np.flatnonzero((height > SIGMAS * sigma) & (height > NATS))
    distinct = int(np.sum(np.diff(high, prepend=-APART - 1) > APART))
    largest = float(height[high].max()) if len(high) else 0.0
    return Count(distinct, largest, float(np.median(sigma)))
