"""The levels of loss, error and log-std before and at one spike, in the units of the NLL's algebra."""

from dataclasses import dataclass

import numpy as np

from spikediag.attribution.run_facts import dims
from spikediag.model import (
    Coupling,
    FloatArray,
    IntArray,
    LossKind,
    Measure,
    Reduction,
    Role,
    Run,
    Series,
    Spike,
    Transform,
)
from spikediag.stats.medians import median
from spikediag.stats.nll import HALF_LOG_2PI, Drivers, Level, decompose

SMALLEST_ERROR = 1e-100  # below, an error is rounding
LEVEL_POINTS = 33  # logged points a level is the median of
_CALIBRATED = (0.2, 20.0)  # squared error in sigmas per dimension; beyond, the loss is not this formula


@dataclass(frozen=True)
class StepRange:
    """Steps from the first to the last, both in."""

    first: float
    last: float

    def points(self, series: Series) -> IntArray:
        """Positions of the finite points of a series in it."""
        first, stop = series.steps.searchsorted(self.first), series.steps.searchsorted(self.last, "right")
        return first + np.flatnonzero(series.finite[first:stop])


@dataclass(frozen=True, eq=False)
class Likelihood:
    """What is known of a Gaussian negative log-likelihood around one spike; nats summed over dimensions."""

    before: float  # loss level
    peak: float  # loss at the top
    scale: float  # nats for one unit of the loss
    dims: int | None
    error: Series | None = None  # a squared error of the same actions
    mse: float | None = None  # its level before, summed over dimensions
    mse_bound: float | None = None  # largest change of it that the 90 % interval allows

    @property
    def jump(self) -> float:
        """Nats."""
        return self.peak - self.before

    @property
    def mse_tag(self) -> str | None:
        """The tag of the squared error."""
        return self.error.tag if self.error is not None else None


def likelihood(run: Run, spike: Spike, coupling: Coupling) -> Likelihood | None:
    """The levels around the spike; None when the loss is not known to be a negative log-likelihood."""
    loss = run.series[spike.tag]
    if run.loss_kind(loss) is not LossKind.LIKELIHOOD:
        return None
    d = dims(run)
    scale = per_sum(loss, d)
    before, peak = spike.baseline * scale, (spike.baseline + spike.height) * scale
    for test in coupling.tests:
        error = run.series[test.tag]
        if (
            error.measure is Measure.SQUARED_ERROR
            and test.before > SMALLEST_ERROR
            and np.isfinite(test.low + test.high)
        ):
            factor = per_sum(error, d)
            bound = max(abs(test.low), abs(test.high)) * factor
            return Likelihood(before, peak, scale, d, error, test.before * factor, bound)
    return Likelihood(before, peak, scale, d)


def per_sum(series: Series, d: int | None) -> float:
    """Factor that turns a mean over dimensions into a sum; an unknown reduction is taken as a sum."""
    return float(d) if series.reduction is Reduction.MEAN and d is not None else 1.0


def log_std_series(run: Run) -> Series | None:
    """The log-std that stands for the whole policy: a mean before a sum before an unknown reduction."""
    return run.once(_log_std_series)


def _log_std_series(run: Run) -> Series | None:
    order = (Reduction.MEAN, Reduction.SUM, Reduction.UNKNOWN)
    usable = [s for s in run.having(Role.LOG_STD) if s.reduction in order and len(s) > 1]
    found = min(usable, key=lambda s: (order.index(s.reduction), s.tag), default=None)
    return found.natural if found is not None else None


def summed_log_sigma(run: Run) -> Series | None:
    """The mean of the summed log sigma as a series: from log-std, else from the entropy of a Gaussian.

    The logarithm of a logged mean sigma is not the mean of the logarithms and is not taken for it.
    """
    return run.once(_summed_log_sigma)


def _summed_log_sigma(run: Run) -> Series | None:
    d = dims(run)
    if d is None:
        return None
    series = log_std_series(run)
    if series is not None and run.series[series.tag].transform is not Transform.LN:
        factor = 1.0 if series.reduction is Reduction.SUM else float(d)
        return _mapped(series, series.values * factor)
    entropy = next((s for s in run.having(Role.ENTROPY) if len(s) > 1), None)
    if entropy is None:
        return None
    return _mapped(entropy, entropy.natural.values - d * (0.5 + HALF_LOG_2PI))


def _mapped(series: Series, values: FloatArray) -> Series:
    return Series(series.tag, series.role, series.steps, values, series.wall_times)


def levels(
    known: Likelihood, sigma: Series, onset: int, top: StepRange, loss: float
) -> tuple[Level, Level] | None:
    """Loss, summed log sigma and error before the onset and over a stretch; None where sigma has no point.

    Args:
        known: Loss and error around the spike.
        sigma: The mean of the summed log sigma.
        onset: Step of the onset.
        top: Where the spike is looked at.
        loss: What it reached there, nats.
    """
    points, past = top.points(sigma), sigma.before(onset)[-LEVEL_POINTS:]
    if not len(points) or not len(past):
        return None
    before, during = _errors(known, top)
    return (
        Level(known.before, median(past), before),
        Level(loss, float(np.mean(sigma.values[points])), during),
    )


def _errors(known: Likelihood, top: StepRange) -> tuple[float | None, float | None]:
    points = top.points(known.error) if known.error is not None else ()
    if known.error is None or not len(points):
        return None, None
    return known.mse, float(np.mean(known.error.values[points])) * per_sum(known.error, known.dims)


def drivers(before: Level, after: Level, d: int) -> Drivers | None:
    """The rise split into sigma, error and concentration; None where the loss is not this formula."""
    share = before.standardised(d) / d
    return decompose(before, after, d) if _CALIBRATED[0] <= share <= _CALIBRATED[1] else None
