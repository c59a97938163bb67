"""Levels, steps and chance of one finding in a sentence or two."""

from spikediag.model import Finding, Kind, Text, say
from spikediag.wording.numbers import number
from spikediag.wording.writer import verbatim

LASTING = (Kind.LEVEL_SHIFT, Kind.DRIFT, Kind.DIVERGENCE)  # height is the new level above the old one


def story(finding: Finding) -> Text:
    """From where to where, when, and how often chance alone would do this."""
    spike = finding.spike
    if spike.kind is Kind.NON_FINITE:
        return say(
            "From step {onset:,} on it is NaN or Inf; before, it stood at {before}.",
            onset=spike.onset_step,
            before=verbatim(number(spike.baseline)),
        )
    return say(
        "{levels} {steps} By chance alone a run like this would show {chance} such rises.",
        levels=_levels(finding),
        steps=_steps(finding),
        chance=verbatim(number(spike.expected_by_chance)),
    )


def rhythm(finding: Finding) -> Text | None:
    """How often the members of a train come, and whether ever more often."""
    spike = finding.spike
    if spike.kind is not Kind.TRAIN or spike.rate is None:
        return None
    trend = {
        True: say("they come ever more often"),
        False: say("they do not come more often with time"),
        None: say("whether they come more often with time cannot be told"),
    }[spike.rate_grows]
    return say(
        "That is {rate:.1f} in every 10,000 logged points; {trend}.",
        rate=spike.rate,
        trend=trend,
    )


def new_level(finding: Finding) -> float:
    """Where the loss stands after a jump that lasts, in its own unit."""
    return finding.spike.baseline + finding.spike.height


def _levels(finding: Finding) -> Text:
    spike = finding.spike
    sigmas = verbatim(number(spike.sigmas))
    if spike.kind is Kind.VARIANCE:
        return say(
            "Its standard deviation went from {before} to {after}.",
            before=verbatim(number(spike.noise)),
            after=verbatim(number(spike.noise + spike.height)),
        )
    if spike.kind in LASTING:
        return say(
            "From a level of {before} to one of {after} (highest point {peak}), "
            "{sigmas} times the noise before it.",
            before=verbatim(number(spike.baseline)),
            after=verbatim(number(new_level(finding))),
            peak=verbatim(number(spike.peak_value)),
            sigmas=sigmas,
        )
    if spike.kind is Kind.TRAIN:
        return say(
            "{count:,} jumps, the highest from {before} to {peak}, {sigmas} times the noise before it.",
            count=spike.count,
            before=verbatim(number(spike.baseline)),
            peak=verbatim(number(spike.peak_value)),
            sigmas=sigmas,
        )
    return say(
        "From {before} to {peak}, {sigmas} times the noise before it.",
        before=verbatim(number(spike.baseline)),
        peak=verbatim(number(spike.peak_value)),
        sigmas=sigmas,
    )


def _steps(finding: Finding) -> Text:
    spike = finding.spike
    if spike.kind is Kind.TRAIN and spike.end_step is not None:
        return say(
            "They lie between steps {onset:,} and {end:,}, the highest at step {top:,}.",
            onset=spike.onset_step,
            top=spike.peak_step,
            end=spike.end_step,
        )
    if spike.end_step is not None and spike.onset_step == spike.peak_step:
        return say(
            "It came at step {top:,} and was back by step {end:,}.", top=spike.peak_step, end=spike.end_step
        )
    if spike.end_step is None:
        return say(
            "Onset at step {onset:,}, highest at step {top:,}, not back when the log ended.",
            onset=spike.onset_step,
            top=spike.peak_step,
        )
    return say(
        "Onset at step {onset:,}, highest at step {top:,}, back by step {end:,}.",
        onset=spike.onset_step,
        top=spike.peak_step,
        end=spike.end_step,
    )
