"""The algebra of a Gaussian negative log-likelihood: what a loss and an error prove about sigma.

Per sample NLL = sum over d dimensions of [log sigma + log(2 pi)/2 + e^2 / (2 sigma^2)]. Averaged over a
batch, `L = S + d log(2 pi)/2 + Q/2` with S the mean of the summed log sigma, Q the mean of the summed
squared error in units of sigma (d for a calibrated policy) and M the mean of the summed squared error.
All losses in nats, summed over dimensions.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import lambertw

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
MAX_DIMENSION = 64  # more action dimensions than any robot of the tag study


def isotropic_floor(mse: float, dims: int) -> float:
    """The lowest loss any policy with one constant sigma can reach at this error, nats.

    `(d/2)(1 + log(2 pi M / d))`, reached at sigma^2 = M/d. A loss below it certifies that sigma differs
    between samples or dimensions (or that the actions are squashed, or that M is scaled).

    Args:
        mse: Mean over the batch of the squared error summed over dimensions, > 0.
        dims: Action dimensions.
    """
    return 0.5 * dims * (1 + math.log(2 * math.pi * mse / dims))


def certified_dimensions(loss: float, mse: float) -> int:
    """The largest d such that the loss lies below the isotropic floor for every dimension 1..d; 0 if none."""
    above = (d for d in range(1, MAX_DIMENSION + 1) if loss >= isotropic_floor(mse, d))
    return next(above, MAX_DIMENSION + 1) - 1


@dataclass(frozen=True)
class EffectiveSigma:
    """The two constant sigmas that give this loss at this error."""

    narrow: float  # too small: errors are many sigmas
    wide: float  # too large
    error_in_sigmas: float  # root mean square error per dimension over the narrow sigma


def effective_sigma(loss: float, mse: float, dims: int) -> EffectiveSigma | None:
    """Solve `x - log x = 2L/d - log(2 pi M / d)` with x = M / (d sigma^2) by Lambert's W.

    Returns:
        None below the isotropic floor, where no constant sigma exists.
    """
    level = 2 * loss / dims - math.log(2 * math.pi * mse / dims)
    if level < 1 or not math.isfinite(level):
        return None
    per_dimension = math.sqrt(mse / dims)
    wide = -float(np.real(lambertw(-math.exp(-level), 0)))
    narrow = -float(np.real(lambertw(-math.exp(-level), -1))) if level < 700 else level
    return EffectiveSigma(
        narrow=per_dimension / math.sqrt(narrow),
        wide=per_dimension / math.sqrt(wide) if wide > 0 else math.inf,
        error_in_sigmas=math.sqrt(narrow),
    )


def amplification_bound(jump: float, mse_change: float, mse_before: float = math.inf) -> float:
    """A value that some sigma does not exceed, if sigma did not change while the error made `jump` nats.

    Errors that rise cost at most their own sum over 2 sigma^2, and what rises is at most what the error is
    afterwards: the net change may be nothing while one dimension's error rises by all that another's falls.

    Args:
        jump: Nats, > 0.
        mse_change: Largest net rise of the error summed over dimensions.
        mse_before: That error before; where it is unknown, no sigma is certified.
    """
    return math.sqrt((mse_change + mse_before) / (2 * jump))


def error_rise_needed(jump: float, mse: float, standardised: float) -> float:
    """How much the error must rise if it alone, spread evenly, is to lift the loss by `jump` nats.

    Args:
        jump: Nats, > 0.
        mse: Error level before, summed over dimensions.
        standardised: Q before the jump; d for a calibrated policy.
    """
    return mse * 2 * jump / standardised


def clip_plateau(sigma: float, dims: int) -> float:
    """The loss of a policy whose every sigma is pinned at this clip and whose errors are negligible, nats."""
    return dims * (math.log(sigma) + HALF_LOG_2PI)


def squash_gain(margin: float) -> float:
    """What one tanh-squashed dimension saturated at `1 - margin` adds to the log-likelihood's Jacobian, nats.

    `log(1 - a^2)` with a = 1 - margin: -13.1 at 1e-6. A loss far below the isotropic floor can be one
    saturated gripper dimension.
    """
    return math.log(margin * (2 - margin))


@dataclass(frozen=True)
class Level:
    """Batch means at one time: loss (nats), summed log sigma (nats) and summed squared error."""

    loss: float
    log_sigma: float
    mse: float | None  # None: no error was logged

    def standardised(self, dims: int) -> float:
        """Q, identified from the loss and sigma alone."""
        return 2 * (self.loss - self.log_sigma - dims * HALF_LOG_2PI)


@dataclass(frozen=True)
class Drivers:
    """A jump split without residual, nats: the parts sum to the jump."""

    sigma: float
    error: float | None  # None when no error was logged: then it is part of `concentration`
    concentration: float

    @property
    def total(self) -> float:
        """The jump."""
        return self.sigma + (self.error or 0.0) + self.concentration


def decompose(before: Level, after: Level, dims: int) -> Drivers | None:
    """Split a jump into sigma, error and concentration (errors landing where sigma is small).

    The logarithmic-mean Divisia index: with W the logarithmic mean of Q before and after, the change of
    Q is W times the change of log Q, and log Q = log(concentration) + log M - 2S/d is additive.
    Ang, B. W. (2004), doi:10.1016/S0301-4215(03)00076-4.

    Returns:
        None when Q is not positive: then the loss is not this formula (a clip, a bonus, a weight).
    """
    q0, q1 = before.standardised(dims), after.standardised(dims)
    if not (q0 > 0 and q1 > 0 and math.isfinite(q0) and math.isfinite(q1)):
        return None
    weight = _logarithmic_mean(q0, q1)
    narrowing = after.log_sigma - before.log_sigma
    sigma = narrowing - weight / dims * narrowing
    if before.mse is None or after.mse is None or min(before.mse, after.mse) <= 0:
        return Drivers(sigma, None, 0.5 * weight * (math.log(q1 / q0) + 2 * narrowing / dims))
    growth = math.log(after.mse / before.mse)
    concentration = math.log(q1 / q0) - growth + 2 * narrowing / dims
    return Drivers(sigma, 0.5 * weight * growth, 0.5 * weight * concentration)


def _logarithmic_mean(a: float, b: float) -> float:
    return a if math.isclose(a, b, rel_tol=1e-12) else (b - a) / math.log(b / a)
