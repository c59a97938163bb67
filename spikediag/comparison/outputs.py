"""Comparisons as Markdown, JSON and a figure: the table of which remedy works, and a section for each."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from spikediag.comparison.values import COSTS, EFFECTS, Change, Comparison, Curve, Foretold, Side
from spikediag.model import Artifact, Text, say
from spikediag.reporter.comparison_figure import FigureRow, Strand, comparison_png
from spikediag.wording import language
from spikediag.wording.writer import MARKDOWN, PLAIN, Writer

SCHEMA = "spikediag.comparison/1"
PAGE, DOCUMENT, PICTURE = "comparison.md", "comparison.json", "comparison.png"


def artifacts(comparisons: Sequence[Comparison]) -> tuple[Artifact, ...]:
    """The files of comparisons that share their side before: a page, its figure, and JSON."""
    documents = [to_dict(c) for c in comparisons]
    return (
        Artifact(PAGE, to_markdown(comparisons).encode()),
        Artifact(DOCUMENT, to_json(documents, several=len(documents) > 1).encode()),
        Artifact(PICTURE, picture(comparisons)),
    )


def to_json(documents: Sequence[dict[str, Any]], *, several: bool) -> str:
    """One document, or an array where several were asked for."""
    return json.dumps(list(documents) if several else documents[0], indent=2, allow_nan=False) + "\n"


def picture(comparisons: Sequence[Comparison]) -> bytes:
    """The PNG of comparisons that share their side before."""
    first = comparisons[0]
    error = first.companion.tag if first.companion else None
    return comparison_png(rows(comparisons), first.loss.tag, error, first.unit)


def rows(comparisons: Sequence[Comparison]) -> tuple[FigureRow, ...]:
    """The rows of the figure: the side before, then every side after."""
    return (_row(comparisons[0].before), *(_row(c.after) for c in comparisons))


def _row(side: Side) -> FigureRow:
    spikes = side.counts.total
    jump = f", up to {side.largest:.3g}" if spikes else ""
    seeds = f" in {len(side.trials)} trainings" if len(side.trials) > 1 else ""
    return FigureRow(
        name=side.name,
        caption=f"{spikes} spike{'' if spikes == 1 else 's'}{jump}{seeds}",
        losses=tuple(_strand(t.loss, [m.x for m in t.marks]) for t in side.trials),
        errors=tuple(_strand(t.companion, []) for t in side.trials if t.companion),
    )


def _strand(curve: Curve, marks: list[float]) -> Strand:
    return Strand(curve.x, curve.values, np.array(marks, dtype=np.float64))


def to_markdown(comparisons: Sequence[Comparison], *, picture: bool = True) -> str:
    """The table of all sides, then what each change did; `picture` links the figure beside it."""
    return "\n".join(_page(comparisons, picture=picture)) + "\n"


def table(comparisons: Sequence[Comparison]) -> str:
    """One line for the side before, one for each side after."""
    return "\n".join(_table(comparisons)) + "\n"


def _page(comparisons: Sequence[Comparison], *, picture: bool) -> Iterator[str]:
    yield "# Did it help?"
    yield ""
    for c in comparisons:
        yield f"- {_text(c.summary)}"
    yield ""
    yield from _table(comparisons)
    if picture:
        yield f"\n![Losses and errors on one axis]({PICTURE})"
    for c in comparisons:
        yield from _section(c)


def _table(comparisons: Sequence[Comparison]) -> Iterator[str]:
    headings = "spikes | rate ratio (95 %) | largest spike | final loss | final error | verdict | accuracy"
    yield f"| run | {headings} |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |"
    first = comparisons[0]
    error = "" if first.companion is None else _number(first.companion.before)
    jump, loss = _jump(first.before), _number(first.loss.before)
    yield f"| {_side(first.before)} | 1 | {jump} | {loss} | {error} | | |"
    for c in comparisons:
        error = "" if c.companion is None else _number(c.companion.after)
        yield (
            f"| {_side(c.after)} | {_ratio(c)} | {_jump(c.after)} | {_number(c.loss.after)} | {error} "
            f"| {_text(EFFECTS[c.outcome])} | {_text(COSTS[c.cost])} |"
        )


def _section(c: Comparison) -> Iterator[str]:
    yield f"\n## {_code(c.before.name)} → {_code(c.after.name)}\n"
    yield (
        f"Compared from {c.unit} {c.start:,.0f} to {c.end:,.0f}. A spike rises above the running median by "
        f"more than {_number(c.height)}: 8 robust sigmas of the noisiest training before, 5 of the noisiest "
        f"after, or what was asked for.\n"
    )
    yield _change("Final loss", c.loss)
    if c.companion is not None:
        yield _change("Final error", c.companion)
    if c.foretold is not None:
        yield f"- {_text(_foretold(c.foretold))}"
    for note in c.notes:
        yield f"- {_text(note)}"
    if c.differences:
        yield "\n| what differs | before | after | how it could explain a change |\n| --- | --- | --- | --- |"
    for s in c.differences:
        yield f"| {_code(s.name)} | {_code(s.before)} | {_code(s.after)} | {_text(s.why)} |"
    if c.conditions:
        yield "\n| condition | before | after |\n| --- | --- | --- |"
    for k in c.conditions:
        yield f"| {_label(k.condition)} | {_reading(k.before_reading)} | {_reading(k.after_reading)} |"


def _foretold(foretold: Foretold) -> Text:
    numbers: dict[str, str | float] = {
        "remedy": foretold.remedy,
        "prevented": foretold.prevented,
        "low": foretold.low,
        "high": foretold.high,
        "measured": foretold.measured,
    }
    return say(
        "Foretold for {remedy}: {prevented:.0%} of the spikes prevented (80 % prediction interval "
        "{low:.0%} to {high:.0%}); measured: {measured:.0%}, {place}.",
        **numbers,
        place=say("inside it") if foretold.inside else say("outside it"),
    )


def _change(what: str, change: Change) -> str:
    moved = f"{_number(change.before)} to {_number(change.after)}"
    interval = f"change {_number(change.low)} to {_number(change.high)} (95 %; {_text(change.basis)})"
    return f"- {what} {_code(change.tag)}: {moved}; {interval}."


def _side(side: Side) -> str:
    return f"{_code(side.name)} | {', '.join(str(n) for n in side.counts.events)}"


def _ratio(c: Comparison) -> str:
    if math.isnan(c.ratio.value):
        return "0 / 0"
    return f"{_number(c.ratio.value)} ({_number(c.ratio.low)} to {_number(c.ratio.high)})"


def _jump(side: Side) -> str:
    return _number(side.largest) if side.counts.total else "none"


def _number(value: float) -> str:
    if math.isnan(value):
        return "?"
    return "∞" if value == math.inf else f"{value:.3g}"


def _reading(reading: Text | None) -> str:
    return "not judged" if reading is None else _text(reading)


def _label(condition: str) -> str:
    writer = Writer(language.load("en"), MARKDOWN)
    return writer.text(writer.word("condition", condition))


def _text(text: Text) -> str:
    return Writer(language.load("en"), MARKDOWN).text(text)


def _code(hostile: str) -> str:
    return _text(say("{hostile}", hostile=hostile))


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """Strict JSON: what is unknown or not finite is null."""
    c = comparison
    return {
        "schema": SCHEMA,
        "before": _side_document(c.before),
        "after": _side_document(c.after),
        "axis": {"unit": c.unit, "start": c.start, "end": c.end},
        "spike_height": _number_or_none(c.height),
        "verdict": {
            "outcome": c.outcome.value,
            "summary": plain(c.summary),
            "detectable_ratio": _number_or_none(c.detectable),
            "cost": c.cost.value,
            "p_adjusted": _number_or_none(c.p),
            "notes": [plain(note) for note in c.notes],
        },
        "rate_ratio": {
            "value": _number_or_none(c.ratio.value),
            "low": _number_or_none(c.ratio.low),
            "high": _number_or_none(c.ratio.high),
            "p": _number_or_none(c.ratio.p),
            "dispersion": _number_or_none(c.ratio.dispersion),
        },
        "loss": _change_document(c.loss),
        "companion": None if c.companion is None else _change_document(c.companion),
        "foretold": c.foretold and {**vars(c.foretold), "inside": c.foretold.inside},
        "settings": [
            {"name": s.name, "before": s.before, "after": s.after, "why": plain(s.why)} for s in c.differences
        ],
        "conditions": [
            {
                "condition": k.condition,
                "before": {"status": k.before or None, "reading": _maybe(k.before_reading)},
                "after": {"status": k.after or None, "reading": _maybe(k.after_reading)},
            }
            for k in c.conditions
        ],
    }


def plain(text: Text) -> str:
    """A sentence without markup."""
    return Writer(language.load("en"), PLAIN).text(text)


def _maybe(text: Text | None) -> str | None:
    return None if text is None else plain(text)


def _side_document(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "runs": [t.name for t in side.trials],
        "spikes": list(side.counts.events),
        "exposure": list(side.counts.exposures),
        "largest_spike": _number_or_none(side.largest),
        "diverged": [t.diverged for t in side.trials],
    }


def _change_document(change: Change) -> dict[str, Any]:
    return {
        "tag": change.tag,
        "before": _number_or_none(change.before),
        "after": _number_or_none(change.after),
        "low": _number_or_none(change.low),
        "high": _number_or_none(change.high),
        "basis": plain(change.basis),
    }


def _number_or_none(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
