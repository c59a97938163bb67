"""`spikediag tags`: how each tag and fact of a run was understood, and how to correct it."""

import math
from typing import TYPE_CHECKING

from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, OtherFacts, given
from spikediag.cli.runs import OneRun, Source, existing
from spikediag.cli.spoken import Lang, english, speak, term, words
from spikediag.cli.terminal import show
from spikediag.text import Text as Said
from spikediag.text import say
from spikediag.wording.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from spikediag.model import Run

OVERRIDE = """\
    [roles]
    "my/objective" = "loss"

    [losses]
    "my/objective" = "likelihood"

    [facts]
    batch_size = 256
    dataset_size = 418
"""


def tags(
    path: OneRun,
    *,
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
    source: Source = None,
    lang: Lang = None,
) -> None:
    """Show how a run was understood: each tag's role, each fact's source, damage, and how to override."""
    from spikediag.parser import read_run

    speak(lang, path)
    facts = given(batch_size, dataset_size, action_dim, fact)
    _show(read_run(existing(path), facts, only=source))


def _show(run: "Run") -> None:
    from rich.text import Text as Line

    from spikediag.model import LossKind, Role

    for part in _parts(run):
        show(part, uncut=True)
    known = words(say("The roles are {roles}.", roles=", ".join(Role)))
    kinds = words(say("The kinds of loss are {kinds}.", kinds=", ".join(LossKind)))
    wrong = words(say("Wrong? Put a spikediag.toml beside the logs:"))
    show(Line(f"{wrong}\n\n{OVERRIDE}\n{known}\n{kinds}\n"))


def _parts(run: "Run") -> "Iterator[RenderableType]":
    from rich.text import Text as Line

    yield Line(words(_first(run)))
    yield _tag_table(run)
    yield _fact_table(run)
    if run.sessions:
        yield _session_table(run)
    for rewind in run.rewinds:
        told = say(
            "step counter: {before:,} -> {after:,}, {gap:.0f} s apart",
            before=rewind.from_step,
            after=rewind.to_step,
            gap=rewind.wall_gap,
        )
        yield Line(words(told))
    for damage in run.damage:
        told = say(
            "damage: {file}, {length:,} bytes at {offset:,}: {what}",
            file=damage.file,
            length=damage.length,
            offset=damage.offset,
            what=damage.what,
        )
        yield Line(words(told), "red")
    for file in run.unread:
        yield Line(words(say("not read: {file}: {why}", file=file.path, why=file.why)))
    for remark in run.notes:
        yield Line(words(say("note: {note}", note=remark)))


def _first(run: "Run") -> Said:
    if run.library is None:
        return say(
            "{run}: {count} tags; the x-axis counts {unit}",
            run=run.name,
            count=len(run.series),
            unit=_counted(run.step_unit),
        )
    return say(
        "{run}: {count} tags, understood as a run of {library}; the x-axis counts {unit}",
        run=run.name,
        count=len(run.series),
        library=run.library,
        unit=_counted(run.step_unit),
    )


def _counted(unit: str) -> str:
    return f"{unit}s" if english() else term("unit", unit)


def _tag_table(run: "Run") -> "Table":
    from spikediag.model import Role

    table = _table(say("tag | role | kind | points | steps | why | from"))
    for series in sorted(run.series.values(), key=lambda s: (s.role == "other", s.role, s.tag)):
        steps = words(say("none"))
        if len(series):
            ends = {"first": int(series.steps[0]), "last": int(series.steps[-1])}
            steps = words(say("{first:,} to {last:,}", **ends))
        is_loss = series.role is Role.LOSS
        kind = run.loss_kind(series) if is_loss else series.measure
        why = words(series.reason)
        _row(table, series.tag, series.role, kind, f"{len(series):,}", steps, why, series.file)
    return table


def _fact_table(run: "Run") -> "Table":
    table = _table(say("fact | value | source | confidence | other sources say"))
    for fact in sorted(run.facts.values(), key=lambda f: f.name):
        value = words(say("{value}", value=fact.value)) if fact.value is None else str(fact.value)
        _row(table, fact.name, value, fact.source, f"{fact.confidence:.0%}", "; ".join(fact.conflicts))
    return table


def _session_table(run: "Run") -> "Table":
    table = _table(say("session | file | first step | last step | seconds"))
    for number, session in enumerate(run.sessions, 1):
        seconds = session.last_wall_time - session.first_wall_time
        steps = f"{session.first_step:,}", f"{session.last_step:,}"
        timed = f"{seconds:,.0f}" if math.isfinite(seconds) else words(say("not logged"))
        _row(table, str(number), session.file, *steps, timed)
    return table


def _table(headings: Said) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    return Table(*words(headings).split(" | "), box=SIMPLE, pad_edge=False)


def _row(table: "Table", *cells: str) -> None:
    from rich.text import Text as Line

    table.add_row(*(Line(printable(cell), overflow="fold") for cell in cells))
