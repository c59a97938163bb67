"""What the likelihood's algebra proves: why the error did not move, and whether sigma is tiny."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.case import Case
from spikediag.attribution.nll_levels import Likelihood
from spikediag.attribution.protocol import weigh
from spikediag.attribution.run_facts import squashed
from spikediag.model import Component, CouplingVerdict, Evidence, FactName, Series, Shape, Text, say
from spikediag.stats.medians import median
from spikediag.stats.nll import (
    amplification_bound,
    certified_dimensions,
    clip_plateau,
    effective_sigma,
    error_rise_needed,
    isotropic_floor,
    squash_gain,
)

SATURATION = 1e-6  # distance of a squashed action from the edge: where implementations clip
PLATEAU_TOLERANCE = 0.1  # nats per dimension
SHARPENED_NATS = 1.0  # fall of the loss at a flat error that counts as sharpening
FLAT_ERROR = 0.8  # the error kept at least this share of its level
FEWEST_POINTS = 40  # before the onset, for the fall over the second half of them


def components(case: Case) -> tuple[Component, ...]:
    """The exact decomposition of the jump, nats; empty where it cannot be had."""
    split = case.drivers
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
    known = case.likelihood
    if known is None or known.mse is None or not np.isfinite(case.spike.height) or case.spike.height <= 0:
        return ()
    return (
        *_floor(known),
        *_squash(case, known),
        *_needed(case, known),
        *_bound(case, known),
        *_peak(known),
        *_plateau(case, known),
    )


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


def _squash(case: Case, known: Likelihood) -> Iterator[Text]:
    """Below the floor, a squashed policy is the other explanation, unless it is said to be none."""
    if known.dims is None or known.mse is None or known.before >= isotropic_floor(known.mse, known.dims):
        return
    if squashed(case.run) is False:
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
    if known.dims is None or ceiling is None or ceiling <= 0 or case.spike.shape is not Shape.LEVEL:
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
    yield say(
        "Had the error alone made the {jump:.1f} nats, at a sigma that is right on average, {tag} would have "
        "had to rise by {needed:.3g}, to {factor:.0f} times its level; it changed by {change:+.2g}.",
        jump=known.jump,
        tag=known.mse_tag,
        needed=error_rise_needed(known.jump, known.mse, known.dims),
        factor=1 + 2 * known.jump / known.dims,
        change=test.change,
    )


def _bound(case: Case, known: Likelihood) -> Iterator[Text]:
    if case.coupling.verdict is not CouplingVerdict.DECOUPLED or not known.mse_bound:
        return
    yield say(
        "An error that changes by e^2 costs e^2 / (2 sigma^2) nats. {tag} changed by at most {bound:.2g}, so "
        "for {jump:.1f} nats with sigma unchanged some sigma is {sigma:.2g} or less: the jump is large in "
        "nats and too small to see in the error.",
        tag=known.mse_tag,
        bound=known.mse_bound,
        jump=known.jump,
        sigma=amplification_bound(known.jump, known.mse_bound, known.mse or np.inf),
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


@dataclass(frozen=True)
class Certificate:
    """The loss before the jump against the least that one sigma for all can reach at this error."""

    loss: float  # nats
    floor: float
    mse_tag: str
    mse: float  # summed over dimensions
    dims: int

    @property
    def tiny_sigma(self) -> bool:
        """Whether the loss lies below it: sigma is tiny for some samples or dimensions."""
        return self.loss < self.floor

    def evidence(self, trust: float = 1.0) -> Evidence:
        """In words, with a share of its weight where it is not independent of other evidence."""
        reading = say(
            "The loss before the jump ({loss:.1f} nats) lies above {floor:.1f}, what one sigma can reach at "
            "{tag} {mse:.3g} in {dims} dimensions: nothing certifies a tiny sigma.",
            loss=self.loss,
            floor=self.floor,
            tag=self.mse_tag,
            mse=self.mse,
            dims=self.dims,
        )
        if self.tiny_sigma:
            reading = say(
                "The loss before the jump ({loss:.1f} nats) lies below {floor:.1f}, the least one sigma can "
                "reach at {tag} {mse:.3g} in {dims} dimensions: sigma is tiny for some samples or "
                "dimensions.",
                loss=self.loss,
                floor=self.floor,
                tag=self.mse_tag,
                mse=self.mse,
                dims=self.dims,
            )
        weight = trust * (0.5 if self.tiny_sigma else -0.5)
        return weigh("isotropic-floor", weight, observed=self.loss, reference=self.floor, reading=reading)


def certificate(case: Case) -> Certificate | None:
    """What loss and error alone certify about sigma; None without a likelihood and its squared error."""
    known = case.likelihood
    if known is None or known.mse is None or known.mse_tag is None:
        return None
    dims = known.dims or certified_dimensions(known.before, known.mse)
    if dims < 1:
        return None
    return Certificate(known.before, isotropic_floor(known.mse, dims), known.mse_tag, known.mse, dims)


def sharp_evidence(case: Case, trust: float = 1.0) -> Iterator[Evidence]:
    """Evidence that sigma is far below the error in places, from the loss and the error alone.

    Args:
        case: The case.
        trust: Share of its weight that it keeps where it is not independent of other evidence.
    """
    certified = certificate(case)
    if certified is not None:
        yield certified.evidence(trust)
        yield from _sharpening(case, trust)


def _sharpening(case: Case, trust: float) -> Iterator[Evidence]:
    """Evidence that sigma kept shrinking: the loss fell before the jump while the error did not."""
    known = case.likelihood
    if known is None or known.error is None:
        return
    fall = _halves(case.loss, case.spike.onset_step)
    if fall is None or fall[0] - fall[1] < SHARPENED_NATS:
        return
    shrink = _halves(known.error, case.spike.onset_step)
    if shrink is None or shrink[1] < FLAT_ERROR * shrink[0]:
        return
    yield weigh(
        "sharpening",
        0.3 * trust,
        observed=fall[1] - fall[0],
        reference=-SHARPENED_NATS,
        reading=say(
            "Sigma kept shrinking: the loss fell from {before:.1f} to {after:.1f} nats in the second half "
            "before the jump while {tag} stayed at {mse:.3g}.",
            before=fall[0],
            after=fall[1],
            tag=known.error.tag,
            mse=shrink[1],
        ),
    )


def _halves(series: Series, onset: int) -> tuple[float, float] | None:
    """Median levels around half of the way to the onset, and just before it."""
    past = series.before(onset)
    if len(past) < FEWEST_POINTS:
        return None
    width, middle = len(past) // 10, len(past) // 2
    around = past[middle - width // 2 : middle + width // 2 + 1]
    return median(around), median(past[-width:])
