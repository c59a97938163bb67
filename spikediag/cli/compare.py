"""`spikediag compare`: did the remedy work?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.names import told_apart
from spikediag.cli.report_folder import check_out, claim, note_kept, write_report
from spikediag.cli.runs import Failure, Source, attempt, found_at, quietly
from spikediag.cli.spoken import Lang, speak, words
from spikediag.cli.terminal import STYLES, labelled, note, show, show_json, show_text
from spikediag.errors import SpikediagError, UsageError
from spikediag.text import Text, say

if TYPE_CHECKING:
    from spikediag.comparison import Comparison, Group, LevelChange


def compare(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A run, a folder of seeds, or RUN,RUN,...")],
    after: Annotated[list[str], typer.Argument(metavar="AFTER", help="One or several remedies, likewise.")],
    *,
    by: Annotated[str, typer.Option("--by", help="Align by step, or by pass over the data.")] = "step",
    min_height: Annotated[
        float,
        typer.Option("--min-height", min=0, help="Count only spikes of this height, in units of the loss."),
    ] = 0.0,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write comparison.md, .json and .png to this folder."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; an array for several remedies.")
    ] = False,
    as_table: Annotated[
        bool, typer.Option("--table", help="Print one Markdown table of all remedies.")
    ] = False,
    source: Source = None,
    lang: Lang = None,
) -> int:
    """Compare training before and after a change: spikes, levels, settings, and whether it helped.

    Exits with 0 when every comparison was made, whatever it says, and with 2 when a run could not be judged;
    the other remedies are compared all the same.
    """
    from spikediag import comparison

    code = speak(lang, before, *after)
    comparison.refuse_unknown_unit(by)
    if out is not None:
        check_out(out)
    base, sides = _side(before, source), [_attempted(side, source) for side in after]
    judged = [side for side in sides if isinstance(side, _Side)]
    base, *judged = _told_apart([base, *judged])
    made = comparison.compare(base.group, [side.group for side in judged], by, min_height) if judged else ()
    for side in sides:
        if isinstance(side, Failure):
            note(side.sentence)
    if out is not None and made:
        _write(base, judged, made, out, code)
    if as_json:
        show_json(comparison.to_json(_documents(sides, made), several=len(after) > 1))
    elif as_table and made:
        show_text(comparison.sides_table(made, code))
    else:
        _show(made)
    return Exit.DONE if len(judged) == len(sides) else Exit.UNUSABLE


@dataclass(frozen=True, eq=False)
class _Side:
    """The runs of one side, as typed."""

    path: Path
    group: "Group"


def _attempted(typed: str, source: str | None) -> "_Side | Failure":
    try:
        return _side(typed, source)
    except SpikediagError as error:
        return Failure(Path(typed), error)


def _documents(sides: "Sequence[_Side | Failure]", made: "Sequence[Comparison]") -> list[dict[str, Any]]:
    """A comparison or a failure for each side that was asked for, in the order asked."""
    from spikediag import comparison

    compared = iter(made)
    return [s.document if isinstance(s, Failure) else comparison.to_dict(next(compared)) for s in sides]


def _write(base: _Side, sides: "Sequence[_Side]", made: "Sequence[Comparison]", out: Path, lang: str) -> None:
    from spikediag import comparison

    name = f"{base.group.name}-vs-{'-'.join(side.group.name for side in sides)}"
    folder = claim(out, base.path, name, set(), kind="comparison")
    note_kept(folder, write_report(folder, base.path, comparison.artifacts(made, lang), kind="comparison"))
    note(say("wrote {path}", path=str(folder / comparison.PAGE)))


def _side(typed: str, source: str | None) -> _Side:
    from spikediag.comparison import Group

    whole = Path(typed)
    paths = [whole] if whole.exists() else [Path(part.strip()) for part in typed.split(",") if part.strip()]
    diagnoses = []
    for outcome in attempt(found_at(paths, source), partial(quietly, facts={})):
        if isinstance(outcome, Failure):
            raise outcome.error
        diagnoses.append(outcome)
    if not diagnoses:
        raise UsageError(say("a side of the comparison is empty; give a run, a folder of runs, or RUN,RUN."))
    return _Side(paths[0], Group(_name(whole, [d.run.name for d in diagnoses]), tuple(diagnoses)))


def _told_apart(sides: "Sequence[_Side]") -> "list[_Side]":
    """The sides with different names."""
    names = told_apart([side.group.name for side in sides], [side.path for side in sides])
    return [
        replace(side, group=replace(side.group, name=name)) for side, name in zip(sides, names, strict=True)
    ]


def _name(typed: Path, names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    from spikediag.parser import url_of

    return typed.resolve().name if typed.exists() or url_of(typed) else _shared(names)


def _shared(names: Sequence[str]) -> str:
    """What the names of seeds have in common: bc_0 and bc_1 are seeds of bc."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike).rstrip("_-. ") or names[0]


def _show(made: "Sequence[Comparison]") -> None:
    from rich.text import Text as Line

    from spikediag.comparison import Cost

    for c in made:
        style = STYLES["worse" if c.cost is Cost.PAID else c.outcome]
        show(Line(words(c.headline).upper(), style))
        rows = ((say("what came of it"), c.summary), *_lines(c))
        show(labelled([(f"  {words(label)}", Line(words(said))) for label, said in rows]))
        show("")


def _lines(c: "Comparison") -> "Iterator[tuple[Text, Text]]":
    from spikediag.comparison import COSTS, UNIT_NAMES

    yield (
        say("compared"),
        say("{unit} {start:,.0f} to {end:,.0f}", unit=UNIT_NAMES[c.unit], start=c.start, end=c.end),
    )
    yield say("spikes above"), say("{height:.3g}", height=c.height)
    largest = say("{before:.3g} to {after:.3g}", before=c.before.largest, after=c.after.largest)
    yield say("largest spike"), largest
    yield say("final loss"), _change(c.loss)
    if c.companion is not None:
        yield say("final error"), _change(c.companion)
    yield say("accuracy"), COSTS[c.cost]
    for d in c.differences:
        changed = say("{name}: {before} to {after}", name=d.name, before=d.before, after=d.after)
        yield say("differs"), changed
    for sentence in c.notes:
        yield say("note"), sentence


def _change(change: "LevelChange") -> Text:
    return say(
        "{tag}: {before:.4g} to {after:.4g} ({low:+.2g} to {high:+.2g})",
        tag=change.tag,
        before=change.before,
        after=change.after,
        low=change.low,
        high=change.high,
    )
