"""`spikediag watch`: follows logs that are still being written."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.check import EXITS, PolicyFile, judge_all
from spikediag.cli.check_output import Files, publish
from spikediag.cli.exits import Exit
from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, OtherFacts, given
from spikediag.cli.runs import Source, existing
from spikediag.cli.spoken import Lang, speak, term, words
from spikediag.cli.terminal import STYLES, note, screen, show_text
from spikediag.errors import UsageError
from spikediag.policy import load
from spikediag.text import say
from spikediag.wording.escape import printable
from spikediag.wording.writer import TERMINAL

if TYPE_CHECKING:
    from rich.table import Table

    from spikediag.live.alerts import Alert
    from spikediag.live.follow import Followed, Follower
    from spikediag.live.sinks import Sink

REST = 4.0  # times as long as a look took, at least: looking takes a fifth of the time at most
SPARK = 24  # characters
_HEARD = "What happens at a spike"


def watch(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Run folders, log files, or folders in which runs appear."),
    ],
    *,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=0.05, help="Look every so many seconds.")
    ] = 5.0,
    until_idle: Annotated[
        float | None,
        typer.Option(
            "--until-idle", metavar="SECONDS", min=0.0, help="End when no log has grown for so long."
        ),
    ] = None,
    on_spike: Annotated[
        str | None,
        typer.Option(
            "--on-spike",
            metavar="COMMAND",
            rich_help_panel=_HEARD,
            help="Run this, with the finding as JSON on its input and in SPIKEDIAG_* variables; no shell.",
        ),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            "--webhook",
            metavar="URL",
            rich_help_panel=_HEARD,
            help="Post it to Slack, to Discord, or as JSON to any other address.",
        ),
    ] = None,
    policy_file: PolicyFile = None,
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
    source: Source = None,
    lang: Lang = None,
) -> int:
    """Follow runs that are being written, and tell of a spike while it happens.

    Only what is new is read. What had happened before is no news, but counts in the verdict: at the end the
    runs are judged as by `check`, with its exit code. Ctrl-C ends it too, with 130.
    """
    from spikediag.live.follow import Follower

    code = speak(lang, *paths)
    load(Path.cwd(), {}, policy_file)  # one that cannot be used is refused now, not after the training
    facts = given(batch_size, dataset_size, action_dim, fact)
    roots = [_here(path) for path in paths]
    follower = Follower(roots, facts, source)
    with _sinks(on_spike, webhook, code) as sinks, screen() as draw:
        interrupted = _until_over(_Telling(follower, draw, sinks, code), interval, until_idle)
    result = judge_all(roots, partial(load, Path.cwd(), {}, policy_file), facts, (), source)
    publish(result, Files(None, None, None, None), code, as_json=False)
    return Exit.INTERRUPTED if interrupted else EXITS[result.outcome.value]


def _here(path: Path) -> Path:
    """The path.

    Raises:
        UsageError: it is an URL.
        RunNotFoundError: nothing is there.
    """
    from spikediag.parser import address, url_of

    if url_of(path):
        raise UsageError(
            say(
                "{path}: what lies elsewhere cannot be followed; mount it, or copy it on.", path=address(path)
            )
        )
    return existing(path)


@contextmanager
def _sinks(on_spike: str | None, webhook: str | None, lang: str) -> "Iterator[tuple[Sink, ...]]":
    """Where alerts go beside the terminal; what still waits at the end has some seconds."""
    from spikediag.live.command import Command
    from spikediag.live.sinks import Webhook

    found: list[Sink] = [] if on_spike is None else [Command(on_spike)]
    if webhook is not None:
        found.append(Webhook(webhook, lang=lang))
    try:
        yield tuple(found)
    finally:
        for sink in found:
            sink.close()


def _until_over(telling: "_Telling", interval: float, until_idle: float | None) -> bool:
    """Look until nothing grows any more; whether Ctrl-C ended it before."""
    follower = telling.follower
    try:
        while True:
            begun = follower.now()
            telling.look()
            idle, pause = follower.idle_for, max(interval, REST * (follower.now() - begun))
            if until_idle is not None and idle >= until_idle:
                telling.look(last=True)
                return False
            time.sleep(pause if until_idle is None else max(min(pause, until_idle - idle), 0.05))
    except KeyboardInterrupt:
        return True


@dataclass
class _Telling:
    """Says what is new: a view of all runs on a terminal, and a line for each change everywhere."""

    follower: "Follower"
    draw: "Callable[[Table], None]"
    sinks: "tuple[Sink, ...]"
    lang: str
    said: dict[Path, str] = field(default_factory=dict)  # the last line of each run
    stopped: set[Path] = field(default_factory=set)

    def look(self, *, last: bool = False) -> None:
        """Look once and tell."""
        alerts = self.follower.look(last=last)
        for path, run in self.follower.runs.items():
            self._status(path, run)
        for alert in alerts:
            self._alert(alert)
        for path, error in self.follower.failures.items():
            self._once(path, words(error.said))
        self.draw(_view(self.follower))

    def _alert(self, alert: "Alert") -> None:
        from spikediag.live.alerts import told

        if alert.quiet:
            return
        show_text("\n  ".join(told(alert, self.lang, TERMINAL)) + "\n")
        for sink in self.sinks:
            sink.send(alert)

    def _status(self, path: Path, run: "Followed") -> None:
        if run.error is not None:
            self._once(path, words(run.error.said))
        elif run.diagnosis is not None:
            status = term("run", run.diagnosis.overall.status.value)
            named, at = say("{name}", name=run.name), run.step or 0
            line = words(say("{name}: {status}", name=named, status=status))
            if self.said.get(path) != line:
                self.said[path] = line
                show_text(words(say("{line}, step {step:,}", line=line, step=at)) + "\n")
        stopped = run.has_stopped(self.follower.now())
        if stopped and path not in self.stopped:
            idle = self.follower.now() - run.grown_at
            note(
                say(
                    "{name} has not grown for {seconds:,.0f} s: finished, or stuck.",
                    name=run.name,
                    seconds=idle,
                )
            )
        elif path in self.stopped and not stopped:
            note(say("{name} grows again.", name=run.name))
        (self.stopped.add if stopped else self.stopped.discard)(path)

    def _once(self, path: Path, line: str) -> None:
        if self.said.get(path) != line:
            self.said[path] = line
            show_text(f"{line}\n")


def _view(follower: "Follower") -> "Table":
    """A line for each run: its verdict, the course of its loss, its last step and what leads."""
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    from spikediag.reporter.terminal import curve, sparkline

    def line(said: str) -> Text:
        return Text(said, overflow="ellipsis", no_wrap=True)

    table = Table(box=SIMPLE, pad_edge=False, show_header=False)
    for width in (None, None, SPARK, None):
        table.add_column(no_wrap=True, min_width=width)
    table.add_column()  # what gives way on a narrow terminal
    for run in follower.runs.values():
        if run.diagnosis is None:
            table.add_row(
                Text(printable(run.name)), "", "", "", line(words(run.error.said) if run.error else "")
            )
            continue
        status, shown = run.diagnosis.overall.status.value, curve(run.diagnosis)
        table.add_row(
            Text(printable(run.name)),
            Text(term("run", status), style=STYLES[status]),
            sparkline(shown.values, SPARK) if shown is not None else "",
            f"{run.step or 0:,}",
            line(words(run.diagnosis.overall.summary)),
        )
    return table
