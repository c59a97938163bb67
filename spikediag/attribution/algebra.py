"""Why the error did not move: what the likelihood proves about sigma, from this run's numbers."""

from collections.abc import Iterator

import numpy as np

from spikediag.attribution.likelihood import Likelihood, levels, likelihood
from spikediag.model import Case, Component, CouplingVerdict, FactName, Kind, Text, say
from spikediag.stats.nll import (
    Drivers,
    amplification_bound,
    certified_dimensions,
    clip_plateau,
    decompose,
    effective_sigma,
    error_rise_needed,
    isotropic_floor,
    squash_gain,
)

SATURATION = 1e-6  # distance of a squashed action from the edge: where implementations clip
PLATEAU_TOLERANCE = 0.1  # nats per dimension
_CALIBRATED = (0.2, 20.0)  # squared error in sigmas per dimension; beyond, the loss is not this formula


def drivers(case: Case, step: float | None = None) -> Drivers | None:
    """The jump, or the rise up to one step, split into sigma, error and concentration.

    None without log-std, or where the loss is not this formula.
    """
    found, known = levels(case, step), likelihood(case)
    if found is None or known is None or known.dims is None or not np.isfinite(case.spike.height):
        return None
    before, after = found
    share = before.standardised(known.dims) / known.dims
    return decompose(before, after, known.dims) if _CALIBRATED[0] <= share <= _CALIBRATED[1] else None


def components(case: Case) -> tuple[Component, ...]:
    """The exact decomposition of the jump, nats; empty where it cannot be had."""
    split = drivers(case)
    if split is None:
        return ()
    sigma = Component(say("sigma itself"), split.sigma)
    if split.error is None:
        return (sigma, Component(say("error, and where it landed"), split.concentration))
    return (
        sigma,
        Component(say("size of the error"), split.error),
        Component(say("error landing where sigma is smallest"), split.concentration),
    )


def algebra(case: Case) -> tuple[Text, ...]:
    """Sentences on sigma; empty when the loss is not a likelihood or no squared error is logged."""
    known = likelihood(case)
    if known is None or known.mse is None or not np.isfinite(case.spike.height) or case.spike.height <= 0:
        return ()
    parts = (_floor(known), _squash(known), _needed(case, known), _bound(case, known), _peak(known))
    return (*(text for part in parts for text in part), *_plateau(case, known))


def _floor(known: Likelihood) -> Iterator[Text]:
    assert known.mse is not None
    if known.dims is None:
        certified = certified_dimensions(known.before, known.mse)
        if certified >= 1:
            yield say(
                "Before the jump the loss stood at {loss:.1f} nats with {tag} at {mse:.3g}. With one sigma "
                "for every sample and dimension that is impossible for up to {dims} action dimensions: sigma "
                "must be far smaller in some places than the error as a whole suggests.",
                loss=known.before,
                tag=known.mse_tag,
                mse=known.mse,
                dims=certified,
            )
        return
    floor = isotropic_floor(known.mse, known.dims)
    if known.before < floor:
        yield say(
            "Before the jump the loss stood at {loss:.1f} nats with {tag} at {mse:.3g}. One sigma for all "
            "samples and all {dims} dimensions cannot go below {floor:.1f} nats at that error: sigma must be "
            "far smaller in some places than the error as a whole suggests.",
            loss=known.before,
            tag=known.mse_tag,
            mse=known.mse,
            dims=known.dims,
            floor=floor,
        )


def _squash(known: Likelihood) -> Iterator[Text]:
    """Below the floor, a squashed policy is the other explanation."""
    if known.dims is None or known.mse is None or known.before >= isotropic_floor(known.mse, known.dims):
        return
    yield say(
        "If the actions are squashed by tanh, the certificate does not hold: each dimension saturated at "
        "{edge:.6f} adds {gain:.1f} nats by itself.",
        edge=1 - SATURATION,
        gain=squash_gain(SATURATION),
    )


def _plateau(case: Case, known: Likelihood) -> Iterator[Text]:
    """A loss that stays near the value of sigma at its upper clip, whose gradient is zero there."""
    ceiling = case.run.fact(FactName.SIGMA_MAX).number
    if known.dims is None or ceiling is None or ceiling <= 0 or case.spike.kind is not Kind.LEVEL_SHIFT:
        return
    plateau = clip_plateau(ceiling, known.dims)
    if abs(known.peak - plateau) <= PLATEAU_TOLERANCE * known.dims:
        yield say(
            "The new level of {loss:.1f} nats is what {dims} dimensions cost with every sigma at its ceiling "
            "of {ceiling:g} ({plateau:.1f}): a clipped sigma has no gradient and cannot come back. Log "
            "log-std to decide.",
            loss=known.peak,
            dims=known.dims,
            ceiling=ceiling,
            plateau=plateau,
        )


def _needed(case: Case, known: Likelihood) -> Iterator[Text]:
    if known.dims is None or known.mse is None:
        return
    test = next(t for t in case.coupling.tests if t.tag == known.mse_tag)
    jump = known.peak - known.before
    yield say(
        "Had the error alone made the {jump:.1f} nats, {tag} would have had to rise by {needed:.3g}, to "
        "{factor:.0f} times its level; it changed by {change:+.2g}.",
        jump=jump,
        tag=known.mse_tag,
        needed=error_rise_needed(jump, known.mse, known.dims),
        factor=1 + 2 * jump / known.dims,
        change=test.change,
    )


def _bound(case: Case, known: Likelihood) -> Iterator[Text]:
    if case.coupling.verdict is not CouplingVerdict.DECOUPLED or not known.mse_bound:
        return
    jump = known.peak - known.before
    yield say(
        "An error that changes by e^2 costs e^2 / (2 sigma^2) nats. {tag} changed by at most {bound:.2g}, so "
        "for {jump:.1f} nats with sigma unchanged some sigma is {sigma:.2g} or less: the jump is large in "
        "nats and too small to see in the error.",
        tag=known.mse_tag,
        bound=known.mse_bound,
        jump=jump,
        sigma=amplification_bound(jump, known.mse_bound, known.mse or np.inf),
    )


def _peak(known: Likelihood) -> Iterator[Text]:
    if known.dims is None or known.mse is None:
        return
    after = effective_sigma(known.peak, known.mse, known.dims)
    if after is not None and after.error_in_sigmas > 1:
        yield say(
            "At the peak ({loss:+.1f} nats) the policy is as surprised as one with a single sigma of "
            "{sigma:.2g}, whose errors are {sigmas:.1f} sigmas.",
            loss=known.peak,
            sigma=after.narrow,
            sigmas=after.error_in_sigmas,
        )
