"""The spike score of OLMo 2.

Reference: arXiv:2501.00656 section 3.2: the share of values at least seven standard deviations away from
a rolling average of the last 1,000 values. The paper leaves the window of the standard deviation open;
here it is the same 1,000 values, and the current value is not among them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 1000  # values
SIGMAS = 7.0


@dataclass(frozen=True)
class SpikeScore:
    """How much of a series lies far off its own recent past."""

    percent: float  # of the values that have a full window before them; 0 when there are none
    judged: int  # values that have a full window before them
    stretches: int  # of consecutive outlying values


def spike_score(values: NDArray[np.float64]) -> SpikeScore:
    """The score of a series, values (n,); values that are not finite are left out."""
    finite = values[np.isfinite(values)]
    n = len(finite) - WINDOW
    if n < 1:
        return SpikeScore(0.0, 0, 0)
    centred = finite - np.median(finite)  # squares of a large offset would swallow the deviations
    mean, deviation = _rolling(centred)
    outlying = (np.abs(centred[WINDOW:] - mean) >= SIGMAS * deviation) & (deviation > 0)
    starts = np.count_nonzero(outlying[1:] & ~outlying[:-1]) + int(outlying[0])
    return SpikeScore(100.0 * float(outlying.mean()), n, int(starts))


def _rolling(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the WINDOW values before each value from position WINDOW on."""
    mean = _window_sums(values) / WINDOW
    variance = _window_sums(values**2) / WINDOW - mean**2
    rounding = 1e-12 * mean**2  # what is left of the difference for a constant window, of either sign
    return mean, np.sqrt(np.where(variance > rounding, variance, 0.0))


def _window_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of `values[i : i + WINDOW]` for every i up to the last value but one.

    Each window is the end of one block and the beginning of the next (van Herk's scheme), so that a value of
    1e10 costs digits in the windows that hold it and in no other, unlike differences of one running sum.
    """
    n = len(values) - WINDOW
    padded = np.concatenate((values, np.zeros(2 * WINDOW - len(values) % WINDOW)))
    blocks = padded.reshape(-1, WINDOW)
    heads = np.cumsum(blocks, axis=1) - blocks  # of each block, what stands before each position
    tails = np.cumsum(blocks[:, ::-1], axis=1)[:, ::-1]
    return (tails[:-1] + heads[1:]).ravel()[:n]
