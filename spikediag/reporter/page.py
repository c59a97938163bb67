"""What the templates of Markdown and HTML see: the diagnosis, what leads, and the report's own words."""

import shlex
from collections.abc import Mapping
from typing import Any

from spikediag.model import CouplingVerdict, Diagnosis, Run, say
from spikediag.reporter import headline, selection, triggers
from spikediag.reporter.words import escape
from spikediag.reporter.words.writer import Writer

MATTERS = {True: say("Yes."), False: say("No."), None: say("Cannot be told from what was logged.")}
ERROR_TITLE = {
    CouplingVerdict.DECOUPLED: say("Why the error did not move"),
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
        "findings": diagnosis.findings,
        "main": selection.main_findings(diagnosis),
        "lead": lead,
        "primary": selection.primary(lead) if lead else None,
        "conditions": diagnosis.conditions,
        "overall": diagnosis.overall,
        "checks": diagnosis.checks,
        "remedies": selection.remedies(diagnosis),
        "log_lines": selection.log_lines(diagnosis),
        "version": diagnosis.version,
        "headline": headline.headline(diagnosis),
        "jumped": headline.story(lead) if lead else None,
        "matters": MATTERS[diagnosis.overall.matters],
        "error_title": ERROR_TITLE[lead.coupling.verdict] if lead else None,
        "command": command(run),
        "story": headline.story,
        "rhythm": headline.rhythm,
        "triggers": triggers.triggers,
        "seen": triggers.seen,
        "now": lambda finding: triggers.why_now(finding, writer),
    }


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
