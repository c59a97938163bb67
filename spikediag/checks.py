"""What was checked in a run, and what was not and why: one line for every detector, test and cause."""

from collections.abc import Iterator

from spikediag import attribution, detectors
from spikediag.model import Check, Finding, Role, Run, Status, say


def checks(run: Run, findings: tuple[Finding, ...], others: int) -> Iterator[Check]:
    """Every check of a diagnosis, in the order in which they were made.

    Args:
        run: The run.
        findings: What was found in its losses.
        others: How many series beside the losses are looked at.
    """
    yield from _of_detectors(run, others)
    yield _of_coupling(run, findings)
    for cause in attribution.applicable(run):
        yield _of_cause(cause, findings)


def _of_detectors(run: Run, others: int) -> Iterator[Check]:
    losses = sum(1 for _ in run.having(Role.LOSS))
    searched = say("Losses searched: {losses}; other series: {others}.", losses=losses, others=others)
    for kind in detectors.registry.load():
        yield Check(kind, True, searched)


def _of_coupling(run: Run, findings: tuple[Finding, ...]) -> Check:
    companions = sum(1 for _ in run.having(Role.COMPANION))
    if not companions:
        return Check("coupling", False, say("No error metric is logged."))
    if not findings:
        reason = say(
            "There was no jump to test against; error metrics logged: {companions}.", companions=companions
        )
        return Check("coupling", False, reason)
    return Check("coupling", True, say("Error metrics tested: {companions}.", companions=companions))


def _of_cause(cause: str, findings: tuple[Finding, ...]) -> Check:
    if not findings:
        return Check(cause, False, say("There was no jump to explain."))
    verdicts = [v for f in findings for v in f.verdicts if v.cause == cause]
    if not verdicts:
        return Check(cause, False, say("It cannot make the losses jump that jumped."))
    judged = sum(v.status is not Status.NOT_CHECKABLE for v in verdicts)
    if judged:
        reason = say("Findings judged: {judged} of {findings}.", judged=judged, findings=len(findings))
        return Check(cause, True, reason)
    missing = [v.missing[0].text for v in verdicts if v.missing]
    return Check(
        cause, False, missing[0] if missing else say("The run does not carry what this check needs.")
    )
