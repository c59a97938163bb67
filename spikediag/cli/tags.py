"""`spikediag tags`: how each tag and fact of a run was understood, and how to correct it."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, OtherFacts, given
from spikediag.cli.runs import Source, existing
from spikediag.cli.terminal import show
from spikediag.wording.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from spikediag.model import Run

OVERRIDE = """\
Wrong? Put a spikediag.toml beside the logs:

    [roles]
    "my/objective" = "loss"

    [losses]
    "my/objective" = "likelihood"

    [facts]
    batch_size = 256
    dataset_size = 418

The roles are {roles}.
The kinds of loss are {kinds}.
"""


def tags(
    path: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder or a log file, or the URL of one.")
    ],
    *,
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
    source: Source = None,
) -> None:
    """Show how a run was understood: each tag's role, each fact's source, damage, and how to override."""
    from spikediag.parser import read_run

    facts = given(batch_size, dataset_size, action_dim, fact)
    _show(read_run(existing(path), facts, only=source))


def _show(run: "Run") -> None:
    from rich.text import Text

    from spikediag.model import LossKind, Role

    for part in _parts(run):
        show(part, uncut=True)
    show(Text(OVERRIDE.format(roles=", ".join(Role), kinds=", ".join(LossKind))))


def _parts(run: "Run") -> "Iterator[RenderableType]":
    from rich.text import Text

    library = f", understood as a run of {run.library}" if run.library else ""
    yield Text(printable(f"{run.name}: {len(run.series)} tags{library}; the x-axis counts {run.step_unit}s"))
    yield _tag_table(run)
    yield _fact_table(run)
    if run.sessions:
        yield _session_table(run)
    for rewind in run.rewinds:
        yield Text(f"step counter: {rewind.from_step:,} -> {rewind.to_step:,}, {rewind.wall_gap:.0f} s apart")
    for damage in run.damage:
        yield Text(
            printable(f"damage: {damage.file}, {damage.length:,} bytes at {damage.offset:,}: {damage.what}"),
            "red",
        )
    for file in run.unread:
        yield Text(printable(f"not read: {file.path}: {file.why}"))
    for remark in run.notes:
        yield Text(printable(f"note: {remark}"))


def _tag_table(run: "Run") -> "Table":
    from spikediag.model import Role

    table = _table("tag", "role", "kind", "points", "steps", "why", "from")
    for series in sorted(run.series.values(), key=lambda s: (s.role == "other", s.role, s.tag)):
        steps = f"{series.steps[0]:,} to {series.steps[-1]:,}" if len(series) else "none"
        is_loss = series.role is Role.LOSS
        kind = run.loss_kind(series) if is_loss else series.measure
        _row(table, series.tag, series.role, kind, f"{len(series):,}", steps, str(series.reason), series.file)
    return table


def _fact_table(run: "Run") -> "Table":
    table = _table("fact", "value", "source", "confidence", "other sources say")
    for fact in sorted(run.facts.values(), key=lambda f: f.name):
        value = "unknown" if fact.value is None else str(fact.value)
        _row(table, fact.name, value, fact.source, f"{fact.confidence:.0%}", "; ".join(fact.conflicts))
    return table


def _session_table(run: "Run") -> "Table":
    table = _table("session", "file", "first step", "last step", "seconds")
    for number, session in enumerate(run.sessions, 1):
        seconds = session.last_wall_time - session.first_wall_time
        steps = f"{session.first_step:,}", f"{session.last_step:,}"
        timed = f"{seconds:,.0f}" if math.isfinite(seconds) else "not logged"
        _row(table, str(number), session.file, *steps, timed)
    return table


def _table(*headings: str) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    return Table(*headings, box=SIMPLE, pad_edge=False)


def _row(table: "Table", *cells: str) -> None:
    from rich.text import Text

    table.add_row(*(Text(printable(cell), overflow="fold") for cell in cells))
