"""`spikediag share`: a slice of a run that may be shown to others, and whether it tells the same story."""

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, OtherFacts, given
from spikediag.cli.runs import OneRun, Source, existing
from spikediag.cli.settings import SETTINGS, settings_toml
from spikediag.cli.spoken import Lang, speak
from spikediag.cli.terminal import note, progress
from spikediag.cli.whole_files import replace_folder, write_file
from spikediag.errors import UsageError, nearest
from spikediag.text import Text, say
from spikediag.wording.escape import spreadsheet_cell

if TYPE_CHECKING:
    from spikediag.model import Diagnosis, Run, Series

ZIP = ".zip"
LOG = "metrics.csv"
PLAIN = re.compile(r"[\w.+-]{1,40}")  # a word such as adamw; no path, no sentence
HEAD = """\
# Written by `spikediag share`: what the run says of itself, without paths, times and names of hosts.
"""
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can state


def share(
    path: OneRun,
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="A new folder, or a new file that ends in .zip.")
    ] = Path("shared.zip"),
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="PATTERN", help="Only these tags, as file names are matched; repeatable."
        ),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option("--steps", metavar="FIRST:LAST", help="Only these steps; either may be left out."),
    ] = None,
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
    source: Source = None,
    lang: Lang = None,
) -> int:
    """Write a slice of a run without times, paths and host names, to attach to a report of a wrong verdict.

    It holds the chosen tags as a table, NaN kept, and the facts that are numbers or plain words. Every
    command reads it as it reads a run. Whether it gives the same findings is said: a cause that rests on the
    clock or on a restart is lost.
    """
    from spikediag.parser import read_run

    speak(lang, path)
    if out.exists():
        raise UsageError(say("{out} exists already; give another --out.", out=str(out)))
    facts = given(batch_size, dataset_size, action_dim, fact)
    run = read_run(existing(path), facts, only=source)
    chosen = _chosen(run, tag or ["*"], _range(steps))
    files = {LOG: _table(chosen), SETTINGS: _settings(run, chosen)}
    _write(out, files)
    note(
        say(
            "wrote {out}: {count} tags; look into {log} and {settings} before you send it.",
            out=str(out),
            count=len(chosen),
            log=LOG,
            settings=SETTINGS,
        )
    )
    with progress(2) as begin:
        begin(say("diagnosing {path}", path=run.path))
        told = _story(_diagnosed(run))
        begin(say("diagnosing {path}", path=str(out)))
        again = _story(_diagnosed(read_run(out)))
    note(_compared(told, again))
    return Exit.DONE


def _range(typed: str | None) -> tuple[float, float]:
    """The first and the last step that are wanted.

    Raises:
        UsageError: it is not of the form FIRST:LAST.
    """
    first, colon, last = (typed or ":").replace(",", "").partition(":")
    try:
        ends = float(first or "-inf"), float(last or "inf")
    except ValueError:
        colon = ""
    if not colon or not ends[0] <= ends[1]:
        raise UsageError(
            say("--steps {typed!r}: write it as FIRST:LAST, for example 12000:16000.", typed=typed)
        )
    return ends


def _chosen(run: "Run", patterns: Sequence[str], ends: tuple[float, float]) -> "tuple[Series, ...]":
    """The series of the tags, cut to the steps.

    Raises:
        UsageError: a pattern fits no tag; the nearest one is said.
    """
    for pattern in patterns:
        if run.series and not any(fnmatchcase(name, pattern) for name in run.series):
            hint = nearest(pattern, run.series)
            raise UsageError(
                say("--tag {pattern!r} fits no tag of this run; {hint}", pattern=pattern, hint=hint)
            )
    wanted = (s for name, s in run.series.items() if any(fnmatchcase(name, pattern) for pattern in patterns))
    return tuple(_cut(series, *ends) for series in wanted)


def _cut(series: "Series", first: float, last: float) -> "Series":
    kept = (series.steps >= first) & (series.steps <= last)
    columns = (getattr(series, name)[kept] for name in ("steps", "values", "wall_times"))
    return replace(series, **dict(zip(("steps", "values", "wall_times"), columns, strict=True)))


def _table(chosen: "Sequence[Series]") -> bytes:
    """One row a step, one column a tag: an empty cell is no point, `nan` is one."""
    rows: dict[int, dict[str, float]] = {}
    for series in chosen:
        for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True):
            rows.setdefault(step, {})[series.tag] = value
    text = io.StringIO(newline="")
    tags = [series.tag for series in chosen if series.tag != "step"]
    writer = csv.writer(text)
    writer.writerow(["step", *map(spreadsheet_cell, tags)])
    writer.writerows([step, *map(cells.get, tags)] for step, cells in sorted(rows.items()))
    return text.getvalue().encode()


def _settings(run: "Run", chosen: "Sequence[Series]") -> bytes:
    """What the slice cannot say of itself: facts, and what the user said of tags."""
    from spikediag.model import Role

    own = [series for series in chosen if series.tag in run.own_settings]
    facts = {str(fact.name): fact.value for fact in run.facts.values()}
    tables = settings_toml(
        roles={series.tag: series.role.value for series in own},
        losses={series.tag: run.loss_kind(series).value for series in own if series.role is Role.LOSS},
        facts={name: value for name, value in facts.items() if _may_be_shown(value)},
    )
    return f"{HEAD}\n{tables}".encode()


def _may_be_shown(value: object) -> bool:
    return isinstance(value, (bool, int, float)) or (isinstance(value, str) and bool(PLAIN.fullmatch(value)))


def _write(out: Path, files: Mapping[str, bytes]) -> None:
    """Write the files as a new folder or zip, whole or not at all; the same run gives the same bytes."""
    if out.suffix.lower() == ZIP:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(f"{out.stem}/{name}", EPOCH), content, zipfile.ZIP_DEFLATED)
        write_file(out, packed.getvalue())
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_folder(out, partial(_fill, files=files))


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _diagnosed(run: "Run") -> "Diagnosis":
    from spikediag import pipeline

    return pipeline.diagnose(run)


def _story(diagnosis: "Diagnosis") -> tuple[tuple[str, ...], ...]:
    """What a reader would call the same findings: of each the loss, kind, steps, verdict and cause."""
    return tuple(
        (f.spike.tag, f.spike.kind, f"{f.spike.onset_step:,}", f.coupling.verdict, f.primary_cause)
        for f in diagnosis.findings
    )


def _compared(told: tuple[tuple[str, ...], ...], again: tuple[tuple[str, ...], ...]) -> Text:
    if told == again:
        return say("it gives the same findings as the run: {count}.", count=len(told))
    lost, new = (_listed(one, other) for one, other in ((told, again), (again, told)))
    return say("its findings are not those of the run: {lost} instead of {new}.", lost=new, new=lost)


def _listed(told: tuple[tuple[str, ...], ...], other: tuple[tuple[str, ...], ...]) -> str:
    return "; ".join(" ".join(finding) for finding in told if finding not in other) or "-"
