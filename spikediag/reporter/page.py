"""What the templates of Markdown and HTML see: the diagnosis, what leads, and the report's own words."""

import shlex
from collections.abc import Mapping
from typing import Any

from spikediag.model import CouplingVerdict, Diagnosis, Fact, Finding, Run, Text, say
from spikediag.model.text import Value
from spikediag.reporter import headline, selection, story, triggers
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
    run, lead = diagnosis.run, selection.lead(diagnosis)
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
        "headline": headline.headline(diagnosis),
        "jumped": story.story(lead) if lead else None,
        "matters": MATTERS[diagnosis.overall.matters],
        "error_title": ERROR_TITLE[lead.coupling.verdict] if lead else None,
        "command": command(run),
        "font_note": font_note(writer.language),
        "story": story.story,
        "rhythm": story.rhythm,
        "triggers": triggers.triggers,
        "seen": triggers.seen,
        "now": lambda finding: triggers.why_now(finding, writer),
    }


def fact_value(fact: Fact) -> Value:
    """The value of a fact: text as code, numbers without trailing zeros, None as unknown."""
    return verbatim(f"{fact.value:.10g}") if isinstance(fact.value, float) else fact.value


def answer(finding: Finding) -> Text:
    """The primary cause, and how probable it is."""
    verdict = selection.primary(finding)
    if verdict is None or not verdict.probability:
        return say("{cause}", cause=finding.primary_cause)
    chance = verbatim(share(verdict.probability))
    return say("{cause} ({probability})", cause=finding.primary_cause, probability=chance)


def reason(finding: Finding) -> Text | None:
    """How the primary cause made the jump, or what to log to find one."""
    verdict = selection.primary(finding)
    if verdict is None:
        return None
    return verdict.mechanism or next((a.text for a in verdict.missing), None)


def font_note(spoken: Language) -> Text | None:
    """Why figures are in English although the report is not; None when they are not."""
    if not spoken.fonts:
        return None
    from spikediag.reporter.figures.fonts import can_draw  # noqa: PLC0415  # Matplotlib is heavy

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
        if fact.source.startswith("--") and option in OPTIONS:
            words.append(f"{option} {fact.value}")
        elif fact.source.startswith("--"):
            words.append(f"--fact {shlex.quote(escape.visible(f'{name}={fact.value}'))}")
    return " ".join(words)
