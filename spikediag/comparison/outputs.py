"""Comparisons as Markdown, JSON and a figure: the table of which remedy works, and a section for each."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikediag.comparison.values import COSTS, Comparison, ConditionChange, Curve, Foretold, LevelChange, Side
from spikediag.model import Artifact, Text, say
from spikediag.reporter.comparison_figure import FigureRow, Strand, comparison_png
from spikediag.wording import language
from spikediag.wording.writer import MARKDOWN, Writer, in_english, verbatim

SCHEMA = "spikediag.comparison/1"
PAGE, DOCUMENT, PICTURE = "comparison.md", "comparison.json", "comparison.png"


def artifacts(comparisons: Sequence[Comparison], lang: str = language.ENGLISH) -> tuple[Artifact, ...]:
    """The files of comparisons that share their side before: a page, its figure, and JSON in English."""
    documents = [to_dict(c) for c in comparisons]
    return (
        Artifact(PAGE, to_markdown(comparisons, lang).encode()),
        Artifact(DOCUMENT, to_json(documents, several=len(documents) > 1).encode()),
        Artifact(PICTURE, comparison_picture(comparisons, lang)),
    )


def to_json(documents: Sequence[dict[str, Any]], *, several: bool) -> str:
    """One document, or an array where several were asked for."""
    return json.dumps(list(documents) if several else documents[0], indent=2, allow_nan=False) + "\n"


def comparison_picture(comparisons: Sequence[Comparison], lang: str = language.ENGLISH) -> bytes:
    """The PNG of comparisons that share their side before."""
    first = comparisons[0]
    error = first.companion.tag if first.companion else None
    return comparison_png(figure_rows(comparisons), first.loss.tag, error, first.unit, lang)


def figure_rows(comparisons: Sequence[Comparison]) -> tuple[FigureRow, ...]:
    """The rows of the figure: the side before, then every side after."""
    return (_row(comparisons[0].before), *(_row(c.after) for c in comparisons))


def _row(side: Side) -> FigureRow:
    return FigureRow(
        name=side.name,
        caption=_caption(side),
        losses=tuple(_strand(t.loss, [m.x for m in t.marks]) for t in side.trials),
        errors=tuple(_strand(t.companion, []) for t in side.trials if t.companion),
    )


def _caption(side: Side) -> Text:
    spikes = side.counts.total
    said = say("1 spike") if spikes == 1 else say("{count} spikes", count=spikes)
    if spikes:
        said = say("{spikes}, up to {largest:.3g}", spikes=said, largest=side.largest)
    if len(side.trials) > 1:
        said = say("{spikes} in {count} trainings", spikes=said, count=len(side.trials))
    return said


def _strand(curve: Curve, marks: list[float]) -> Strand:
    return Strand(curve.x, curve.values, np.array(marks, dtype=np.float64))


def to_markdown(
    comparisons: Sequence[Comparison], lang: str = language.ENGLISH, *, picture: bool = True
) -> str:
    """The table of all sides, then what each change did; `picture` links the figure beside it."""
    return "\n".join(_Page(Writer(language.load(lang), MARKDOWN)).lines(comparisons, picture=picture)) + "\n"


def sides_table(comparisons: Sequence[Comparison], lang: str = language.ENGLISH) -> str:
    """One line for the side before, one for each side after."""
    return "\n".join(_Page(Writer(language.load(lang), MARKDOWN)).table(comparisons)) + "\n"


@dataclass(frozen=True)
class _Page:
    """Writes comparisons as Markdown in one language."""

    writer: Writer

    def lines(self, comparisons: Sequence[Comparison], *, picture: bool) -> Iterator[str]:
        text = self.writer.text
        yield f"# {text(say('Did it help?'))}"
        yield ""
        for c in comparisons:
            yield f"- {text(c.summary)}"
        yield ""
        yield from self.table(comparisons)
        if picture:
            yield f"\n![{text(say('Losses and errors on one axis'))}]({PICTURE})"
        for c in comparisons:
            yield from self.section(c)

    def table(self, comparisons: Sequence[Comparison]) -> Iterator[str]:
        yield self.head(SIDES)
        yield "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |"
        first = comparisons[0]
        error = "" if first.companion is None else _number(first.companion.before)
        loss = _number(first.loss.before)
        yield f"| {self.side(first.before)} | 1 | {self.jump(first.before)} | {loss} | {error} | | |"
        for c in comparisons:
            error = "" if c.companion is None else _number(c.companion.after)
            told = f"{self.writer.text(c.headline)} | {self.writer.text(COSTS[c.cost])}"
            yield (
                f"| {self.side(c.after)} | {self.ratio(c)} | {self.jump(c.after)} | {_number(c.loss.after)} "
                f"| {error} | {told} |"
            )

    def head(self, heads: Text) -> str:
        return f"| {self.writer.language.sentence(heads.template)} |"

    def section(self, c: Comparison) -> Iterator[str]:
        text, name = self.writer.text, self.writer.name
        yield f"\n## {name(c.before.name)} → {name(c.after.name)}\n"
        yield f"{text(_axis(c))}\n"
        yield f"- {text(_change(say('Final loss'), c.loss))}"
        if c.companion is not None:
            yield f"- {text(_change(say('Final error'), c.companion))}"
        for note in (*((_foretold(c.foretold),) if c.foretold is not None else ()), *c.notes):
            yield f"- {text(note)}"
        if c.differences:
            yield f"\n{self.head(DIFFERENCES)}\n| --- | --- | --- | --- |"
        for s in c.differences:
            yield f"| {name(s.name)} | {name(s.before)} | {name(s.after)} | {text(s.why)} |"
        if c.conditions:
            yield f"\n{self.head(CONDITIONS)}\n| --- | --- | --- |"
        for k in c.conditions:
            readings = (text(reading or NOT_JUDGED) for reading in (k.before_reading, k.after_reading))
            yield f"| {text(self.writer.word('condition', k.condition))} | {' | '.join(readings)} |"

    def side(self, side: Side) -> str:
        return f"{self.writer.name(side.name)} | {', '.join(str(n) for n in side.counts.events)}"

    def ratio(self, c: Comparison) -> str:
        if math.isnan(c.ratio.value):
            return "0 / 0"
        numbers = {"value": c.ratio.value, "low": c.ratio.low, "high": c.ratio.high}
        written = {name: verbatim(_number(number)) for name, number in numbers.items()}
        return self.writer.text(say("{value} ({low} to {high})", **written))

    def jump(self, side: Side) -> str:
        return _number(side.largest) if side.counts.total else self.writer.text(say("none"))


SIDES = say(
    "run | spikes | rate ratio (95 %) | largest spike | final loss | final error | verdict | accuracy"
)
DIFFERENCES = say("what differs | before | after | how it could explain a change")
CONDITIONS = say("condition | before | after")
NOT_JUDGED = say("not judged")
UNIT_NAMES = {"step": say("step"), "pass": say("pass")}


def _axis(c: Comparison) -> Text:
    return say(
        "Compared from {unit} {start:,.0f} to {end:,.0f}. A spike rises above the running median by more "
        "than {height}: 8 robust sigmas of the noisiest training before, 5 of "
        "the noisiest after, or what was asked for.",
        unit=UNIT_NAMES[c.unit],
        start=c.start,
        end=c.end,
        height=verbatim(_number(c.height)),
    )


def _change(what: Text, change: LevelChange) -> Text:
    numbers = {name: verbatim(_number(getattr(change, name))) for name in ("before", "after", "low", "high")}
    return say(
        "{what} {tag}: {before} to {after}; change {low} to {high} (95 %; {basis}).",
        what=what,
        tag=change.tag,
        basis=change.basis,
        **numbers,
    )


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


def _number(value: float) -> str:
    if math.isnan(value):
        return "?"
    return "∞" if value == math.inf else f"{value:.3g}"


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
            "summary": in_english(c.summary),
            "detectable_ratio": _number_or_none(c.detectable),
            "cost": c.cost.value,
            "p_adjusted": _number_or_none(c.p),
            "notes": [in_english(note) for note in c.notes],
        },
        "rate_ratio": {
            key: _number_or_none(getattr(c.ratio, key)) for key in ("value", "low", "high", "p", "dispersion")
        },
        "loss": _change_document(c.loss),
        "companion": None if c.companion is None else _change_document(c.companion),
        "foretold": c.foretold and {**vars(c.foretold), "inside": c.foretold.inside},
        "settings": [
            {"name": s.name, "before": s.before, "after": s.after, "why": in_english(s.why)}
            for s in c.differences
        ],
        "conditions": [_condition_document(condition) for condition in c.conditions],
    }


def _condition_document(change: ConditionChange) -> dict[str, Any]:
    return {
        "condition": change.condition,
        "before": {"status": change.before or None, "reading": _maybe(change.before_reading)},
        "after": {"status": change.after or None, "reading": _maybe(change.after_reading)},
    }


def _maybe(text: Text | None) -> str | None:
    return None if text is None else in_english(text)


def _side_document(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "runs": [t.name for t in side.trials],
        "spikes": list(side.counts.events),
        "exposure": list(side.counts.exposures),
        "largest_spike": _number_or_none(side.largest),
        "diverged": [t.diverged for t in side.trials],
    }


def _change_document(change: LevelChange) -> dict[str, Any]:
    return {
        "tag": change.tag,
        "before": _number_or_none(change.before),
        "after": _number_or_none(change.after),
        "low": _number_or_none(change.low),
        "high": _number_or_none(change.high),
        "basis": in_english(change.basis),
    }


def _number_or_none(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
