"""Robust location and scale, for values with outliers and heavy tails."""

import numpy as np

from spikediag.model import FloatArray
from spikediag.stats.medians import median, medians

SMALLEST = 1e-60  # size below which a value is 0 to the pipeline: what is measured in its unit stays a number
MEDIAN_ERROR = 1.25  # times the standard error of a mean: that of a median of normal values
MAD_TO_SIGMA = 1.4826  # the median absolute deviation of normal noise is sigma / 1.4826


def robust_sigma(values: FloatArray) -> float:
    """1.4826 times the median absolute deviation from the median of finite values (n,); 0 without any.

    References: Rousseeuw, Croux (1993), doi:10.1080/01621459.1993.10476408.
    """
    if not len(values):
        return 0.0
    return MAD_TO_SIGMA * median(np.abs(values - median(values)))


def row_sigma(rows: FloatArray) -> FloatArray:
    """`robust_sigma` of each of rows (k, n), n >= 1, (k,)."""
    return np.asarray(MAD_TO_SIGMA * medians(np.abs(rows - medians(rows)[:, None])))


def local_noise(values: FloatArray) -> float:
    """Robust standard deviation of values (n,), n >= 1, around a straight line; never 0. See `row_noise`."""
    return float(row_noise(values))


def row_noise(rows: FloatArray) -> FloatArray:
    """Robust standard deviation of each row (..., n), n >= 1, around a straight line; never 0, (...).

    The line goes through the medians of both halves. Where more than half of the values lie on it exactly,
    the mean absolute deviation stands in; where all do, the rounding unit of the values.
    """
    residual = rows - row_slope(rows)[..., None] * np.arange(rows.shape[-1])
    deviation = np.abs(residual - medians(residual)[..., None])
    scale = MAD_TO_SIGMA * medians(deviation)
    if not scale.all():
        scale = np.where(scale > 0, scale, 1.2533 * deviation.mean(axis=-1))
    return np.asarray(np.maximum(scale, np.spacing(np.maximum(np.abs(rows).max(axis=-1), SMALLEST))))


def row_slope(rows: FloatArray) -> FloatArray:
    """Slope per point of the line through the medians of both halves of each row (..., n), n >= 1, (...)."""
    n = rows.shape[-1]
    half = n // 2
    if not half:
        return np.zeros(rows.shape[:-1])
    rise = medians(rows[..., half:]) - medians(rows[..., :half])
    return np.asarray(rise / max(1, n - half))
