"""What a check says, and where: the terminal or JSON, files for CI systems, and GitHub when run there."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikediag.cli.terminal import STYLES, printable, show
from spikediag.cli.whole_files import write_file
from spikediag.errors import CannotWriteError
from spikediag.version import VERSION

if TYPE_CHECKING:
    from rich.text import Text

    from spikediag.policy.result import CheckResult, RunResult


OUTCOMES = ("passed", "failed", "not_judged")


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


def publish(result: "CheckResult", files: Files, *, as_json: bool) -> None:
    """Print the check and write every file that was asked for.

    Raises:
        CannotWriteError: the file system refuses a file.
    """
    from spikediag.policy.outputs.check_json import to_json

    if as_json:
        sys.stdout.write(to_json(result))
    else:
        for line in _lines(result):
            show(line, wrap=False)
    for path, content in _contents(result, files).items():
        write_file(path, content)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _publish_on_github(result, sys.stderr if as_json else sys.stdout)


def _contents(result: "CheckResult", files: Files) -> dict[Path, bytes]:
    from spikediag.policy.outputs import comment, gitlab, junit, sarif

    contents = {}
    if files.junit:
        contents[files.junit] = junit.to_junit(result)
    if files.sarif:
        contents[files.sarif] = sarif.to_sarif(result, VERSION).encode()
    if files.gitlab:
        contents[files.gitlab] = gitlab.to_gitlab(result).encode()
    if files.markdown:
        contents[files.markdown] = comment.to_markdown(result).encode()
    return contents


def _publish_on_github(result: "CheckResult", stream: Any) -> None:  # noqa: ANN401  # any text stream
    from spikediag.policy.outputs import comment, github

    stream.write(github.to_github(result))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(comment.to_markdown(result))
        except OSError as error:
            raise CannotWriteError(f"cannot write the job summary {summary}: {error.strerror}.") from error


def _lines(result: "CheckResult") -> "Iterator[Text]":
    from rich.text import Text

    for run in result.runs:
        yield from _run(run)
    for unread in result.unread:
        yield _headline("not_judged", unread.path)
        yield Text(f"  {printable(unread.reason)}")
    for a in result.stale:
        steps = f"steps {a.first_step:,} to {a.last_step:,}"
        why = f", {a.reason}" if a.reason else ""
        yield Text(printable(f"stale in the baseline: {a.tag}, {a.kind}, {steps}{why}"), "yellow")
    outcomes = [run.outcome.value for run in result.runs] + ["not_judged"] * len(result.unread)
    counts = [f"{outcomes.count(o)} {o.replace('_', ' ')}" for o in OUTCOMES if o in outcomes]
    if partial := sum(run.partial for run in result.runs):
        counts.append(f"{partial} of those passed not judged in full (--strict fails on that)")
    said = (
        f"{len(outcomes)} run{'s' * (len(outcomes) != 1)}: {', '.join(counts)}"
        if counts
        else "nothing was checked"
    )
    yield Text(said, STYLES[result.outcome.value])


def _run(run: "RunResult") -> "Iterator[Text]":
    from rich.text import Text

    from spikediag.policy.outputs.wording import plain, remark

    partly = "  (not judged in full)" if run.partial else ""
    yield _headline(run.outcome.value, run.diagnosis.run.path + partly)
    for breach in run.breaches:
        yield Text.assemble(
            ("  forbidden   ", "red"), plain(breach.reading), (f"  [{', '.join(breach.rules)}]", "dim")
        )
    for gap in run.gaps:
        yield Text.assemble(("  not judged  ", "magenta"), plain(gap.reading), (f"  [{gap.rule}]", "dim"))
    for accepted in run.accepted:
        why = printable(f"  ({accepted.why})")
        yield Text.assemble(("  accepted    ", "green"), plain(accepted.breach.reading), why)
    for passed in run.let_through:
        yield Text.assemble(("  let through ", "dim"), plain(remark(passed)))
    for measure in run.measures:
        yield Text.assemble(("  history     ", "dim"), plain(measure))
    for remark_ in run.remarks:
        yield Text.assemble(("  settings    ", "yellow"), plain(remark_))
    for note in run.notes:
        yield Text.assemble(("  note        ", "dim"), printable(note))


def _headline(outcome: str, name: str) -> "Text":
    from rich.text import Text

    return Text.assemble((f"{outcome.replace('_', ' ').upper():<11}", STYLES[outcome]), printable(name))
