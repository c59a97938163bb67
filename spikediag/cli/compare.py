"""`spikediag compare`: did the remedy work?"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.folders import claim
from spikediag.cli.output import write_report
from spikediag.cli.runs import Failure, attempt, quietly
from spikediag.cli.terminal import note, printable, show
from spikediag.errors import UsageError

if TYPE_CHECKING:
    from spikediag.comparison import Comparison, Group

STYLES = {"improved": "bold green", "worse": "bold red", "no_detectable_change": "bold yellow"}

COSTS = {
    "paid": "the error ends more than 10 % worse",
    "none": "the error does not end 10 % worse",
    "unclear": "cannot tell whether the error ends 10 % worse",
    "not_logged": "no error metric is logged on both sides",
}


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
) -> int:
    """Compare training before and after a change: spikes, levels, settings, and whether it helped.

    Exits with 0 when the comparison was made, whatever it says, and with 2 when a run could not be judged.
    """
    from spikediag import comparison

    base, sides = _side(before), [_side(side) for side in after]
    made = comparison.compare(base.group, [side.group for side in sides], by, min_height)
    if out is not None:
        name = f"{base.group.name}-vs-{'-'.join(side.group.name for side in sides)}"
        folder = claim(out, base.path, name, set(), kind="comparison")
        write_report(folder, base.path, comparison.artifacts(made), kind="comparison")
        note(f"wrote {folder / comparison.PAGE}")
    if as_json:
        documents = [comparison.to_dict(c) for c in made]
        whole = documents[0] if len(documents) == 1 else documents
        typer.echo(json.dumps(whole, indent=2, allow_nan=False))
    elif as_table:
        typer.echo(comparison.table(made), nl=False)
    else:
        _show(made)
    return Exit.DONE


@dataclass(frozen=True, eq=False)
class _Side:
    """The runs of one side, as typed."""

    path: Path
    group: "Group"


def _side(typed: str) -> _Side:
    from spikediag.comparison import Group

    whole = Path(typed)
    paths = [whole] if whole.exists() else [Path(part.strip()) for part in typed.split(",") if part.strip()]
    diagnoses = []
    for outcome in attempt(paths, partial(quietly, facts={})):
        if isinstance(outcome, Failure):
            raise outcome.error
        diagnoses.append(outcome)
    if not diagnoses:
        raise UsageError("a side of the comparison is empty; give a run, a folder of runs, or RUN,RUN.")
    return _Side(paths[0], Group(_name(whole, [d.run.name for d in diagnoses]), tuple(diagnoses)))


def _name(typed: Path, names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return typed.resolve().name if typed.exists() else _shared(names)


def _shared(names: Sequence[str]) -> str:
    """What the names of seeds have in common: bc_0 and bc_1 are seeds of bc."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike).rstrip("_-. ") or names[0]


def _show(made: "Sequence[Comparison]") -> None:
    from rich.text import Text

    from spikediag.comparison import plain

    for c in made:
        show(
            Text.assemble((f"{c.outcome.replace('_', ' ').upper():<22}", STYLES[c.outcome]), plain(c.summary))
        )
        for label, sentence in _lines(c):
            show(Text.assemble((f"  {label:<20}", "dim"), printable(sentence)))
        show("")


def _lines(c: "Comparison") -> "Iterator[tuple[str, str]]":
    from spikediag.comparison import plain

    yield "window", f"{c.unit} {c.start:,.0f} to {c.end:,.0f}"
    yield "spikes above", f"{c.height:.3g}"
    yield "largest spike", f"{c.before.largest:.3g} to {c.after.largest:.3g}"
    yield (
        "final loss",
        f"{c.loss.tag}: {c.loss.before:.4g} to {c.loss.after:.4g} ({c.loss.low:+.2g} to {c.loss.high:+.2g})",
    )
    if c.companion is not None:
        e = c.companion
        yield "final error", f"{e.tag}: {e.before:.4g} to {e.after:.4g} ({e.low:+.2g} to {e.high:+.2g})"
    yield "accuracy", COSTS[c.cost]
    for setting in c.settings:
        yield "differs", f"{setting.name}: {setting.before} to {setting.after}"
    for sentence in c.notes:
        yield "note", plain(sentence)
