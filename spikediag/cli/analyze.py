"""`spikediag analyze`: the post-mortem of one or several runs, as files and in short on the terminal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, Given, OtherFacts, given
from spikediag.cli.names import told_apart
from spikediag.cli.report_folder import Marker, check_out, claim, note_kept, write_report
from spikediag.cli.runs import Failure, Paths, Source, attempt, found_at, quietly, read_and_diagnose
from spikediag.cli.spoken import Lang, speak
from spikediag.cli.terminal import STYLES, columns, labelled, note, progress, show, show_json, show_text
from spikediag.cli.whole_files import write_file
from spikediag.text import say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from spikediag.model import Diagnosis
    from spikediag.parser import RunSource


CURVE = 60  # characters of the curve of the loss


def analyze(
    paths: Paths,
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the reports go, a folder for each run.")
    ] = Path("reports"),
    formats: Annotated[
        str, typer.Option("--format", "-f", metavar="NAME,...", help="Formats to write.")
    ] = "md,png,json",
    lang: Lang = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="Print the page of each run as Markdown and write nothing.")
    ] = False,
    opened: Annotated[
        bool, typer.Option("--open", help="Write the web page too, and show it in the browser.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the diagnosis as JSON and write nothing; an array for several paths or a folder "
            "of runs.",
        ),
    ] = False,
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
    source: Source = None,
) -> int:
    """Write the post-mortem of each run: what jumped, whether the error moved with it, why, and what to do.

    Exits with 0 when every run was diagnosed, with or without a finding, and with 2 when one could not be;
    the others are written all the same.
    """
    code = speak(lang, *paths)
    facts = given(batch_size, dataset_size, action_dim, fact)
    if as_json:
        return _print_json(paths, facts, source)
    names = _known_formats(f"{formats},html" if opened else formats)
    if brief:
        return _print_pages(paths, facts, code, source)
    check_out(out)
    found = found_at(paths, source)
    job = partial(_report, told=_by_path(found), facts=facts, out=out, formats=names, lang=code, taken=set())
    written = 0
    try:
        for outcome in attempt(found, job):
            written += not isinstance(outcome, Failure)
            if isinstance(outcome, Failure):
                note(outcome.sentence)
    except KeyboardInterrupt:
        note(say("{written} of {count} reports written.", written=written, count=len(found)))
        raise
    if "html" in names and written:
        _show_index(out, code, written=written, opened=opened)
    return Exit.DONE if written == len(found) else Exit.UNUSABLE


def _known_formats(typed: str) -> tuple[str, ...]:
    from spikediag import reporter

    names = tuple(dict.fromkeys(name.strip() for name in typed.split(",") if name.strip()))
    reporter.refuse_unknown_format(names)
    return names


def _print_json(paths: Sequence[Path], facts: Given, source: str | None) -> int:
    """One object for one run, an array for several paths or a folder of runs, whatever failed."""
    from spikediag import reporter

    found = found_at(paths, source)
    outcomes = list(attempt(found, partial(quietly, facts=facts)))
    failures = [o for o in outcomes if isinstance(o, Failure)]
    for failure in failures:
        note(failure.sentence)
    documents = [o.document if isinstance(o, Failure) else reporter.to_dict(o) for o in outcomes]
    alone = len(paths) == len(found) == 1
    show_json(json.dumps(documents[0] if alone else documents, indent=2, allow_nan=False))
    return Exit.UNUSABLE if failures else Exit.DONE


def _print_pages(paths: Sequence[Path], facts: Given, lang: str, source: str | None) -> int:
    """The page of each run, for a terminal or a chat."""
    from spikediag import reporter

    outcomes = list(attempt(found_at(paths, source), partial(quietly, facts=facts)))
    done = [o for o in outcomes if not isinstance(o, Failure)]
    names = told_apart([d.run.name for d in done], [Path(d.run.path) for d in done])
    for diagnosis, name in zip(done, names, strict=True):
        show_text(reporter.brief(diagnosis, lang, name=name if len(outcomes) > 1 else None))
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            note(outcome.sentence)
    return Exit.DONE if len(done) == len(outcomes) else Exit.UNUSABLE


def _show_index(out: Path, lang: str, *, written: int, opened: bool) -> None:
    """Keep a page that lists every web page below the folder; show it, or the only report there is."""
    import webbrowser

    from spikediag import reporter

    pages = sorted(path for path in out.glob("*/report.html") if Marker.read(path.parent))
    summaries = [(page.parent.name, page.read_text(encoding="utf-8")) for page in pages]
    place = out / "index.html"
    if place.exists() and not reporter.is_ours(place.read_text(encoding="utf-8", errors="replace")):
        note(say("{place} was not written by spikediag and is left as it is.", place=str(place)))
    else:
        write_file(place, reporter.index(summaries, lang))
    if opened:
        newest = max(pages, key=lambda page: page.stat().st_mtime_ns)
        webbrowser.open((newest if written == 1 else place).resolve().as_uri())


def _by_path(found: "Sequence[RunSource | Failure]") -> dict[Path, str]:
    """What runs named after their folders are called together, known before any of them is read."""
    paths = [run.path for run in found if not isinstance(run, Failure)]
    return dict(zip(paths, told_apart([path.name for path in paths], paths), strict=True))


def _report(
    source: "RunSource",
    *,
    told: Mapping[Path, str],
    facts: Given,
    out: Path,
    formats: Sequence[str],
    lang: str,
    taken: set[str],
) -> None:
    from spikediag import reporter

    with progress(3) as begin:
        diagnosis = read_and_diagnose(source, facts, begin)
        run = Path(diagnosis.run.path)
        begin(say("writing the report of {path}", path=diagnosis.run.path))
        folder = claim(out, run, diagnosis.run.name, taken)
        if diagnosis.run.name == source.path.name:
            diagnosis = replace(diagnosis, run=replace(diagnosis.run, name=told[source.path]))
        kept = write_report(folder, run, reporter.render(diagnosis, formats, lang))
    note_kept(folder, kept)
    show(_in_short(diagnosis, folder / "report.md" if "md" in formats else folder, lang))


def _in_short(diagnosis: "Diagnosis", page: Path, lang: str) -> "RenderableType":
    """What a person reads first: what jumped, whether the error moved, why, and where the report is."""
    from rich.console import Group
    from rich.text import Text

    from spikediag import reporter

    said = reporter.summary(diagnosis, lang, width=min(CURVE, columns() - 2))
    parts: list[RenderableType] = [
        Text.assemble((said.run, "bold"), "  ", (said.verdict, STYLES[said.status.value]))
    ]
    if said.sparkline:
        beside = columns() >= 4 + len(said.sparkline_tag) + len(said.sparkline)
        parts.append(
            Text.assemble(
                (f"  {said.sparkline_tag}", "dim"), "  " if beside else "\n  ", (said.sparkline, "cyan")
            )
        )
    rows: list[tuple[str, str | Text]] = [(row.label, Text(row.value)) for row in said.rows]
    if said.code:
        rows.append(("", Text(said.code, "cyan")))
    rows.append((said.report_label, str(page)))
    return Group(*parts, labelled(rows), *(Text(remark, "dim") for remark in said.notes), Text())
