"""What the templates of Markdown and HTML see: the diagnosis, what leads, and the report's own words."""

import shlex
from collections.abc import Mapping
from typing import Any

from spikediag import phrases
from spikediag.model import (
    CauseVerdict,
    CouplingVerdict,
    Diagnosis,
    Fact,
    Finding,
    Origin,
    Run,
    Status,
    Text,
    Tier,
    say,
)
from spikediag.model.text import Value
from spikediag.reporter import selection
from spikediag.wording import escape
from spikediag.wording.language import Language
from spikediag.wording.numbers import share
from spikediag.wording.writer import Writer, verbatim

MATTERS = {True: say("Yes."), False: say("No."), None: say("Cannot be told from what was logged.")}
ERROR_TITLE = {
    CouplingVerdict.DECOUPLED: say("Why the error did not move"),
    CouplingVerdict.PARTLY: say("What the error says of the jump"),
    CouplingVerdict.COUPLED: say("What the error says of the jump"),
    CouplingVerdict.UNDECIDED: say("What the likelihood says of the jump"),
    CouplingVerdict.NO_COMPANION: say("What the likelihood says of the jump"),
}
OPTIONS = {"--batch-size", "--dataset-size", "--action-dim"}


def page(diagnosis: Diagnosis, writer: Writer) -> Mapping[str, Any]:
    """The names that templates use."""
    run, lead = diagnosis.run, diagnosis.lead
    return {
        "run": run,
        "facts": [fact for _, fact in sorted(run.facts.items())],
        "series": [run.series[tag] for tag in sorted(run.series)],
        "findings": selection.listed(diagnosis),
        "unlisted": max(0, len(diagnosis.findings) - selection.ROWS),
        "main": selection.main_findings(diagnosis),
        "lead": lead,
        "fact_value": fact_value,
        "answer": answer(lead) if lead else None,
        "reason": reason(lead) if lead else None,
        "conditions": diagnosis.conditions,
        "overall": diagnosis.overall,
        "checks": diagnosis.checks,
        "remedies": selection.remedies(diagnosis),
        "log_lines": selection.log_lines(diagnosis),
        "version": diagnosis.version,
        "headline": headline(diagnosis),
        "jumped": phrases.story(lead.spike) if lead else None,
        "matters": MATTERS[diagnosis.overall.matters],
        "error_title": ERROR_TITLE[lead.coupling.verdict] if lead else None,
        "command": command(run),
        "font_note": font_note(writer.language),
        "title_of": phrases.title,
        "close_up_name": selection.close_up_name,
        "story": phrases.story,
        "rhythm": phrases.rhythm,
        "triggers": triggers,
        "seen": seen,
        "now": lambda finding: why_now(finding, writer),
    }


def headline(diagnosis: Diagnosis) -> Text:
    """One line that a person may forward."""
    lead = diagnosis.lead
    return diagnosis.overall.summary if lead is None else phrases.headline(lead)


def fact_value(fact: Fact) -> Value:
    """The value of a fact: text as code, numbers without trailing zeros, None as unknown."""
    return verbatim(f"{fact.value:.10g}") if isinstance(fact.value, float) else fact.value


def answer(finding: Finding) -> Text:
    """The primary cause, and how probable it is."""
    verdict = finding.primary
    if verdict is None or not verdict.probability:
        return say("{cause}", cause=finding.primary_cause)
    chance = verbatim(share(verdict.probability))
    return say("{cause} ({probability})", cause=finding.primary_cause, probability=chance)


def reason(finding: Finding) -> Text | None:
    """How the primary cause made the jump, or what to log to find one."""
    verdict = finding.primary
    if verdict is None:
        return None
    return verdict.mechanism or next((a.text for a in verdict.missing), None)


def font_note(spoken: Language) -> Text | None:
    """Why figures are in English although the report is not; None when they are not."""
    if not spoken.fonts:
        return None
    from spikediag.reporter.figures.style import can_draw  # noqa: PLC0415  # Matplotlib is heavy

    if can_draw(spoken):
        return None
    return say(
        "The figures are in English: no installed font has the letters of {language}. Install the package "
        "{package}, or any of these: {fonts}.",
        language=verbatim(spoken.name),
        package=spoken.font_package,
        fonts=verbatim(", ".join(spoken.fonts[:4])),
    )


def command(run: Run) -> str:
    """The command line that writes this report again, with the facts that were given on it."""
    words = ["spikediag", "analyze", shlex.quote(escape.visible(run.path, limit=1000))]
    for name, fact in sorted(run.facts.items()):
        option = f"--{name.replace('_', '-')}"
        if fact.origin is not Origin.COMMAND_LINE:
            continue
        if option in OPTIONS:
            words.append(f"{option} {fact.value}")
        else:
            words.append(f"--fact {shlex.quote(escape.visible(f'{name}={fact.value}'))}")
    return " ".join(words)


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
