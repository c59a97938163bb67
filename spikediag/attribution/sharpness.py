"""Is sigma tiny? What loss and error alone certify, and how the loss kept falling while the error did not."""

from collections.abc import Iterator

import numpy as np

from spikediag.attribution.likelihood import levels, likelihood
from spikediag.attribution.settings import dims
from spikediag.model import Case, Evidence, FactName, FloatArray, Reduction, Role, say
from spikediag.stats.nll import certified_dimensions, isotropic_floor

SHARPENED_NATS = 1.0  # fall of the loss at a flat error that counts as sharpening
OVERCONFIDENT = 2.0  # squared error in sigmas per dimension; 1 for a calibrated policy
AT_CLIP = 0.05  # nats above the floor that count as at it
FLAT_ERROR = 0.8  # the error kept at least this share of its level


def sharp_evidence(case: Case) -> Iterator[Evidence]:
    """Evidence that sigma is far below the error in places, from the loss and the error alone."""
    known = likelihood(case)
    if known is None or known.mse is None:
        return
    dims = known.dims or certified_dimensions(known.before, known.mse)
    if dims < 1:
        return
    floor = isotropic_floor(known.mse, dims)
    below = known.before < floor
    reading = say(
        "The loss before the jump ({loss:.1f} nats) lies above {floor:.1f}, what one sigma can reach at "
        "{tag} {mse:.3g} in {dims} dimensions: nothing certifies a tiny sigma.",
        loss=known.before,
        floor=floor,
        tag=known.mse_tag,
        mse=known.mse,
        dims=dims,
    )
    if below:
        reading = say(
            "The loss before the jump ({loss:.1f} nats) lies below {floor:.1f}, the least one sigma can "
            "reach at {tag} {mse:.3g} in {dims} dimensions: sigma is tiny for some samples or dimensions.",
            loss=known.before,
            floor=floor,
            tag=known.mse_tag,
            mse=known.mse,
            dims=dims,
        )
    yield Evidence("isotropic-floor", reading, 0.5 if below else -0.5, known.before, floor)
    yield from _sharpening(case)


def overconfident(case: Case) -> Iterator[Evidence]:
    """Evidence from a logged log-std: errors are larger than sigma says, in the mean over the batch."""
    found, d = levels(case), dims(case.run)
    if found is None or d is None:
        return
    share = found[0].standardised(d) / d
    if share >= OVERCONFIDENT:
        reading = say(
            "Before the jump the errors were {sigmas:.1f} sigmas (1 where sigma is right): sigma was too "
            "small.",
            sigmas=share**0.5,
        )
        yield Evidence("overconfident", reading, 1.0, share, OVERCONFIDENT)


def at_floor(case: Case) -> Iterator[Evidence]:
    """Evidence that the smallest sigma has reached the clip that the configuration states."""
    floor, log_floor = case.run.fact(FactName.SIGMA_MIN).number, case.run.fact(FactName.LOG_STD_MIN).number
    limit = log_floor if log_floor is not None else float(np.log(floor)) if floor else None
    lowest = next((s for s in case.run.having(Role.LOG_STD) if s.reduction is Reduction.MIN), None)
    if limit is None or lowest is None:
        return
    past = lowest.values[(lowest.steps < case.spike.onset_step) & np.isfinite(lowest.values)]
    if len(past) and float(np.median(past[-33:])) <= limit + AT_CLIP:
        reading = say("{tag} stands at its floor of {limit:.2f}.", tag=lowest.tag, limit=limit)
        yield Evidence("at-floor", reading, 0.3, float(np.median(past[-33:])), limit)


def _sharpening(case: Case) -> Iterator[Evidence]:
    """The loss fell over the second half of the past while the error did not."""
    known = likelihood(case)
    if known is None or known.mse_tag is None:
        return
    onset = case.spike.onset_step
    loss, error = case.run.series[case.spike.tag], case.run.series[known.mse_tag]
    fall = _halves(loss.steps, loss.values, onset)
    shrink = _halves(error.steps, error.values, onset)
    if fall is None or shrink is None or fall[0] - fall[1] < SHARPENED_NATS:
        return
    if shrink[1] < FLAT_ERROR * shrink[0]:
        return
    yield Evidence(
        "sharpening",
        say(
            "Sigma kept shrinking: the loss fell from {before:.1f} to {after:.1f} nats in the second half "
            "before the jump while {tag} stayed at {mse:.3g}.",
            before=fall[0],
            after=fall[1],
            tag=known.mse_tag,
            mse=shrink[1],
        ),
        0.3,
        fall[1] - fall[0],
        -SHARPENED_NATS,
    )


def _halves(steps: np.ndarray, values: FloatArray, onset: int) -> tuple[float, float] | None:
    """Median levels around half of the way to the onset, and just before it."""
    past = values[(steps < onset) & np.isfinite(values)]
    if len(past) < 40:
        return None
    width, middle = len(past) // 10, len(past) // 2
    return float(np.median(past[middle - width // 2 : middle + width // 2 + 1])), float(
        np.median(past[-width:])
    )
