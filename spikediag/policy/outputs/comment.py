"""The check as Markdown: for a pull-request comment, and for the summary of a GitHub job."""

from collections.abc import Iterator

from spikediag.model import say
from spikediag.policy.outputs.wording import markdown, remark
from spikediag.policy.result import CheckOutcome, CheckResult, RunResult

TITLES = {
    CheckOutcome.PASSED: "✅ No forbidden loss spike",
    CheckOutcome.FAILED: "❌ Forbidden loss spikes",
    CheckOutcome.NOT_JUDGED: "⚠️ Not judged",
}
BADGES = {
    CheckOutcome.PASSED: "✅ passed",
    CheckOutcome.FAILED: "❌ failed",
    CheckOutcome.NOT_JUDGED: "⚠️ not judged",
}
PARTIAL = "⚠️ passed, not judged in full"


def to_markdown(check: CheckResult) -> str:
    """A heading, a table of runs, and what was found in each; what passed takes one line."""
    return "\n".join(_lines(check)) + "\n"


def _lines(check: CheckResult) -> Iterator[str]:
    yield f"### {TITLES[check.outcome]}"
    yield ""
    yield "| run | outcome | breaches | accepted | not judged | let through |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for r in check.runs:
        counts = f"{len(r.breaches)} | {len(r.accepted)} | {len(r.gaps)} | {len(r.let_through)}"
        badge = PARTIAL if r.partial else BADGES[r.outcome]
        yield f"| {_code(r.diagnosis.run.name)} | {badge} | {counts} |"
    for unread in check.unread:
        yield f"| {_code(unread.path)} | {BADGES[CheckOutcome.NOT_JUDGED]} | | | 1 | |"
    for result in check.runs:
        yield from _details(result)
    for unread in check.unread:
        yield f"\n**{_code(unread.path)}** could not be judged: {_code(unread.reason)}"
    for a in check.stale:
        sentence = say(
            "Stale in the baseline: {tag}, {kind}, steps {first:,} to {last:,}.",
            tag=a.tag,
            kind=a.kind,
            first=a.first_step,
            last=a.last_step,
        )
        yield f"\n{markdown(sentence)}"


def _details(result: RunResult) -> Iterator[str]:
    said = (result.breaches, result.gaps, result.accepted, result.let_through, result.measures)
    if not any((*said, result.remarks, result.notes)):
        return
    yield f"\n**{_code(result.diagnosis.run.name)}**\n"
    for breach in result.breaches:
        yield f"- ❌ {markdown(breach.reading)}"
    for gap in result.gaps:
        yield f"- ⚠️ Not judged: {markdown(gap.reading)}"
    for accepted in result.accepted:
        yield f"- Accepted: {markdown(accepted.breach.reading)} Why: {_code(accepted.why)}"
    for passed in result.let_through:
        yield f"- Let through: {markdown(remark(passed))}"
    for measure in (*result.measures, *result.remarks):
        yield f"- {markdown(measure)}"
    for note in result.notes:
        yield f"- Note: {_code(note)}"


def _code(hostile: str) -> str:
    return markdown(say("{hostile}", hostile=hostile))
