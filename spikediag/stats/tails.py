"""Tails: how often chance alone would exceed a score, learnt from the scores that were seen."""

from dataclasses import dataclass

import numpy as np

from spikediag.model import FloatArray

TOP = 0.2  # share of the pool that is the tail
MOST = 200  # exceedances used; more only cost time
SHAPES = np.linspace(-0.2, 0.9, 23)  # grid of xi; 0 is exponential, 1/3 is a Student t with 3 degrees
SCALES = np.exp(np.linspace(-1.5, 1.5, 25))  # grid of beta, in mean exceedances


@dataclass(frozen=True, eq=False)
class Tail:
    """A generalised Pareto tail above a threshold, averaged over what its parameters may be.

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
        """P(Z > score) for scores (m,) above the threshold; at most the rate below it."""
        over = np.maximum(np.asarray(scores) - self.threshold, 0)
        return self.rate * (np.exp(-_minus_log_survival(over, self.shapes, self.scales)) @ self.weights)


def fit_tail(pool: FloatArray, shape_mean: float, shape_sd: float) -> Tail:
    """Learn the tail of a pool (n,) of scores, n >= 8, given a normal prior of the shape."""
    ordered = np.sort(pool)
    count = int(np.clip(round(TOP * len(ordered)), 4, MOST))
    threshold = ordered[-count - 1]
    over = ordered[-count:] - threshold
    mean = max(float(over.mean()), np.finfo(float).tiny)
    shapes, relative = (g.ravel() for g in np.meshgrid(SHAPES, SCALES))
    scales = relative * mean
    hazard = _minus_log_survival(over, shapes, scales)
    with np.errstate(invalid="ignore"):
        log_density = -hazard * (1 + shapes) - np.log(scales)
    log_density = np.where(np.isfinite(hazard), log_density, -np.inf).sum(axis=0)
    log_weight = log_density - 0.5 * ((shapes - shape_mean) / shape_sd) ** 2
    weights = np.exp(log_weight - log_weight.max())
    return Tail(float(threshold), count / len(ordered), shapes, scales, weights / weights.sum())


def _minus_log_survival(over: FloatArray, shapes: FloatArray, scales: FloatArray) -> FloatArray:
    """-log of the generalised Pareto survival, (m, j) for exceedances (m,) and parameters (j,)."""
    scaled = over[:, None] / scales
    bent = np.where(np.abs(shapes) < 1e-9, 1e-9, shapes)
    inside = np.maximum(1 + bent * scaled, 0)
    with np.errstate(divide="ignore"):
        return np.log(inside) / bent
