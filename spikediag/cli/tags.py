"""`spikediag tags`: how each tag and fact of a run was understood, and how to correct it."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, OtherFacts, given
from spikediag.cli.runs import OneRun, Source, existing
from spikediag.cli.settings import SETTINGS, settings_toml
from spikediag.cli.spoken import Lang, english, speak, term, words
from spikediag.cli.terminal import UNCUT, note, show, show_json, tabled
from spikediag.cli.whole_files import write_file
from spikediag.errors import UsageError
from spikediag.text import Text as Said
from spikediag.text import say
from spikediag.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from spikediag.model import Run, Series

OVERRIDE = """\
    [roles]
    "my/objective" = "loss"

    [losses]
    "my/objective" = "likelihood"

    [facts]
    batch_size = 256
    dataset_size = 418
"""
INIT = """\
# What spikediag understood of this run. Correct what is wrong; what you delete is found out again.
# Roles: {roles}.
# Kinds of loss: {kinds}.
"""


def tags(
    path: OneRun,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    init: Annotated[
        bool,
        typer.Option(
            "--init", help="Write what was understood to a spikediag.toml beside the run, to correct."
        ),
    ] = False,
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
    run = read_run(existing(path), facts, only=source)
    if init:
        _init(path if path.is_dir() else path.parent, run)
    elif as_json:
        show_json(json.dumps(_document(run), indent=2, allow_nan=False))
    else:
        _show(run)


def _init(folder: Path, run: "Run") -> None:
    """Write the settings; those that are there stay.

    Raises:
        UsageError: there are settings, or the run lies elsewhere.
    """
    from spikediag.model import LossKind, Role

    place = folder / SETTINGS
    if not folder.is_dir():
        raise UsageError(say("{folder} is no folder here; nothing was written.", folder=str(folder)))
    if place.exists():
        raise UsageError(say("{place} exists already; correct it by hand.", place=str(place)))
    head = INIT.format(roles=", ".join(Role), kinds=", ".join(LossKind))
    write_file(place, f"{head}\n{_understood(run)}".encode())
    note(say("wrote {path}", path=str(place)))


def _understood(run: "Run") -> str:
    """The settings that say what was understood of a run."""
    from spikediag.model import Role

    losses = [series for series in run.series.values() if series.role is Role.LOSS]
    facts = {str(fact.name): fact.value for fact in run.facts.values() if fact.value is not None}
    return settings_toml(
        roles={tag: series.role.value for tag, series in run.series.items()},
        losses={series.tag: run.loss_kind(series).value for series in losses},
        facts=facts,
    )


def _document(run: "Run") -> "dict[str, object]":
    """What the tables show, schema `spikediag.tags/1`."""
    return {
        "schema": "spikediag.tags/1",
        "version": VERSION,
        "run": {
            "path": run.path,
            "name": run.name,
            "library": run.library,
            "steps_count": str(run.step_unit),
        },
        "tags": [_tag(run, series) for series in _in_order(run)],
        "facts": {
            str(fact.name): {
                "value": fact.value,
                "source": fact.source,
                "confidence": fact.confidence,
                "conflicts": list(fact.conflicts),
            }
            for fact in run.facts.values()
        },
        "damage": [
            {"file": d.file, "offset": d.offset, "length": d.length, "what": str(d.what)} for d in run.damage
        ],
        "unread": [{"file": file.path, "why": str(file.why)} for file in run.unread],
        "notes": [str(remark) for remark in run.notes],
    }


def _tag(run: "Run", series: "Series") -> "dict[str, object]":
    return {
        "tag": series.tag,
        "role": str(series.role),
        "kind": str(_kind(run, series)),
        "points": len(series),
        "first_step": int(series.steps[0]) if len(series) else None,
        "last_step": int(series.steps[-1]) if len(series) else None,
        "why": str(series.reason),
        "file": series.file,
    }


def _in_order(run: "Run") -> "list[Series]":
    return sorted(run.series.values(), key=lambda s: (s.role == "other", s.role, s.tag))


def _kind(run: "Run", series: "Series") -> str:
    """What kind of loss it is, or what an error measures."""
    from spikediag.model import Role

    return run.loss_kind(series) if series.role is Role.LOSS else series.measure


def _show(run: "Run") -> None:
    from rich.text import Text as Line

    from spikediag.model import LossKind, Role

    for part in _parts(run):
        show(part, width=UNCUT)
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
    return term("unit", unit) + ("s" if english() else "")


def _tag_table(run: "Run") -> "RenderableType":
    rows = []
    for series in _in_order(run):
        steps = words(say("none"))
        if len(series):
            ends = {"first": int(series.steps[0]), "last": int(series.steps[-1])}
            steps = words(say("{first:,} to {last:,}", **ends))
        points, why = f"{len(series):,}", words(series.reason)
        rows.append((series.tag, series.role, _kind(run, series), points, steps, why, series.file))
    return _table(say("tag | role | kind | points | steps | why | from"), rows)


def _fact_table(run: "Run") -> "RenderableType":
    rows = []
    for fact in sorted(run.facts.values(), key=lambda f: f.name):
        value = words(say("{value}", value=fact.value)) if fact.value is None else str(fact.value)
        rows.append((fact.name, value, fact.source, f"{fact.confidence:.0%}", "; ".join(fact.conflicts)))
    return _table(say("fact | value | source | confidence | other sources say"), rows)


def _session_table(run: "Run") -> "RenderableType":
    rows = []
    for number, session in enumerate(run.sessions, 1):
        seconds = session.last_wall_time - session.first_wall_time
        steps = f"{session.first_step:,}", f"{session.last_step:,}"
        timed = f"{seconds:,.0f}" if math.isfinite(seconds) else words(say("not logged"))
        rows.append((str(number), session.file, *steps, timed))
    return _table(say("session | file | first step | last step | seconds"), rows)


def _table(headings: Said, rows: "Sequence[Sequence[str]]") -> "RenderableType":
    return tabled(words(headings).split(" | "), rows)
