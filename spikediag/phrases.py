"""The one voice for a spike: what it did, and from where to where."""

import math
from typing import assert_never

from spikediag.model import Kind, Shape, Spike, Text, say

HIGHEST, LOWEST = say("highest"), say("lowest")
CAME_BACK, STAYED = say("came back"), say("did not come back")


def spike_clause(spike: Spike) -> Text:
    """What the series did, as half a sentence: "bc/mse leapt by +39.1 at step 15,510 and came back"."""
    match spike.shape:
        case Shape.BURST:
            return _burst_clause(spike)
        case Shape.LEVEL:
            return _level_clause(spike)
        case Shape.TREND:
            return _trend_clause(spike)
        case Shape.NOISE:
            return _noise_clause(spike)
        case Shape.LOST:
            return _lost_clause(spike)
        case _:
            assert_never(spike.shape)


def _burst_clause(spike: Spike) -> Text:
    if spike.usual:
        return say(
            "{tag} jumps all along, as such losses do: {count:,} times, at most by {height} at step {step:,}",
            tag=spike.tag,
            count=spike.count,
            height=_height(spike),
            step=spike.peak_step,
        )
    if spike.kind is Kind.TRAIN:
        return say(
            "{tag} jumped {count:,} times, at most by {height} at step {step:,}",
            tag=spike.tag,
            count=spike.count,
            height=_height(spike),
            step=spike.peak_step,
        )
    if spike.recovered and spike.height >= 0:
        return say(
            "{tag} leapt by {height} at step {step:,} and came back",
            tag=spike.tag,
            height=_height(spike),
            step=spike.onset_step,
        )
    return _level_clause(spike)


def _level_clause(spike: Spike) -> Text:
    height, end = _height(spike), CAME_BACK if spike.recovered else STAYED
    if spike.height < 0:
        return say(
            "{tag} fell by {height} at step {step:,} and {end}",
            tag=spike.tag,
            height=height,
            step=spike.onset_step,
            end=end,
        )
    return say(
        "{tag} rose by {height} at step {step:,} and {end}",
        tag=spike.tag,
        height=height,
        step=spike.onset_step,
        end=end,
    )


def _trend_clause(spike: Spike) -> Text:
    if spike.recovered:
        return _level_clause(spike)
    if spike.kind is Kind.DIVERGENCE:
        return say("{tag} diverged from step {step:,} on", tag=spike.tag, step=spike.onset_step)
    if spike.height < 0:
        return say(
            "{tag} drifted down by {height} from step {step:,} on",
            tag=spike.tag,
            height=_height(spike),
            step=spike.onset_step,
        )
    return say(
        "{tag} drifted up by {height} from step {step:,} on",
        tag=spike.tag,
        height=_height(spike),
        step=spike.onset_step,
    )


def _noise_clause(spike: Spike) -> Text:
    times = _number((spike.noise + spike.height) / spike.noise) if spike.noise > 0 else None
    if spike.end_step is None:
        return say(
            "{tag} became {times} times as noisy from step {step:,} on",
            tag=spike.tag,
            times=times,
            step=spike.onset_step,
        )
    return say(
        "{tag} was {times} times as noisy from step {step:,} to step {end:,}",
        tag=spike.tag,
        times=times,
        step=spike.onset_step,
        end=spike.end_step,
    )


def _lost_clause(spike: Spike) -> Text:
    if spike.end_step is None:
        return say("{tag} stopped being a number at step {step:,}", tag=spike.tag, step=spike.onset_step)
    return say(
        "{tag} was not a number at step {step:,}, and was one again by step {end:,}",
        tag=spike.tag,
        step=spike.onset_step,
        end=spike.end_step,
    )


def levels(spike: Spike) -> Text:
    """From where to where, one sentence."""
    before, after = _number(spike.baseline), _number(spike.level_after)
    peak, sigmas = _number(spike.peak_value), _number(abs(spike.sigmas))
    match spike.shape:
        case Shape.BURST if spike.kind is Kind.TRAIN:
            return say(
                "{count:,} jumps, the highest from {before} to {peak}, {sigmas} times the noise before it.",
                count=spike.count,
                before=before,
                peak=peak,
                sigmas=sigmas,
            )
        case Shape.BURST:
            return say(
                "From {before} to {peak}, {sigmas} times the noise before it.",
                before=before,
                peak=peak,
                sigmas=sigmas,
            )
        case Shape.LEVEL | Shape.TREND:
            return say(
                "From a level of {before} to one of {after} ({extreme} point {peak}), "
                "{sigmas} times the noise before it.",
                before=before,
                after=after,
                extreme=_extreme(spike),
                peak=peak,
                sigmas=sigmas,
            )
        case Shape.NOISE:
            return say(
                "Its standard deviation went from {before} to {after}.",
                before=_number(spike.noise),
                after=_number(spike.noise + spike.height),
            )
        case Shape.LOST:
            return say("Before, it stood at {before}.", before=before)
        case _:
            assert_never(spike.shape)


def _height(spike: Spike) -> Text:
    """How far it went: signed for a rise, so that none reads as a fall, and plain for a fall."""
    falls = math.isfinite(spike.height) and spike.height < 0
    return _number(abs(spike.height)) if falls else say("{value:+.3g}", value=spike.height)


def _extreme(spike: Spike) -> Text:
    return LOWEST if spike.height < 0 else HIGHEST


def _number(value: float) -> Text:
    return say("{value:.3g}", value=value)
