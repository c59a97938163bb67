"""The check as Markdown: for a pull-request comment, and for the summary of a GitHub job."""

from collections.abc import Iterator

from spikediag.model import Text, say
from spikediag.policy.result import CheckOutcome, CheckResult, RunResult
from spikediag.wording import language
from spikediag.wording.writer import MARKDOWN, Writer

TITLES = {
    CheckOutcome.PASSED: say("✅ No forbidden loss spike"),
    CheckOutcome.FAILED: say("❌ Forbidden loss spikes"),
    CheckOutcome.NOT_JUDGED: say("⚠️ Not judged"),
}
BADGES = {
    CheckOutcome.PASSED: say("✅ passed"),
    CheckOutcome.FAILED: say("❌ failed"),
    CheckOutcome.NOT_JUDGED: say("⚠️ not judged"),
}
PARTIAL = say("⚠️ passed, not judged in full")


def to_markdown(check: CheckResult, lang: str = language.ENGLISH) -> str:
    """A heading, a table of runs, and what was found in each; what passed takes one line."""
    writer = Writer(language.load(lang), MARKDOWN)
    return "\n".join(_lines(check, writer)) + "\n"


def _lines(check: CheckResult, writer: Writer) -> Iterator[str]:
    yield f"### {writer.text(TITLES[check.outcome])}"
    yield ""
    yield f"| {writer.text(say('run | outcome | breaches | accepted | not judged | let through'))} |".replace(
        "\\|", "|"
    )
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for r in check.runs:
        counts = f"{len(r.breaches)} | {len(r.accepted)} | {len(r.gaps)} | {len(r.let_through)}"
        badge = writer.text(PARTIAL if r.partial else BADGES[r.outcome])
        yield f"| {writer.name(r.diagnosis.run.name)} | {badge} | {counts} |"
    for unread in check.unread:
        yield f"| {writer.name(unread.path)} | {writer.text(BADGES[CheckOutcome.NOT_JUDGED])} | | | 1 | |"
    for result in check.runs:
        yield from _details(result, writer)
    for unread in check.unread:
        yield f"\n**{writer.name(unread.path)}** " + writer.text(
            say("could not be judged: {reason}", reason=unread.reason)
        )
    for a in check.stale:
        sentence = say(
            "Stale in the baseline: {tag}, {kind}, steps {first:,} to {last:,}.",
            tag=a.tag,
            kind=a.kind,
            first=a.first_step,
            last=a.last_step,
        )
        yield f"\n{writer.text(sentence)}"


def _details(result: RunResult, writer: Writer) -> Iterator[str]:
    told = list(_told(result))
    if told:
        yield f"\n**{writer.name(result.diagnosis.run.name)}**\n"
    yield from (f"- {writer.text(text)}" for text in told)


def _told(result: RunResult) -> Iterator[Text]:
    for breach in result.breaches:
        yield say("❌ {reading}", reading=breach.reading)
    for gap in result.gaps:
        yield say("⚠️ Not judged: {reading}", reading=gap.reading)
    for accepted in result.accepted:
        yield say("Accepted: {reading} Why: {why}", reading=accepted.breach.reading, why=accepted.why)
    for passed in result.let_through:
        yield say("Let through: {reading}", reading=passed.reading)
    yield from (*result.measures, *result.remarks)
    for note in result.notes:
        yield say("Note: {note}", note=note)
