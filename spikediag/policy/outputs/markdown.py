"""The check as Markdown: for a pull-request comment, and for the summary of a GitHub job."""

from collections.abc import Iterator

from spikediag.model import say
from spikediag.policy.outputs.words import markdown
from spikediag.policy.ruling import Gate, Outcome, Ruling

TITLES = {
    Outcome.PASSED: "✅ No forbidden loss spike",
    Outcome.FAILED: "❌ Forbidden loss spikes",
    Outcome.NOT_JUDGED: "⚠️ Not judged",
}
BADGES = {
    Outcome.PASSED: "✅ passed",
    Outcome.FAILED: "❌ failed",
    Outcome.NOT_JUDGED: "⚠️ not judged",
}
PARTIAL = "⚠️ passed, not judged in full"


def to_markdown(gate: Gate) -> str:
    """A heading, a table of runs, and what was found in each; what passed takes one line."""
    return "\n".join(_lines(gate)) + "\n"


def _lines(gate: Gate) -> Iterator[str]:
    yield f"### {TITLES[gate.outcome]}"
    yield ""
    yield "| run | outcome | breaches | accepted | not judged |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for r in gate.rulings:
        counts = f"{len(r.breaches)} | {len(r.pardons)} | {len(r.gaps)}"
        badge = PARTIAL if r.partial else BADGES[r.outcome]
        yield f"| {_code(r.diagnosis.run.name)} | {badge} | {counts} |"
    for unread in gate.unread:
        yield f"| {_code(unread.path)} | {BADGES[Outcome.NOT_JUDGED]} | | | 1 |"
    for ruling in gate.rulings:
        yield from _details(ruling)
    for unread in gate.unread:
        yield f"\n**{_code(unread.path)}** could not be judged: {_code(unread.reason)}"
    for a in gate.stale:
        sentence = say(
            "Stale in the baseline: {tag}, {kind}, steps {first:,} to {last:,}.",
            tag=a.tag,
            kind=a.kind,
            first=a.first_step,
            last=a.last_step,
        )
        yield f"\n{markdown(sentence)}"


def _details(ruling: Ruling) -> Iterator[str]:
    if not (ruling.breaches or ruling.gaps or ruling.pardons or ruling.measures):
        return
    yield f"\n**{_code(ruling.diagnosis.run.name)}**\n"
    for breach in ruling.breaches:
        yield f"- ❌ {markdown(breach.reading)}"
    for gap in ruling.gaps:
        yield f"- ⚠️ Not judged: {markdown(gap.reading)}"
    for pardon in ruling.pardons:
        reason = f" Reason: {_code(pardon.acceptance.reason)}" if pardon.acceptance.reason else ""
        yield f"- Accepted: {markdown(pardon.breach.reading)}{reason}"
    for measure in ruling.measures:
        yield f"- {markdown(measure)}"


def _code(hostile: str) -> str:
    return markdown(say("{hostile}", hostile=hostile))
