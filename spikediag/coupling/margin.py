"""How large a change of the error still counts as 'did not move', and why."""

import math
from dataclasses import dataclass

from spikediag.model import Measure, Series, Text, say
from spikediag.stats.nll import error_rise_needed

SHARE = 0.25  # of the rise that error alone would need
SCORE_SHARE = 0.25  # of a score's level, which cannot double
ASSUMED_DIMENSION = 16  # more dimensions make a smaller margin: cautious where the dimension is unknown
_ERRORS = {Measure.SQUARED_ERROR, Measure.NORMALIZED_ERROR, Measure.ABSOLUTE_ERROR}


@dataclass(frozen=True)
class Margin:
    """The margin, unit of the companion, with the sentence that says how it was chosen."""

    value: float
    reason: Text


def choose_margin(
    companion: Series,
    *,
    likelihood: bool,
    sigmas: float,
    jump: float,
    level: float,
    noise: float,
    dims: float | None,
) -> Margin:
    """Take the margin from the NLL's algebra where loss and companion allow it, else from their noise.

    Args:
        companion: The error metric.
        likelihood: Whether the spiking loss is a negative log-likelihood.
        sigmas: Height of the spike in robust standard deviations of the loss.
        jump: Height of the loss over the tested window.
        level: Companion level before.
        noise: Robust standard deviation of single companion points.
        dims: Action dimensions, None when unknown.
    """
    algebraic = likelihood and companion.measure in _ERRORS
    if algebraic and level > 0 and math.isfinite(jump) and jump > 0:
        return _from_algebra(companion, jump, level, dims)
    most = SCORE_SHARE if companion.measure is Measure.ACCURACY else 1.0
    wide = min(max(1.0, SHARE * sigmas), most * abs(level) / noise if noise > 0 else math.inf)
    if not math.isfinite(wide) or wide <= 1:
        return Margin(noise, say("one standard deviation of {tag} before the jump", tag=companion.tag))
    return Margin(
        wide * noise,
        say(
            "{sigmas:.1f} standard deviations of {tag}: a quarter of how far the loss moved in its own "
            "noise, at most {most:.0%} of its level",
            sigmas=wide,
            most=most,
            tag=companion.tag,
        ),
    )


def _from_algebra(companion: Series, jump: float, level: float, dims: float | None) -> Margin:
    standardised = dims or ASSUMED_DIMENSION
    needed = error_rise_needed(jump, level, standardised)
    if companion.measure is Measure.ABSOLUTE_ERROR:  # squared error (1 + r) times as large: its root
        needed = level * (math.sqrt(1 + needed / level) - 1)
    value = min(SHARE * needed, level)
    if dims is None:
        return Margin(
            value,
            say(
                "a quarter of the rise in {tag} ({needed:+.3g}) that a jump of {jump:.1f} nats needs if "
                "error alone makes it, at most a doubling; action_dim is unknown, {assumed} assumed",
                tag=companion.tag,
                needed=needed,
                jump=jump,
                assumed=ASSUMED_DIMENSION,
            ),
        )
    return Margin(
        value,
        say(
            "a quarter of the rise in {tag} ({needed:+.3g}) that a jump of {jump:.1f} nats needs if error "
            "alone makes it ({dims:.0f} action dimensions), at most a doubling",
            tag=companion.tag,
            needed=needed,
            jump=jump,
            dims=dims,
        ),
    )
