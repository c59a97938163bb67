"""What the templates of Markdown and HTML see: the diagnosis, what leads, and the report's own words."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from spikediag import phrases
from spikediag.model import (
    UNEXPLAINED,
    CauseVerdict,
    CompanionTest,
    CouplingVerdict,
    Diagnosis,
    Fact,
    Finding,
    Origin,
    Run,
    Searched,
    SmallestJump,
    Status,
    Text,
    Tier,
    say,
)
from spikediag.model.text import Value
from spikediag.reporter import selection
from spikediag.wording import escape
from spikediag.wording.language import Language
from spikediag.wording.numbers import number
from spikediag.wording.writer import Writer, verbatim

OVERVIEW = say("Every series on one step axis, findings shaded")
CLOSE_UP = say("Close-up: levels, onset, peak, interval and margin of the error")
CALIBRATION = say(
    "Probabilities are those of short trainings with one injected fault each, of this kind of loss "
    "(benchmarks/attribution)."
)
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
        "overview_is": OVERVIEW,
        "close_up_is": CLOSE_UP,
        "fact_value": fact_value,
        "answer": phrases.answer(lead) if lead else None,
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
        "witnesses": selection.witnesses,
        "copies": lambda f: [phrases.copy_of(f.spike.tag, copy) for copy in f.witnesses.copies],
        "moved_by": phrases.moved_by,
        "order": phrases.order,
        "elsewhere": phrases.elsewhere,
        "events": events,
        "fragile": fragile,
        "chance": phrases.chance,
        "seen": seen,
        "measured": measured,
        "unjudged": selection.unjudged(diagnosis),
        "searched": diagnosis.searched,
        "would_show": would_show,
        "moved": lambda test: moved(test, writer),
        "now": lambda finding: why_now(finding, writer),
    }


def headline(diagnosis: Diagnosis) -> Text:
    """One line that a person may forward."""
    lead = diagnosis.lead
    return diagnosis.overall.summary if lead is None else phrases.headline(lead)


def would_show(searched: Searched) -> Text:
    """The height from which jumps would have been found in one series, or why none would."""
    reason = searched.reason or say("No jump of any height would have been found in it.")
    if not searched.jumps:
        return say("Not judged: {reason}", reason=reason)
    found = say(
        "{jumps}, between steps {first:,} and {last:,}.",
        jumps=_joined([_jump(jump) for jump in searched.jumps]),
        first=max(jump.first_step for jump in searched.jumps),
        last=min(jump.last_step for jump in searched.jumps),
    )
    return found if searched.reason is None else say("{found} {reason}", found=found, reason=searched.reason)


def _jump(jump: SmallestJump) -> Text:
    height = verbatim(number(jump.height, signed=True))
    sigmas = verbatim(number(jump.sigmas))
    if jump.width == 1:
        return say("{height} for one point ({sigmas} sigma)", height=height, sigmas=sigmas)
    if jump.width is None:
        return say("{height} for good ({sigmas} sigma)", height=height, sigmas=sigmas)
    return say(
        "{height} for {width:,} points ({sigmas} sigma)", height=height, width=jump.width, sigmas=sigmas
    )


def moved(test: CompanionTest, writer: Writer) -> Text:
    """What one test found, and what it cannot see."""
    verdict = writer.word("coupling", test.verdict.value)
    if test.tested is not None and test.moved is not None:
        verdict = say(
            "{verdict}, at {moved:,} of {tested:,}", verdict=verdict, moved=test.moved, tested=test.tested
        )
    return verdict if test.blind is None else say("{verdict}. {blind}", verdict=verdict, blind=test.blind)


def fact_value(fact: Fact) -> Value:
    """The value of a fact: text as code, numbers without trailing zeros, None as unknown."""
    return verbatim(f"{fact.value:.10g}") if isinstance(fact.value, float) else fact.value


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


def events(finding: Finding) -> tuple[CauseVerdict, ...]:
    """What may have happened at this step, likeliest first."""
    return tuple(v for v in finding.verdicts if v.tier is not Tier.CONDITION and v.cause != UNEXPLAINED)


def fragile(finding: Finding) -> tuple[CauseVerdict, ...]:
    """What made the run fragile, as far as it bears on this finding."""
    return tuple(v for v in finding.verdicts if v.tier is Tier.CONDITION)


def measured(finding: Finding) -> tuple[Text, ...]:
    """Where the probabilities of what happened come from, and why words stand in for others."""
    shown = [v for v in events(finding) if phrases.chance(v) is not None]
    reasons = (v.uncalibrated for v in shown if v.uncalibrated is not None)
    said = (say("Words stand where none was measured: {reason}", reason=reason) for reason in reasons)
    calibrated = any(v.calibrated for v in shown)
    return (*((CALIBRATION,) if calibrated else ()), *tuple(said)[:1])


def _triggers(finding: Finding) -> tuple[CauseVerdict, ...]:
    return tuple(v for v in events(finding) if v.tier is Tier.TRIGGER)


def why_now(finding: Finding, writer: Writer) -> Text:
    """Found, ruled out, or not checkable: what is known of the step itself."""
    found = [v for v in events(finding) if v.status is Status.SUPPORTED]
    unchecked = [v for v in _triggers(finding) if v.status is Status.NOT_CHECKABLE]
    if found:
        return say("What happened at this step: {cause}.", cause=found[0].cause)
    if not unchecked:
        return say(
            "Nothing that was logged changed at this step; a fragile run breaks when chance has it. "
            "{count} triggers were checked.",
            count=len(_triggers(finding)),
        )
    return say(
        "No trigger was found among those that could be checked. {count} could not be: {causes}.",
        count=len(unchecked),
        causes=_joined([writer.word("cause", v.cause) for v in unchecked]),
    )


def _joined(words: Sequence[Text]) -> Text:
    first, *rest = words
    return say("{first}, {rest}", first=first, rest=_joined(rest)) if rest else first


def seen(verdict: CauseVerdict) -> Text | None:
    """What decided a cause: its weightiest evidence, else what is missing."""
    if verdict.evidence:
        return max(verdict.evidence, key=lambda e: abs(e.weight)).reading
    return verdict.missing[0].text if verdict.missing else None
