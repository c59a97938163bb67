"""Robust location and scale, for values with outliers and heavy tails."""

import numpy as np

from spikediag.model import FloatArray
from spikediag.stats.medians import median

MAD_TO_SIGMA = 1.4826  # the median absolute deviation of normal noise is sigma / 1.4826


def robust_sigma(values: FloatArray) -> float:
    """1.4826 times the median absolute deviation from the median of finite values (n,); 0 without any.

    References: Rousseeuw, Croux (1993), doi:10.1080/01621459.1993.10476408.
    """
    if not len(values):
        return 0.0
    return MAD_TO_SIGMA * median(np.abs(values - median(values)))


def local_noise(values: FloatArray) -> float:
    """Robust standard deviation of values (n,), n >= 1, around a straight line; never 0.

    The line goes through the medians of both halves. Where more than half of the values lie on it exactly,
    the mean absolute deviation stands in; where all do, the rounding unit of the values.
    """
    n = len(values)
    half = n // 2
    slope = (median(values[half:]) - median(values[:half])) / max(1, n - half) if half else 0.0
    residual = values - slope * np.arange(n)
    deviation = np.abs(residual - median(residual))
    rounding = float(np.spacing(np.abs(values).max()))
    return max(MAD_TO_SIGMA * median(deviation) or 1.2533 * float(deviation.mean()), rounding)
