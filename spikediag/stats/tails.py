"""Tails: how often chance alone would exceed a score, learnt from the scores that were seen."""

import math
from dataclasses import dataclass

import numpy as np

from spikediag.model import FloatArray

TOP = 0.2  # share of the pool that is the tail
FEWEST, MOST = 4, 400  # exceedances used; more only cost time
FACTORS = 32  # of one product: far from what overflows, as none is larger than some thousands
EXPONENTIAL = 1e-9  # size of a shape that is 0
TIE = 1e-9  # mean exceedance of a pool whose highest scores are all equal
SHAPES = np.linspace(-3, 3, 13)  # grid of the shape xi, in prior standard deviations
SCALES = np.linspace(-1, 1, 15)  # grid of log beta, in half-widths
EVERY_SHAPE = np.tile(SHAPES, len(SCALES))  # of the grid of both, (j,)


@dataclass(frozen=True, eq=False)
class Tail:
    """A generalised Pareto tail above a threshold u, averaged over what its parameters may be.

    `P(Z > z) = rate * sum_j weight_j * (1 + xi_j (z - u) / beta_j)^(-1 / xi_j)`: the posterior predictive,
    which is heavier the fewer exceedances it was learnt from.

    References: Pickands (1975), doi:10.1214/aos/1176343003; Coles (2001), doi:10.1007/978-1-4471-3675-0.
    """

    threshold: float
    rate: float  # share of scores above the threshold
    shapes: FloatArray  # (j,)
    scales: FloatArray  # (j,), unit of the scores
    weights: FloatArray  # (j,), sum 1

    def exceedance(self, scores: FloatArray) -> FloatArray:
        """P(Z > score) for scores (m,) above the threshold; the rate for those below."""
        over = np.maximum(scores - self.threshold, 0)
        return np.asarray(self.rate * (np.exp(-_hazard(over, self.shapes, self.scales)) @ self.weights))


def fit_tail(pool: FloatArray, shape_mean: float, shape_sd: float) -> Tail:
    """Learn the tail of a pool (n,) of scores, n >= 1; one of fewer than five is filled up with its lowest.

    Args:
        pool: scores when nothing happens.
        shape_mean: prior mean of the shape; 0 is exponential, 1/3 a Student t with 3 degrees of freedom.
        shape_sd: prior standard deviation of the shape.
    """
    missing = max(0, FEWEST + 1 - len(pool))
    ordered = np.sort(np.concatenate([np.full(missing, pool.min()), pool]) if missing else pool)
    count = min(max(round(TOP * len(ordered)), FEWEST), MOST)
    threshold = float(ordered[-count - 1])
    over = ordered[-count:] - threshold
    shapes, scales = _grid(over, shape_mean, shape_sd)
    log_likelihood = -(1 + shapes) * _total_hazard(over, shapes, scales) - count * np.log(scales)
    log_weight = log_likelihood - 0.5 * ((shapes - shape_mean) / shape_sd) ** 2
    weights = np.exp(log_weight - log_weight.max())
    return Tail(threshold, count / len(ordered), shapes, scales, weights / weights.sum())


def scale_free_gap(above: FloatArray, rest: FloatArray, count: int) -> FloatArray:
    """P(the lowest of `count` values is at least `above`), if all follow a Pareto law of unknown index.

    The logarithmic spacings of a Pareto sample are exponential (Renyi), so `count * log(above / rest[0])`
    over their mean is an F variable with 2 and 2 (k - 1) degrees of freedom, whatever the scale and the
    index.

    Args:
        above: (m,) what the lowest of the values in question may be.
        rest: (k,) the next lower values, descending, positive.
        count: how many values are in question.

    References: Wheatley, Sornette (2015), arXiv:1507.08689.
    """
    if len(rest) < 2:
        return np.zeros(len(above))
    spread = max(float(np.log(rest[:-1] / rest[-1]).sum()), TIE)
    over = np.log(np.maximum(above / rest[0], 1))
    return np.asarray((1 + count * over / spread) ** (1 - len(rest)))


def _grid(over: FloatArray, shape_mean: float, shape_sd: float) -> tuple[FloatArray, FloatArray]:
    """Shapes and scales (j,) around the moment estimate `beta = (1 - xi) * mean`."""
    mean = max(float(over.mean()), TIE)
    half_width = min(1.5, 5 / math.sqrt(len(over)))
    shapes = shape_mean + shape_sd * SHAPES
    scales = np.exp(half_width * SCALES)[:, None] * ((1 - shapes) * mean)
    return shape_mean + shape_sd * EVERY_SHAPE, scales.ravel()


def _hazard(over: FloatArray, shapes: FloatArray, scales: FloatArray) -> FloatArray:
    """`log(1 + xi y / beta) / xi`, minus the log survival, (m, j); infinite beyond the end of the tail."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(1 + shapes / scales * over[:, None], 0))
    return _over_shape(logs, over[:, None] / scales, shapes)


def _total_hazard(over: FloatArray, shapes: FloatArray, scales: FloatArray) -> FloatArray:
    """Sum of `_hazard` over all of `over` (m,), (j,): logarithms of products, as products cost less."""
    whole = np.zeros(-(-len(over) // FACTORS) * FACTORS)
    whole[: len(over)] = over
    factors = np.multiply.outer(whole, shapes / scales)
    factors += 1
    np.maximum(factors, 0, out=factors)
    with np.errstate(divide="ignore"):
        logs = np.log(factors.reshape(-1, FACTORS, len(shapes)).prod(axis=1))
    return _over_shape(logs.sum(axis=0), over.sum() / scales, shapes)


def _over_shape(logs: FloatArray, limit: FloatArray, shapes: FloatArray) -> FloatArray:
    """Logarithms (..., j) over shapes (j,); where a shape is 0, the limit."""
    zero = np.abs(shapes) < EXPONENTIAL
    if not zero.any():
        return np.asarray(logs / shapes)
    return np.where(zero, limit, logs / np.where(zero, 1, shapes))
