"""`spikediag scan`: a thousand runs in a table, the worst first, and what goes with spiking across them."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, OtherFacts, given
from spikediag.cli.report_folder import Marker, check_out, note_kept, write_report
from spikediag.cli.runs import Source, existing
from spikediag.cli.spoken import Lang, speak, term, words
from spikediag.cli.terminal import STYLES, columns, counter, note, show, show_json
from spikediag.errors import SpikediagError
from spikediag.text import say
from spikediag.wording.escape import printable, table_cell

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rich.console import RenderableType
    from rich.text import Text as Line

    from spikediag.sweep import Row, RowColumn, ScanProgress, Sweep

Roots = Annotated[
    list[Path], typer.Argument(metavar="ROOT", help="Folders with runs anywhere below; also URLs.")
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, metavar="N", help="Processes that share the work.")]
Dask = Annotated[
    str | None,
    typer.Option("--dask", metavar="WHERE", help="Share it on Dask: local, or tcp://scheduler:8786."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Write scan.csv, .html, .png, .json, .parquet there."),
]
Reports = Annotated[
    Path, typer.Option("--reports", metavar="DIR", help="Where reports lie that the page may link.")
]
Again = Annotated[bool, typer.Option("--again", help="Read every run again, also those that are known.")]
NARROWEST_NAME, FOR_NAMES = 16, 0.3  # characters of a run's name, and its share of the room, at least
UNWATCHED = 120  # columns when the output is not a terminal
GAP = 2  # between columns
ENDS = (1, 2)  # columns of the values that are compared
MOST_OF_WORDS = (24, 13, 13)  # characters of a setting and of its values
ROOMY = 116  # columns
TOLD = 20  # runs that could not be read, one by one
REPORT_PAGES = ("report.html", "report.md")


def scan(
    roots: Roots,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Out = None,
    jobs: Jobs = 1,
    dask: Dask = None,
    again: Again = False,
    reports: Reports = Path("reports"),
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
    source: Source = None,
    lang: Lang = None,
) -> int:
    """Diagnose every run below ROOT..., the worst first, and test what goes with spiking across them.

    Each line speaks of the finding that leads the run's report. Results are kept as they arrive: after Ctrl-C
    run it again and it goes on. Exits with 0 when a run was diagnosed, and with 2 when none could be.
    """
    from spikediag import sweep

    code = speak(lang, *roots)
    there = [root for root in roots if _exists(root)]
    if out is not None:
        check_out(out)
    facts = given(batch_size, dataset_size, action_dim, fact)
    with _executor(dask, jobs) as executor, _counted() as hear:
        found = sweep.scan(
            there, executor=executor, jobs=jobs, only=source, facts=facts, again=again, hear=hear
        )
    if out is not None and found.judged:
        _write(found, there[0], out, reports, code)
    if as_json:
        show_json(sweep.to_json(found))
    elif found.judged:
        _show(found)
    _tell_unread(found)
    if any(row.is_bug for row in found.unread):
        return Exit.BUG
    return Exit.DONE if found.judged else Exit.UNUSABLE


def _exists(root: Path) -> bool:
    try:
        existing(root)
    except SpikediagError as error:
        note(error.said)
        return False
    return True


def _executor(dask: str | None, jobs: int) -> "AbstractContextManager[Executor | None]":
    from spikediag.sweep import workers

    return nullcontext() if dask is None else workers.dask(dask, jobs)


@contextmanager
def _counted() -> "Iterator[Callable[[ScanProgress], None]]":
    """Show how far the scan is, and say it when the scan is interrupted."""
    last: list[ScanProgress] = []

    def hear(progress: "ScanProgress") -> None:
        last[:] = [progress]
        count(progress.total, progress.done, progress.known)

    try:
        with counter() as count:
            yield hear
    except KeyboardInterrupt:
        if last:
            note(
                say(
                    "{done:,} of {total:,} done; run this again to go on.",
                    done=last[0].done,
                    total=last[0].total,
                )
            )
        raise


def _tell_unread(found: "Sweep") -> None:
    """Say of each run that could not be read why; of very many, where it is said."""
    for row in found.unread[:TOLD]:
        if row.reason is None or row.path in str(row.reason):
            note(row.reason or say(""))
        else:
            note(say("{path}: {said}", path=row.path, said=row.reason))
    if (more := len(found.unread) - TOLD) > 0:
        note(say("{count} more could not be read; --json and --out say why of each.", count=more))


def _show(found: "Sweep") -> None:
    from spikediag.sweep import COLUMNS, ORDER, TITLE

    room = columns(int(os.environ.get("COLUMNS") or UNWATCHED))
    layout = _Layout.of(found, room)
    show(_table(found, layout), width=room)
    told = ", ".join(f"{count} {term('scan', verdict)}" for verdict, count in found.counts.items())
    lines = [say("{runs} runs: {counts}.", runs=len(found.rows), counts=told), ORDER]
    hidden = [words(column.heading) for column in COLUMNS if column not in layout.columns]
    if hidden:
        lines.append(
            say("Left out for want of room: {columns}; --out and --json have all.", columns=", ".join(hidden))
        )
    for line in lines:
        show(_line(words(line)), width=room)
    if found.across.told:
        show(_line(f"\n{words(TITLE)}", "bold"), width=room)
    if found.across.tested:
        show(_tests(found, room), width=room)
    for sentence in found.across.told:
        show(_line(f"- {words(sentence)}"), width=room)


def _line(text: str, style: str = "") -> "Line":
    from rich.text import Text as Line

    return Line(text, style)


@dataclass(frozen=True)
class _Layout:
    """Which columns have room, and what the runs are called."""

    names: tuple[str, ...]
    columns: "tuple[RowColumn, ...]"

    @classmethod
    def of(cls, found: "Sweep", room: int) -> "_Layout":
        """As many columns as fit beside the names, the most telling ones first."""
        from spikediag.sweep import COLUMNS, TELLING, shortened

        widths = {
            c: max(_width(words(c.heading)), *(_width(_cell(c, r)) for r in found.rows)) for c in COLUMNS
        }
        names = [printable(table_cell(place)) for place in found.places]
        longest = max(map(_width, names))
        least = min(longest, max(NARROWEST_NAME, int(FOR_NAMES * room)))
        left = room - least
        chosen: set[RowColumn] = set()
        for column in TELLING:
            used = any(_cell(column, row) for row in found.rows)
            if used and widths[column] + GAP <= left:
                chosen.add(column)
                left -= widths[column] + GAP
            elif used:
                break
        width = min(longest, least + left)
        return cls(shortened(names, width), tuple(c for c in COLUMNS if c in chosen))


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _cell(column: "RowColumn", row: "Row") -> str:
    return printable(column.told(row, term, words))


def _table(found: "Sweep", layout: _Layout) -> "RenderableType":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    table.add_column(words(say("run")), no_wrap=True)
    for column in layout.columns:
        table.add_column(words(column.heading), justify="right" if column.shown else "left", no_wrap=True)
    for name, row in zip(layout.names, found.rows, strict=True):
        style = STYLES.get(row.verdict, "bold magenta")
        cells = (_line(_cell(c, row), style if c.key == "verdict" else "") for c in layout.columns)
        table.add_row(_line(name), *cells)
    return table


def _tests(found: "Sweep", room: int) -> "RenderableType":
    """The hypotheses; without the values that are compared where there is no room for them."""
    from rich.table import Table

    from spikediag.sweep import HEADS, cells

    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    shown = range(len(HEADS)) if room >= ROOMY else (0, *range(1 + len(ENDS), len(HEADS)))
    for n in shown:
        limits = dict(zip((0, *ENDS), MOST_OF_WORDS, strict=True))
        table.add_column(words(HEADS[n]), overflow="ellipsis", no_wrap=True, max_width=limits.get(n))
    for one in found.across.tested:
        told = cells(one)
        table.add_row(*(_line(words(told[n])) for n in shown), style="bold" if one.significant else "")
    return table


def _write(found: "Sweep", root: Path, out: Path, reports: Path, code: str) -> None:
    from spikediag import sweep

    links = _links(found, out, reports)
    written = write_report(out, root, sweep.artifacts(found, code, links), kind="scan")
    note_kept(out, written)
    note(say("wrote {path}", path=str(out / sweep.PAGE)))


def _links(found: "Sweep", out: Path, reports: Path) -> dict[str, str]:
    """By the path of a run: its report, as seen from the page."""
    pages: dict[Path, str] = {}
    with suppress(OSError):
        for folder in sorted(reports.iterdir()):
            marker = Marker.read(folder) if folder.is_dir() else None
            page = next((p for name in REPORT_PAGES if (p := folder / name).is_file()), None)
            if marker is not None and marker.kind == "report" and page is not None:
                seen = Path(os.path.relpath(page.resolve(), out.resolve())).as_posix()
                pages[(folder / marker.run).resolve()] = seen
    return {row.path: pages[path] for row in found.judged if (path := Path(row.path).resolve()) in pages}
