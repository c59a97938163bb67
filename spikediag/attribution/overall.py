"""The verdict on the whole run: its status, whether the jump matters and because of what, and one summary."""

from spikediag.model import (
    UNEXPLAINED,
    Aftermath,
    Condition,
    Finding,
    PastBest,
    Run,
    RunStatus,
    RunVerdict,
    Searched,
    Status,
    Text,
    by_gravity,
    of_losses,
    say,
)
from spikediag.phrases import answer, level_change, spike_clause


def conclude(
    run: Run,
    findings: tuple[Finding, ...],
    conditions: tuple[Condition, ...],
    aftermath: Aftermath,
    searched: tuple[Searched, ...],
    *,
    past_best: tuple[PastBest, ...],
) -> RunVerdict:
    """Sum up a run.

    Args:
        run: The run.
        findings: Everything that was found in it, in step order.
        conditions: Those of the run, for the summary of a calm one.
        aftermath: Whether the findings matter.
        searched: What would have been seen in each loss.
        past_best: What ends worse than it once stood.
    """
    if not findings:
        return _without_findings(of_losses(run, searched), conditions, past_best)
    lead = by_gravity(findings)[0]
    return RunVerdict(
        status=_status(findings),
        matters=aftermath.matters,
        primary_cause=lead.primary_cause,
        summary=_summary(lead, len(findings)),
        because=aftermath.because,
        outcomes=aftermath.outcomes,
        would_tell=aftermath.would_tell,
        past_best=past_best,
    )


def _status(findings: tuple[Finding, ...]) -> RunStatus:
    if any(f.is_lost for f in findings):
        return RunStatus.DIVERGED
    return RunStatus.CLEAN if all(f.spike.is_fall for f in findings) else RunStatus.SPIKY


def _without_findings(
    losses: tuple[Searched, ...], conditions: tuple[Condition, ...], past_best: tuple[PastBest, ...]
) -> RunVerdict:
    longest = max(losses, key=lambda searched: searched.points)
    if not any(searched.judged for searched in losses):
        why = longest.reason or say("No jump could have been seen.")
        summary = say(
            "Not judged: no jump could have been seen in any loss. {tag}: {why}", tag=longest.tag, why=why
        )
        return RunVerdict(RunStatus.NOT_JUDGED, None, None, summary, past_best=past_best)
    flagged = sum(c.status is Status.SUPPORTED for c in conditions)
    summary = say("No loss jumped in {points:,} logged points.", points=longest.points)
    if past_best:
        summary = say("{summary} But {tag} ends worse than it was.", summary=summary, tag=past_best[0].tag)
    elif flagged:
        summary = say(
            "No loss jumped in {points:,} logged points; conditions that make one likelier, listed below: "
            "{conditions}.",
            points=longest.points,
            conditions=flagged,
        )
    return RunVerdict(RunStatus.CLEAN, False, None, summary, past_best=past_best)


def _summary(lead: Finding, findings: int) -> Text:
    summary = say(
        "{what}. {levels} {error} {why}",
        what=spike_clause(lead.spike),
        levels=level_change(lead.spike),
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
    why = answer(lead)
    if verdict.mechanism is None:
        return say("Most likely {why}.", why=why)
    return say("Most likely {why}: {mechanism}", why=why, mechanism=verdict.mechanism)
