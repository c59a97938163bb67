"""Where text goes: stdout for what was asked, stderr for everything about it."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock, Timer
from typing import TYPE_CHECKING

from spikediag.cli.spoken import words
from spikediag.text import Text, say
from spikediag.wording.escape import log_json, printable, unobeyed_lines

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress
    from rich.table import Table

PATIENCE = 1.0  # seconds before a progress display appears; shorter waits would only flicker
UNCUT = 1000  # columns for a table whose rows are lines for other programs
PLAIN_WIDTH = 100  # columns when the output is not a terminal, so that the same input gives the same bytes
DOT = " \u00b7 "  # between the cells of a row that does not fit
NARROW = 60  # columns below which what stands beside its label stands under it

_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)

STYLES = {  # of everything a command can conclude, by its word
    **dict.fromkeys(("clean", "passed", "improved"), "bold green"),
    **dict.fromkeys(("spiky", "no_detectable_change"), "bold yellow"),
    **dict.fromkeys(("diverged", "failed", "worse"), "bold red"),
    "not_judged": "bold magenta",
}


def hush(quiet: bool) -> None:
    """Show nothing that people read on stdout, and no progress, from now on, or do."""
    _QUIET.set(quiet)


def columns(unwatched: int = PLAIN_WIDTH) -> int:
    """How wide a line may be; as given where nobody watches."""
    console = _console(stderr=False)
    return console.width if console.is_terminal else unwatched


def show(what: "RenderableType", *, wrap: bool = True, width: int | None = None) -> None:
    """Print on stdout: in colours on a terminal unless NO_COLOR is set, as plain text elsewhere.

    `wrap=False` leaves long lines whole; `width` is that of what nobody watches, in columns.
    """
    if _QUIET.get():
        return
    console = _console(stderr=False)
    if not console.is_terminal:
        console.width = width or PLAIN_WIDTH
    with console.capture() as captured:
        console.print(what, soft_wrap=not wrap)
    lines = unobeyed_lines(captured.get())
    sys.stdout.write(
        lines if console.is_terminal else "".join(f"{line.rstrip()}\n" for line in lines.splitlines())
    )


def note(sentence: Text) -> None:
    """Say something about the work on stderr."""
    print(unobeyed_lines(f"spikediag: {words(sentence)}"), file=sys.stderr)  # noqa: T201


def labelled(rows: "Sequence[tuple[str, RenderableType]]") -> "Table":
    """A block of labels and what they say, aligned when it wraps; on a narrow terminal, under one another."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text as Line

    if columns() < NARROW:
        stacked = Table.grid()
        for label, said in rows:
            stacked.add_row(Line(label.strip(), "dim"))
            stacked.add_row(Padding(Line(printable(said)) if isinstance(said, str) else said, (0, 0, 0, 2)))
        return stacked
    table = Table(show_header=False, box=None, padding=(0, 0, 0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, said in rows:
        table.add_row(label, Line(printable(said)) if isinstance(said, str) else said)
    return table


def tabled(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> "RenderableType":
    """Rows under headings; where they do not fit, the first cell of each alone and the others below it.

    What is not watched gets the room it needs: each row is one line, so that `grep` finds whole names.
    """
    from rich.box import SIMPLE
    from rich.cells import cell_len
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text as Line

    cells = [[printable(cell) for cell in row] for row in rows]
    used = [k for k in range(len(headings)) if k == 0 or any(row[k] for row in cells)]
    headings, cells = [headings[k] for k in used], [[row[k] for k in used] for row in cells]
    needed = sum(3 + max(cell_len(row[k]) for row in (headings, *cells)) for k in range(len(headings)))
    if needed > columns() and _console(stderr=False).is_terminal:
        lines = [[head, DOT.join(filter(None, rest))] for head, *rest in (headings, *cells)]
        styles = ["dim", *[""] * len(cells)]
        pairs = zip(lines, styles, strict=True)
        return Group(
            *(
                part
                for (head, rest), style in pairs
                for part in (Line(head, style or "bold"), Padding(Line(rest, style), (0, 0, 0, 4)))
            ),
            "",
        )
    table = Table(*headings, box=SIMPLE, pad_edge=False)
    for row in cells:
        table.add_row(*(Line(cell, overflow="fold") for cell in row))
    return table


def show_text(text: str) -> None:
    """Print finished lines on stdout, as they are."""
    if not _QUIET.get():
        sys.stdout.write(unobeyed_lines(text))


def show_json(document: str) -> None:
    """Print JSON on stdout, with the end of a line."""
    sys.stdout.write(log_json(document.rstrip("\n")) + "\n")


@contextmanager
def progress(total: int) -> Iterator[Callable[[Text], None]]:
    """A display on stderr of what is being done, from the first second on.

    Yields:
        A function to call with the name of what begins now, `total` times at most.
    """
    with _display() as display:
        if display is None:
            yield lambda _: None
            return
        task = display.add_task("", total=total, completed=-1)
        yield lambda doing: display.update(task, description=words(doing), advance=1)


@contextmanager
def counter() -> Iterator[Callable[[int, int, int], None]]:
    """A display on stderr of how many of many are done, how fast, and how long the others will take.

    Yields:
        A function to call with how many there are, are done, and of these were known before.
    """
    begun = time.monotonic()

    def count(total: int, done: int, known: int) -> Text:
        rate = (done - known) / max(time.monotonic() - begun, 1e-9)
        if not rate:
            return say("{done:,} of {total:,}", done=done, total=total)
        seconds = int((total - done) / rate)
        left = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return say(
            "{done:,} of {total:,}, {rate:.1f} a second, {left} left",
            done=done,
            total=total,
            rate=rate,
            left=left,
        )

    with _display() as display:
        if display is None:
            yield lambda *_: None
            return
        task = display.add_task("", total=None)
        yield lambda total, done, known: display.update(
            task, total=total, completed=done, description=words(count(total, done, known))
        )


@contextmanager
def _display() -> "Iterator[Progress | None]":
    """A display that appears after a second; None where nobody watches."""
    if not sys.stderr.isatty() or _QUIET.get():
        yield None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
    )
    display = Progress(*columns, console=_console(stderr=True), transient=True)
    lock = Lock()
    timer = Timer(PATIENCE, lambda: _start(display, lock))
    timer.daemon = True
    timer.start()
    try:
        yield display
    finally:
        timer.cancel()
        with lock:
            display.stop()
            display.disable = True  # a timer that fired just now must not start it again


@contextmanager
def screen() -> "Iterator[Callable[[RenderableType], None]]":
    """A place at the bottom of the terminal that is drawn anew each time; nothing where nobody watches."""
    console = _console(stderr=False)
    if not console.is_terminal:
        yield lambda _: None
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False) as live:
        yield lambda what: live.update(what, refresh=True)


def _start(display: "Progress", lock: Lock) -> None:
    with lock:
        display.start()


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, emoji=False, markup=False)
