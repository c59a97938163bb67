"""Comparisons as Markdown: the table of which remedy works, and one page for each."""

import math
from collections.abc import Iterator, Sequence

from spikediag.comparison.values import Change, Comparison, Cost, Outcome, Side
from spikediag.model import Text, say
from spikediag.wording import language
from spikediag.wording.writer import MARKDOWN, Writer

PICTURE = "comparison.png"
OUTCOMES = {
    Outcome.IMPROVED: "improved",
    Outcome.WORSE: "worse",
    Outcome.NO_DETECTABLE_CHANGE: "no detectable change",
}
COSTS = {
    Cost.PAID: "ends more than 10 % worse",
    Cost.NONE: "not worse by 10 %",
    Cost.UNCLEAR: "cannot tell",
    Cost.NOT_LOGGED: "not logged",
}


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
            f"| {OUTCOMES[c.outcome]} | {COSTS[c.cost]} |"
        )


def _section(c: Comparison) -> Iterator[str]:
    yield f"\n## {_code(c.before.name)} → {_code(c.after.name)}\n"
    yield (
        f"Compared from {c.unit} {c.start:,.0f} to {c.end:,.0f}. A spike rises above the running median by "
        f"more than {_number(c.height)}: 8 robust sigmas of the noisiest training, or what was asked for.\n"
    )
    yield _change("Final loss", c.loss)
    if c.companion is not None:
        yield _change("Final error", c.companion)
    for note in c.notes:
        yield f"- {_text(note)}"
    if c.settings:
        yield "\n| what differs | before | after | how it could explain a change |\n| --- | --- | --- | --- |"
    for s in c.settings:
        yield f"| {_code(s.name)} | {_code(s.before)} | {_code(s.after)} | {_text(s.why)} |"
    if c.conditions:
        yield "\n| condition | before | after |\n| --- | --- | --- |"
    for k in c.conditions:
        yield f"| {_code(k.condition)} | {_reading(k.before_reading)} | {_reading(k.after_reading)} |"


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


def _text(text: Text) -> str:
    return Writer(language.load("en"), MARKDOWN).text(text)


def _code(hostile: str) -> str:
    return _text(say("{hostile}", hostile=hostile))
