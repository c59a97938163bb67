"""The verdict on the whole run: its status, whether the jump matters and because of what, and one summary."""

from spikediag.attribution.scoring import UNEXPLAINED
from spikediag.model import (
    Aftermath,
    Condition,
    Finding,
    Role,
    Run,
    RunStatus,
    RunVerdict,
    Status,
    Text,
    by_gravity,
    say,
)
from spikediag.phrases import levels, spike_clause

FEWEST_POINTS = 8  # finite points of a loss below which nothing can be judged
CERTAIN = 0.99  # a conclusion never claims more


def conclude(
    run: Run, findings: tuple[Finding, ...], conditions: tuple[Condition, ...], aftermath: Aftermath
) -> RunVerdict:
    """Sum up a run.

    Args:
        run: The run.
        findings: Everything that was found in it, in step order.
        conditions: Those of the run, for the summary of a calm one.
        aftermath: Whether the findings matter.
    """
    if not findings:
        return _without_findings(run, conditions)
    lead = by_gravity(findings)[0]
    return RunVerdict(
        status=RunStatus.DIVERGED if any(f.is_lost for f in findings) else RunStatus.SPIKY,
        matters=aftermath.matters,
        primary_cause=lead.primary_cause,
        summary=_summary(lead, len(findings)),
        because=aftermath.because,
        outcomes=aftermath.outcomes,
        would_tell=aftermath.would_tell,
    )


def _without_findings(run: Run, conditions: tuple[Condition, ...]) -> RunVerdict:
    longest = max((int(s.finite.sum()) for s in run.having(Role.LOSS)), default=0)
    if longest < FEWEST_POINTS:
        summary = say(
            "Not judged: the longest loss has {points} finite points, {fewest} are needed.",
            points=longest,
            fewest=FEWEST_POINTS,
        )
        return RunVerdict(RunStatus.NOT_JUDGED, None, None, summary)
    flagged = sum(c.status is Status.SUPPORTED for c in conditions)
    summary = say("No loss jumped in {points:,} logged points.", points=longest)
    if flagged:
        summary = say(
            "No loss jumped in {points:,} logged points; conditions that make one likelier, listed below: "
            "{conditions}.",
            points=longest,
            conditions=flagged,
        )
    return RunVerdict(RunStatus.CLEAN, False, None, summary)


def _summary(lead: Finding, findings: int) -> Text:
    summary = say(
        "{what}. {levels} {error} {why}",
        what=spike_clause(lead.spike),
        levels=levels(lead.spike),
        error=lead.coupling.reading,
        why=_why(lead),
    )
    return (
        say("{summary} Findings in all: {findings}.", summary=summary, findings=findings)
        if findings > 1
        else summary
    )


def _why(lead: Finding) -> Text:
    verdict = lead.primary
    if verdict is None or verdict.cause == UNEXPLAINED:
        wanted = next((advice.text for advice in verdict.missing), None) if verdict is not None else None
        if wanted is None:
            return say("What set it off is unexplained: no cause is supported by what was logged.")
        return say("What set it off is unexplained. {wanted}", wanted=wanted)
    probability = min(verdict.probability, CERTAIN)
    if verdict.mechanism is None:
        return say("Most likely {cause} ({probability:.0%}).", cause=verdict.cause, probability=probability)
    return say(
        "Most likely {cause} ({probability:.0%}): {mechanism}",
        cause=verdict.cause,
        probability=probability,
        mechanism=verdict.mechanism,
    )
