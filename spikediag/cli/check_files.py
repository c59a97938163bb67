"""Where a check is published: the terminal or JSON, files for CI systems, and GitHub when run there."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikediag.cli.output import write_file
from spikediag.cli.verdict import show
from spikediag.errors import CannotWriteError
from spikediag.version import VERSION

if TYPE_CHECKING:
    from spikediag.policy import Gate


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


def publish(gate: "Gate", files: Files, *, as_json: bool) -> None:
    """Print the check and write every file that was asked for.

    Raises:
        CannotWriteError: the file system refuses a file.
    """
    from spikediag.policy.outputs.json import to_json

    if as_json:
        sys.stdout.write(to_json(gate))
    else:
        show(gate)
    for path, content in _contents(gate, files).items():
        write_file(path, content)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _publish_on_github(gate, sys.stderr if as_json else sys.stdout)


def _contents(gate: "Gate", files: Files) -> dict[Path, bytes]:
    from spikediag.policy.outputs import gitlab, junit, markdown, sarif

    contents = {}
    if files.junit:
        contents[files.junit] = junit.to_junit(gate)
    if files.sarif:
        contents[files.sarif] = sarif.to_sarif(gate, VERSION).encode()
    if files.gitlab:
        contents[files.gitlab] = gitlab.to_gitlab(gate).encode()
    if files.markdown:
        contents[files.markdown] = markdown.to_markdown(gate).encode()
    return contents


def _publish_on_github(gate: "Gate", stream: Any) -> None:  # noqa: ANN401  # any text stream
    from spikediag.policy.outputs import github, markdown

    stream.write(github.to_github(gate))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(markdown.to_markdown(gate))
        except OSError as error:
            raise CannotWriteError(f"cannot write the job summary {summary}: {error.strerror}.") from error
