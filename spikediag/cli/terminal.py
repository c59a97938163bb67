"""Where text goes: stdout for what was asked, stderr for everything about it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

PATIENCE = 1.0  # seconds before a progress display appears; shorter waits would only flicker
PLAIN_WIDTH = 100  # columns when the output is not a terminal, so that the same input gives the same bytes


def console(*, stderr: bool = False) -> "Console":
    """A Rich console: colours on a terminal unless NO_COLOR is set, plain text elsewhere."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(stderr=stderr, width=width, highlight=False, emoji=False, soft_wrap=False)


def note(sentence: str) -> None:
    """Say something about the work on stderr."""
    print(f"spikediag: {printable(sentence)}", file=sys.stderr)  # noqa: T201


def printable(text: str) -> str:
    """The text without control characters: a tag must not move the cursor or colour the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """A display on stderr of what is being done, from the first second on.

    Yields:
        A function to call with the name of what begins now, `total` times at most.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
    )
    display = Progress(*columns, console=console(stderr=True), transient=True)
    task = display.add_task("", total=total, completed=-1)
    lock, timer = Lock(), Timer(PATIENCE, lambda: _start(display, lock))
    timer.daemon = True
    timer.start()
    try:
        yield lambda doing: display.update(task, description=printable(doing), advance=1)
    finally:
        timer.cancel()
        with lock:
            display.stop()
            display.disable = True  # a timer that fired just now must not start it again


def _start(display: "Progress", lock: Lock) -> None:
    with lock:
        display.start()
