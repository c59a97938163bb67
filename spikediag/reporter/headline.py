"""The verdict in one line: what the leading loss did, and whether the error followed."""

import math

from spikediag.model import CouplingVerdict, Diagnosis, Finding, Kind, Text, say
from spikediag.reporter.selection import lead
from spikediag.wording.numbers import number
from spikediag.wording.writer import verbatim

ERROR = {
    CouplingVerdict.DECOUPLED: say("the error did not move"),
    CouplingVerdict.PARTLY: say("the error moved, but far too little to explain it"),
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
    if spike.kind is Kind.VARIANCE:
        return say(
            "{tag} became {times} times as noisy from step {step:,} on",
            tag=spike.tag,
            times=verbatim(number((spike.noise + spike.height) / spike.noise)) if spike.noise > 0 else None,
            step=spike.onset_step,
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
