"""The verdict on the whole run: its status, whether the jump matters and because of what, and one summary."""

import numpy as np

from spikediag.attribution.scoring import UNEXPLAINED
from spikediag.model import (
    Aftermath,
    Condition,
    Finding,
    Kind,
    Role,
    Run,
    RunStatus,
    RunVerdict,
    Searched,
    Status,
    Text,
    by_gravity,
    say,
)

CERTAIN = 0.99  # a conclusion never claims more


def conclude(
    run: Run,
    findings: tuple[Finding, ...],
    conditions: tuple[Condition, ...],
    aftermath: Aftermath,
    searched: tuple[Searched, ...],
) -> RunVerdict:
    """Sum up a run.

    Args:
        run: The run.
        findings: Everything that was found in it, in step order.
        conditions: Its fragilities, for the summary of a calm run.
        aftermath: Whether the findings matter.
        searched: What would have been seen in each series.
    """
    if not findings:
        losses = {series.tag for series in run.having(Role.LOSS)}
        return _without_findings(tuple(s for s in searched if s.tag in losses), conditions)
    main = by_gravity(findings)[0]
    return RunVerdict(
        status=_status(findings),
        matters=aftermath.matters,
        primary_cause=main.primary_cause,
        summary=say(
            "{what} {error} {why}", what=_what(findings, main), error=main.coupling.reading, why=_why(main)
        ),
        because=aftermath.because,
        outcomes=aftermath.outcomes,
        would_tell=aftermath.would_tell,
    )


def _status(findings: tuple[Finding, ...]) -> RunStatus:
    return RunStatus.DIVERGED if any(f.is_lost for f in findings) else RunStatus.SPIKY


def _without_findings(losses: tuple[Searched, ...], conditions: tuple[Condition, ...]) -> RunVerdict:
    longest = max(losses, key=lambda searched: searched.points)
    if not any(searched.judged for searched in losses):
        why = longest.reason or say("No jump could have been seen.")
        summary = say(
            "Not judged: no jump could have been seen in any loss. {tag}: {why}", tag=longest.tag, why=why
        )
        return RunVerdict(RunStatus.NOT_JUDGED, None, None, summary)
    flagged = [c for c in conditions if c.status is Status.SUPPORTED]
    summary = say("No loss jumped in {points:,} logged points.", points=longest.points)
    if flagged:
        summary = say(
            "No loss jumped in {points:,} logged points; risks listed below: {risks}.",
            points=longest.points,
            risks=len(flagged),
        )
    return RunVerdict(RunStatus.CLEAN, False, None, summary)


def _what(findings: tuple[Finding, ...], main: Finding) -> Text:
    spike = main.spike
    if spike.kind is Kind.NON_FINITE or not np.isfinite(spike.height):
        return say("{tag} stopped being a number at step {step:,}.", tag=spike.tag, step=spike.onset_step)
    if spike.kind is Kind.TRAIN:
        return say(
            "{tag} jumped {count} times between steps {first:,} and {last:,}, at most by {height:.3g} at "
            "step {step:,} (from {before:.3g} to {peak:.3g}, {sigmas:.0f} times its noise).",
            tag=spike.tag,
            count=spike.count,
            first=spike.onset_step,
            last=spike.end_step if spike.end_step is not None else spike.peak_step,
            height=spike.height,
            step=spike.peak_step,
            before=spike.baseline,
            peak=spike.peak_value,
            sigmas=spike.sigmas,
        )
    if spike.end_step is None:
        return say(
            "{tag} rose by {height:.3g} at step {step:,} (from {before:.3g}, {sigmas:.0f} times its noise) "
            "and did not come back; findings in all: {findings}.",
            tag=spike.tag,
            height=spike.height,
            step=spike.onset_step,
            before=spike.baseline,
            sigmas=spike.sigmas,
            findings=len(findings),
        )
    return say(
        "{tag} rose by {height:.3g} at step {step:,} (from {before:.3g} to {peak:.3g}, {sigmas:.0f} times "
        "its noise) and came back by step {end:,}; findings in all: {findings}.",
        tag=spike.tag,
        height=spike.height,
        step=spike.onset_step,
        before=spike.baseline,
        peak=spike.peak_value,
        sigmas=spike.sigmas,
        end=spike.end_step,
        findings=len(findings),
    )


def _why(main: Finding) -> Text:
    if main.primary_cause == UNEXPLAINED:
        wanted = next(
            (v.missing[0].text for v in main.verdicts if v.cause == UNEXPLAINED and v.missing), None
        )
        if wanted is None:
            return say("What set it off is unexplained: no cause is supported by what was logged.")
        return say("What set it off is unexplained. {wanted}", wanted=wanted)
    verdict = next(v for v in main.verdicts if v.cause == main.primary_cause)
    if verdict.mechanism is not None:
        return say(
            "Most likely {cause} ({probability:.0%}): {mechanism}",
            cause=verdict.cause,
            probability=min(verdict.probability, CERTAIN),
            mechanism=verdict.mechanism,
        )
    return say(
        "Most likely {cause} ({probability:.0%}).",
        cause=verdict.cause,
        probability=min(verdict.probability, CERTAIN),
    )
