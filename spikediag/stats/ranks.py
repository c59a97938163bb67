"""Ranks: what goes up and down together, whatever the size of single leaps."""

import numpy as np

from spikediag.model import FloatArray


def ranks(values: FloatArray) -> FloatArray:
    """Ranks (n,) of values (n,), the mean of those that are equal."""
    order = values.argsort()
    ordered = values[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) + 1  # one past those that are equal
    counts = np.diff(last, prepend=0)
    found = np.empty(len(values))
    found[order] = np.repeat(last - 0.5 * counts, counts)
    return found


def rank_correlation(one: FloatArray, two: FloatArray) -> float:
    """Spearman's correlation of two series (n,); 0 where one of them is constant."""
    first, second = (ranks(values) - 0.5 * len(values) for values in (one, two))
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / size if size > 0 else 0.0
