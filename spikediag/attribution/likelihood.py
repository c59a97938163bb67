"""The levels of loss, error and log-std before and at one spike, in the units of the NLL's algebra."""

from dataclasses import dataclass

import numpy as np

from spikediag.attribution.settings import dims, interval
from spikediag.model import Case, Kind, Measure, Reduction, Role, Run, Series
from spikediag.stats.nll import HALF_LOG_2PI, Level

LEVEL_POINTS = 33  # logged points a level is the median of


@dataclass(frozen=True)
class Likelihood:
    """What is known of a Gaussian negative log-likelihood around one spike; nats summed over dimensions."""

    before: float  # loss level
    peak: float  # loss at the top
    mse_tag: str | None
    mse: float | None  # error level before, summed over dimensions
    mse_bound: float | None  # largest change of it that the 90 % interval allows
    dims: int | None


def likelihood(case: Case) -> Likelihood | None:
    """The levels around the spike; None when the loss is not known to be a negative log-likelihood."""
    loss = case.run.series[case.spike.tag]
    if not case.run.is_likelihood(loss):
        return None
    d = dims(case.run)
    scale = _per_sum(loss, d)
    for test in case.coupling.tests:
        series = case.run.series[test.tag]
        if series.measure is Measure.SQUARED_ERROR and test.before > 0 and np.isfinite(test.low + test.high):
            factor = _per_sum(series, d)
            bound = max(abs(test.low), abs(test.high)) * factor
            return Likelihood(*_heights(case, scale), test.tag, test.before * factor, bound, d)
    return Likelihood(*_heights(case, scale), None, None, None, d)


def _heights(case: Case, scale: float) -> tuple[float, float]:
    return case.spike.baseline * scale, (case.spike.baseline + case.spike.height) * scale


def _per_sum(series: Series, d: int | None) -> float:
    """Factor that turns a mean over dimensions into a sum; an unknown reduction is taken as a sum."""
    return float(d) if series.reduction is Reduction.MEAN and d is not None else 1.0


def log_std_series(run: Run) -> Series | None:
    """The log-std that stands for the whole policy: a mean before a sum before an unknown reduction."""
    order = (Reduction.MEAN, Reduction.SUM, Reduction.UNKNOWN)
    usable = [s for s in run.having(Role.LOG_STD) if s.reduction in order and len(s) > 1]
    return min(usable, key=lambda s: (order.index(s.reduction), s.tag), default=None)


def summed_log_sigma(run: Run) -> Series | None:
    """The mean of the summed log sigma as a series: from log-std, else from the entropy of a Gaussian."""
    d = dims(run)
    if d is None:
        return None
    series = log_std_series(run)
    if series is not None and not _from_std(series):
        factor = 1.0 if series.reduction is Reduction.SUM else float(d)
        return _mapped(series, series.values * factor)
    entropy = next((s for s in run.having(Role.ENTROPY) if len(s) > 1), None)
    if entropy is None:
        return None
    return _mapped(entropy, entropy.values - d * (0.5 + HALF_LOG_2PI))


def _from_std(series: Series) -> bool:
    """Whether a mean standard deviation was logged: its logarithm is not the mean of the logarithms."""
    return "logarithm of the logged standard deviation" in series.reason


def _mapped(series: Series, values: np.ndarray) -> Series:
    return Series(series.tag, series.role, series.steps, values, series.wall_times)


def levels(case: Case, step: float | None = None) -> tuple[Level, Level] | None:
    """Loss, summed log sigma and error before the spike and at its top; None without log-std or entropy.

    Args:
        case: The case.
        step: Look at this logged step instead of the top.
    """
    sigma, known = summed_log_sigma(case.run), likelihood(case)
    if sigma is None or known is None:
        return None
    points = _at_top(case, sigma, step)
    past = np.flatnonzero(np.isfinite(sigma.values) & (sigma.steps < case.spike.onset_step))[-LEVEL_POINTS:]
    if not len(points) or not len(past):
        return None
    mse0, mse1 = _errors(case, known, step)
    top = known.peak if step is None else _loss_at(case, step)
    return (
        Level(known.before, float(np.median(sigma.values[past])), mse0),
        Level(top, float(np.mean(sigma.values[points])), mse1),
    )


def _loss_at(case: Case, step: float) -> float:
    loss = case.run.series[case.spike.tag]
    position = min(int(np.searchsorted(loss.steps, step)), len(loss) - 1)
    return float(loss.values[position]) * _per_sum(loss, dims(case.run))


def _at_top(case: Case, series: Series, step: float | None) -> np.ndarray:
    """Finite positions of another series at the step, the peak, or the first stretch of a lasting rise."""
    spike, loss = case.spike, case.run.series[case.spike.tag]
    reach = 0.5 * interval(loss)
    if step is not None:
        first, last = step - reach, step + reach
    elif spike.kind in {Kind.TRANSIENT, Kind.TRAIN}:
        first, last = spike.peak_step - reach, spike.peak_step + reach
    else:
        stop = min(spike.stop, spike.start + 4 * LEVEL_POINTS)
        first, last = spike.onset_step - reach, float(loss.steps[stop - 1]) + reach
    return np.flatnonzero((series.steps >= first) & (series.steps <= last) & np.isfinite(series.values))


def _errors(case: Case, known: Likelihood, step: float | None) -> tuple[float | None, float | None]:
    if known.mse_tag is None:
        return None, None
    series = case.run.series[known.mse_tag]
    points = _at_top(case, series, step)
    if not len(points):
        return None, None
    return known.mse, float(np.mean(series.values[points])) * _per_sum(series, known.dims)
