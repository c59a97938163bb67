"""sigma-collapse: the loss fell below what one sigma can reach at this error, before any spike."""

import numpy as np

from spikediag.attribution import remedies
from spikediag.attribution.settings import dims
from spikediag.model import Condition, Finding, FloatArray, Measure, Reduction, Role, Run, Series, Status, say
from spikediag.stats.nll import certified_dimensions, isotropic_floor

LAST_SHARE = 0.1  # of the log, for the level at the end
FEWEST_POINTS = 10


def sigma_collapse(run: Run, findings: tuple[Finding, ...]) -> Condition | None:
    """Whether sigma is far below the error somewhere; None without a likelihood and a squared error."""
    pair = _pair(run, findings)
    if pair is None:
        return None
    loss, error = pair
    d = dims(run)
    level = _end(loss.values)
    mse = _end(error.values) * (d if error.reduction is Reduction.MEAN and d else 1)
    if not (np.isfinite(level) and mse > 0):
        return None
    checked = d or max(certified_dimensions(level, mse), 1)
    floor = isotropic_floor(mse, checked)
    if level >= floor:
        reading = say(
            "{tag} ends at {level:.1f} nats, above {floor:.1f}, what one sigma can reach at {error} "
            "{mse:.3g} in {dims} dimensions.",
            tag=loss.tag,
            level=level,
            floor=floor,
            error=error.tag,
            mse=mse,
            dims=checked,
        )
        return Condition("sigma-collapse", Status.RULED_OUT, reading, level - floor)
    reading = say(
        "{tag} ends at {level:.1f} nats, {below:.1f} below the {floor:.1f} that one sigma can reach at "
        "{error} {mse:.3g} in {dims} dimensions: sigma is far below the error somewhere, and small strays "
        "cost many nats there.",
        tag=loss.tag,
        level=level,
        below=floor - level,
        floor=floor,
        error=error.tag,
        mse=mse,
        dims=checked,
    )
    return Condition(
        "sigma-collapse", Status.SUPPORTED, reading, level - floor, (remedies.sigma_floor(run, mse, d),)
    )


def _pair(run: Run, findings: tuple[Finding, ...]) -> tuple[Series, Series] | None:
    found = [run.series[f.spike.tag] for f in findings]
    losses = [s for s in (*found, *run.having(Role.LOSS)) if run.is_likelihood(s)]
    errors = [s for s in run.having(Role.COMPANION) if s.measure is Measure.SQUARED_ERROR]
    for loss in losses:
        group = loss.tag.rpartition("/")[0]
        near = sorted(errors, key=lambda s: (s.tag.rpartition("/")[0] != group, s.tag))
        if near and min(np.isfinite(loss.values).sum(), np.isfinite(near[0].values).sum()) >= FEWEST_POINTS:
            return loss, near[0]
    return None


def _end(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite[-max(FEWEST_POINTS, int(LAST_SHARE * len(finite))) :]))
