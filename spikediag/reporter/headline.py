"""The verdict in one line: what the leading loss did, and whether the error followed."""

import math

from spikediag.model import CouplingVerdict, Diagnosis, Finding, Kind, Text, say
from spikediag.reporter.selection import lead
from spikediag.reporter.words.numbers import number
from spikediag.reporter.words.writer import verbatim

ERROR = {
    CouplingVerdict.DECOUPLED: say("the error did not move"),
    CouplingVerdict.COUPLED: say("the error moved too"),
    CouplingVerdict.UNDECIDED: say("whether the error moved is undecided"),
    CouplingVerdict.NO_COMPANION: say("no error metric is logged"),
}


def headline(diagnosis: Diagnosis) -> Text:
    """One line that a person may forward."""
    finding = lead(diagnosis)
    if finding is None:
        return diagnosis.overall.summary
    return say("{what}; {error}.", what=what(finding), error=ERROR[finding.coupling.verdict])


def what(finding: Finding) -> Text:
    """What the loss did, as half a sentence."""
    spike = finding.spike
    height = verbatim(number(spike.height, signed=True))
    if spike.kind is Kind.NON_FINITE or not math.isfinite(spike.height):
        return say("{tag} stopped being a number at step {step:,}", tag=spike.tag, step=spike.onset_step)
    if spike.kind is Kind.TRAIN:
        return say(
            "{tag} jumped {count:,} times, at most by {height} at step {step:,}",
            tag=spike.tag,
            count=spike.count,
            height=height,
            step=spike.peak_step,
        )
    if spike.kind is Kind.DIVERGENCE:
        return say("{tag} diverged from step {step:,} on", tag=spike.tag, step=spike.onset_step)
    if spike.end_step is None:
        return say(
            "{tag} rose by {height} at step {step:,} and did not come back",
            tag=spike.tag,
            height=height,
            step=spike.onset_step,
        )
    return say(
        "{tag} leapt by {height} at step {step:,} and came back",
        tag=spike.tag,
        height=height,
        step=spike.onset_step,
    )


def story(finding: Finding) -> Text:
    """Levels, steps and chance of one finding in one sentence."""
    spike = finding.spike
    numbers = {
        "before": verbatim(number(spike.baseline)),
        "peak": verbatim(number(spike.peak_value)),
        "sigmas": verbatim(number(spike.sigmas)),
        "chance": verbatim(number(spike.expected_by_chance)),
    }
    if spike.end_step is None:
        return say(
            "From {before} to {peak}, {sigmas} times the noise before it: onset at step {onset:,}, "
            "highest at step {top:,}, not back when the log ended. "
            "By chance alone a run like this would show {chance} such rises.",
            onset=spike.onset_step,
            top=spike.peak_step,
            **numbers,
        )
    return say(
        "From {before} to {peak}, {sigmas} times the noise before it: onset at step {onset:,}, "
        "highest at step {top:,}, back by step {end:,}. "
        "By chance alone a run like this would show {chance} such rises.",
        onset=spike.onset_step,
        top=spike.peak_step,
        end=spike.end_step,
        **numbers,
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
        "{count:,} jumps, {rate:.1f} in every 10,000 logged points; {trend}.",
        count=spike.count,
        rate=spike.rate,
        trend=trend,
    )
