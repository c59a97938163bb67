"""What a check says, and where: the terminal or JSON, files for CI systems, and GitHub when run there."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikediag.cli.spoken import term, words
from spikediag.cli.terminal import STYLES, show, show_json
from spikediag.cli.whole_files import write_file
from spikediag.errors import CannotWriteError, refused
from spikediag.text import Text as Said
from spikediag.text import say
from spikediag.version import VERSION
from spikediag.wording.escape import printable

if TYPE_CHECKING:
    from rich.text import Text as Line

    from spikediag.policy.result import CheckResult, RunResult


OUTCOMES = {"passed": say("passed"), "failed": say("failed"), "not_judged": say("not judged")}
BADGES, LABELS = 11, 14  # columns


def _file(name: str, help_text: str) -> Any:  # noqa: ANN401  # Typer's own type is private
    return typer.Option(name, metavar="FILE", rich_help_panel="Files for CI", help=help_text)


Junit = Annotated[Path | None, _file("--junit", "Write JUnit XML.")]
Sarif = Annotated[Path | None, _file("--sarif", "Write SARIF 2.1.0, for code scanning.")]
Gitlab = Annotated[Path | None, _file("--gitlab", "Write a GitLab code quality report.")]
Markdown = Annotated[Path | None, _file("--markdown", "Write Markdown, for a pull-request comment.")]


@dataclass(frozen=True)
class Files:
    """The files that were asked for."""

    junit: Path | None
    sarif: Path | None
    gitlab: Path | None
    markdown: Path | None


def publish(result: "CheckResult", files: Files, lang: str, *, as_json: bool) -> None:
    """Print the check and write every file that was asked for; what people read is in the language.

    Raises:
        CannotWriteError: the file system refuses a file.
    """
    from spikediag.policy.outputs.check_json import to_json

    if as_json:
        show_json(to_json(result))
    else:
        for line in _lines(result):
            show(line, wrap=False)
    for path, content in _contents(result, files, lang).items():
        write_file(path, content)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _publish_on_github(result, sys.stderr if as_json else sys.stdout, lang)


def _contents(result: "CheckResult", files: Files, lang: str) -> dict[Path, bytes]:
    from spikediag.policy.outputs import comment, gitlab, junit, sarif

    contents = {}
    if files.junit:
        contents[files.junit] = junit.to_junit(result)
    if files.sarif:
        contents[files.sarif] = sarif.to_sarif(result, VERSION).encode()
    if files.gitlab:
        contents[files.gitlab] = gitlab.to_gitlab(result).encode()
    if files.markdown:
        contents[files.markdown] = comment.to_markdown(result, lang).encode()
    return contents


def _publish_on_github(result: "CheckResult", stream: Any, lang: str) -> None:  # noqa: ANN401  # any text stream
    from spikediag.policy.outputs import comment, github

    stream.write(github.to_github(result))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(comment.to_markdown(result, lang))
        except OSError as error:
            raise CannotWriteError(
                say(
                    "cannot write the job summary {summary}: {why}.", summary=str(summary), why=refused(error)
                )
            ) from error


def _lines(result: "CheckResult") -> "Iterator[Line]":
    from rich.text import Text as Line

    for run in result.runs:
        yield from _run(run)
    for unread in result.unread:
        yield _headline("not_judged", unread.path)
        yield Line(f"  {words(unread.reason)}")
    for one in result.left_out:
        yield Line(words(say("left out: {path}: {why}.", path=one.path, why=one.reason)), "dim")
    for a in result.stale:
        entry = say(
            "{tag}, {kind_id}, steps {first:,} to {last:,}",
            tag=a.tag,
            kind_id=term("kind", a.kind),
            first=a.first_step,
            last=a.last_step,
        )
        entry = say("{entry}, {reason}", entry=entry, reason=a.reason) if a.reason else entry
        yield Line(words(say("stale in the baseline: {entry}", entry=entry)), "yellow")
    yield Line(words(_counts(result)), STYLES[result.outcome.value])


def _counts(result: "CheckResult") -> Said:
    """How many runs there were, and how many of them passed."""
    outcomes = [run.outcome.value for run in result.runs] + ["not_judged"] * len(result.unread)
    counts = [f"{outcomes.count(o)} {words(said)}" for o, said in OUTCOMES.items() if o in outcomes]
    if partial := sum(run.partial for run in result.runs):
        counts.append(
            words(say("{n} of those passed not judged in full (--strict fails on that)", n=partial))
        )
    if not counts:
        return say("nothing was checked")
    names = ", ".join(counts)
    if len(outcomes) == 1:
        return say("1 run: {counts}", counts=names)
    return say("{n} runs: {counts}", n=len(outcomes), counts=names)


def _run(run: "RunResult") -> "Iterator[Line]":

    partly = f"  {words(say('(not judged in full)'))}" if run.partial else ""
    yield _headline(run.outcome.value, run.diagnosis.run.path + partly)
    for breach in run.breaches:
        yield _row(say("forbidden"), "red", breach.reading, f"  [{', '.join(breach.rules)}]")
    for gap in run.gaps:
        yield _row(say("not judged"), "magenta", gap.reading, f"  [{gap.rule}]")
    for accepted in run.accepted:
        yield _row(say("accepted"), "green", accepted.breach.reading, f"  ({words(accepted.why)})")
    for passed in run.let_through:
        yield _row(say("let through"), "dim", passed.reading)
    for measure in run.measures:
        yield _row(say("history"), "dim", measure)
    for remark_ in run.remarks:
        yield _row(say("settings"), "yellow", remark_)
    for note in run.notes:
        yield _row(say("note"), "dim", note)


def _row(label: Said, style: str, said: Said, aside: str = "") -> "Line":
    from rich.cells import set_cell_size
    from rich.text import Text as Line

    return Line.assemble((set_cell_size(f"  {words(label)}", LABELS), style), words(said), (aside, "dim"))


def _headline(outcome: str, name: str) -> "Line":
    from rich.cells import set_cell_size
    from rich.text import Text as Line

    word = set_cell_size(words(OUTCOMES[outcome]).upper(), BADGES)
    return Line.assemble((word, STYLES[outcome]), printable(name))
