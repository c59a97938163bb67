"""Ranks: what goes up and down together, whatever the size of single leaps."""

import numpy as np

from spikediag.model import FloatArray


def ranks(values: FloatArray) -> FloatArray:
    """Ranks (n,) of values (n,), the mean of those that are equal."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - 0.5 * counts)[group], dtype=np.float64)


def rank_correlation(one: FloatArray, two: FloatArray) -> float:
    """Spearman's correlation of two series (n,); 0 where one of them is constant."""
    first, second = (ranks(values) - 0.5 * len(values) for values in (one, two))
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / size if size > 0 else 0.0
