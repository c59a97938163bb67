"""Why at this step: the verdicts on triggers, and one sentence that sums them up."""

from spikediag.model import CauseVerdict, Finding, Status, Text, Tier, say
from spikediag.wording.writer import Writer


def triggers(finding: Finding) -> tuple[CauseVerdict, ...]:
    """The causes that are tied to a step, strongest first."""
    return tuple(v for v in finding.verdicts if v.tier is Tier.TRIGGER and v.cause != "unexplained")


def why_now(finding: Finding, writer: Writer) -> Text:
    """Found, ruled out, or not checkable: what is known of the step itself."""
    found = [v for v in triggers(finding) if v.status is Status.SUPPORTED]
    unchecked = [v for v in triggers(finding) if v.status is Status.NOT_CHECKABLE]
    if found:
        return say("What happened at this step: {cause}.", cause=found[0].cause)
    if not unchecked:
        return say(
            "Nothing that was logged changed at this step; a fragile run breaks when chance has it. "
            "{count} triggers were checked.",
            count=len(triggers(finding)),
        )
    return say(
        "No trigger was found among those that could be checked. {count} could not be: {causes}.",
        count=len(unchecked),
        causes=_listed(unchecked, writer),
    )


def _listed(verdicts: list[CauseVerdict], writer: Writer) -> Text:
    first, *rest = verdicts
    name = writer.word("cause", first.cause)
    return say("{first}, {rest}", first=name, rest=_listed(rest, writer)) if rest else name


def seen(verdict: CauseVerdict) -> Text | None:
    """What decided a trigger: its weightiest evidence, else what is missing."""
    if verdict.evidence:
        return max(verdict.evidence, key=lambda e: abs(e.weight)).reading
    return verdict.missing[0].text if verdict.missing else None
