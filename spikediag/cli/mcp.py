"""`spikediag mcp`: analyze, check, compare and explain for agents, over the Model Context Protocol.

Read-only and confined to folders, twice: a path is resolved and must lie in one of them, and from then on the
process itself opens, lists and connects to nothing else (audit hooks, PEP 578), whatever a symbolic link or a
configuration file above a run would lead to. Answers are the JSON of the commands.
"""

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar
from urllib.parse import unquote

import typer

from spikediag.cli.spoken import speak
from spikediag.errors import SpikediagError, UsageError
from spikediag.text import say
from spikediag.version import VERSION

P = ParamSpec("P")
R = TypeVar("R")
Facts = dict[str, str | int | float | bool]

INSTRUCTIONS = """\
Post-mortems of training runs whose loss jumped: what jumped, whether the error metric moved with it, the
most likely cause with the evidence for and against, whether it matters, and what to do. Start with analyze
and read verdict.summary; explain tells what an id means. A probability that is not calibrated is
none: quote in_words.
"""
READS = ("open", "os.listdir", "os.scandir", "sqlite3.connect")
NEVER = (
    "socket.connect",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
)
OWN_TEMPORARY = "spikediag-"  # prefix of what is unpacked on the way


def mcp(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...", help="What may be read; the working folder where none is named."
        ),
    ] = None,
) -> None:
    """Serve analyze, check, compare and explain to agents on standard input and output, read-only.

    For the configuration of an agent: command `spikediag`, arguments `mcp` and the folders of your runs.
    """
    speak("en")
    roots = tuple(folder.resolve() for folder in folders or [Path.cwd()])
    if missing := [folder for folder in roots if not folder.is_dir()]:
        raise UsageError(say("{folder} is no folder.", folder=str(missing[0])))
    server = _server(Tools(roots))
    confine(roots)
    server.run("stdio")


def _server(tools: "Tools") -> Any:  # noqa: ANN401  # of an extra
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise UsageError(say("this needs an extra: pip install 'spikediag[mcp]'.")) from error
    server = MCPServer("spikediag", version=VERSION, instructions=INSTRUCTIONS, log_level="WARNING")
    hints = ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    for tool in (tools.analyze, tools.check, tools.compare, tools.explain):
        server.add_tool(_told(tool, ToolError), annotations=hints)
    return server


def _told(tool: Callable[P, R], refusal: type[Exception]) -> Callable[P, R]:
    """The tool, whose errors on purpose are an answer."""

    @wraps(tool)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return tool(*args, **kwargs)
        except SpikediagError as error:
            raise refusal(str(error)) from error

    return told


@dataclass(frozen=True)
class Tools:
    """What an agent may ask, of runs in these folders."""

    roots: tuple[Path, ...]

    def analyze(self, run: str, facts: Facts | None = None, parts: list[str] | None = None) -> dict[str, Any]:
        """The diagnosis of one run, schema spikediag.diagnosis/1.

        Args:
            run: a run folder or a log file.
            facts: what the run does not say of itself, such as {"batch_size": 256, "dataset_size": 418}.
            parts: only these keys: run, findings, conditions, remedies, verdict, searched, checks.
        """
        from spikediag import parser, pipeline

        document = pipeline.diagnose(parser.read_run(self._inside(run), facts or {})).to_dict()
        if unknown := {*(parts or ())} - document.keys():
            raise UsageError(say("there is no part {part!r}.", part=min(unknown)))
        return {key: document[key] for key in document if not parts or key in (*parts, "schema", "version")}

    def check(
        self, runs: list[str], policy: dict[str, Any] | None = None, facts: Facts | None = None
    ) -> dict[str, Any]:
        """What a policy says of runs, schema spikediag.check/1: passed, failed or not_judged, with breaches.

        Args:
            runs: run folders, log files, or folders of runs.
            policy: keys over those of spikediag.toml or pyproject.toml, such as {"min-height": 2.0}.
            facts: what the runs do not say of themselves.
        """
        from spikediag.cli.check import judge_all
        from spikediag.policy import load
        from spikediag.policy.outputs.check_json import to_dict

        paths = [self._inside(run) for run in runs]
        keys = {key.replace("-", "_"): value for key, value in (policy or {}).items()}
        return to_dict(judge_all(paths, partial(load, self.roots[0], keys, None), facts or {}, (), None))

    def compare(self, before: str, after: str, by: str = "step") -> dict[str, Any]:
        """Whether a change helped and what it cost, schema spikediag.comparison/1.

        Args:
            before: a run folder or a log file.
            after: the same, after the change.
            by: "step" or "pass" over the data.
        """
        import spikediag

        return spikediag.compare(self._inside(before), self._inside(after), by=by).to_dict()

    def explain(self, id: str | None = None) -> dict[str, str]:  # noqa: A002  # what agents call it
        """What kinds of spike, causes and formats mean, by id; without one, the first sentence of each."""
        from spikediag.cli.explain import pages

        found = pages()
        if id is None:
            return {name: page.partition("\n")[0] for name, page in found.items()}
        if id not in found:
            raise UsageError(say("nothing is called {name!r}.", name=id))
        return {id: found[id]}

    def _inside(self, typed: str) -> Path:
        """A path in one of the folders; relative ones are sought in each.

        Raises:
            UsageError: it leads elsewhere, or nothing is there.
        """
        for root in self.roots:
            path = (root / typed).resolve()
            if path.exists() and any(path.is_relative_to(known) for known in self.roots):
                return path
        known = ", ".join(map(str, self.roots))
        raise UsageError(say("{path} is not in {folders}.", path=typed, folders=known))


def confine(roots: Sequence[Path]) -> None:
    """From now on, let this process read only below the roots and what Python itself is made of.

    There is no way back. What it writes goes to temporary folders of its own.
    """
    own = Path(__file__).parents[1]
    program = {sys.prefix, sys.base_prefix, os.fspath(own), *(p for p in sys.path if p.endswith("-packages"))}
    readable = (*roots, *(Path(place).resolve() for place in program))
    temporary = Path(tempfile.gettempdir()).resolve()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in NEVER and not _below(arguments[:1], temporary):
            raise PermissionError(errno.EACCES, "not while serving agents")
        if event in READS and isinstance(arguments[0], (str, bytes, os.PathLike)):
            path = _named(arguments[0])
            writes = event == "open" and _writes(arguments)
            if path == Path(os.devnull) or _below((path,), temporary):
                return
            if writes or not any(path.is_relative_to(root) for root in readable):
                raise PermissionError(
                    errno.EACCES, "outside of the folders that may be read", os.fspath(path)
                )

    sys.addaudithook(hook)


def _named(argument: str | bytes | os.PathLike[str]) -> Path:
    """The file that is meant, also by the address that SQLite takes."""
    text = os.fsdecode(argument)
    if text.startswith("file:"):
        text = unquote(text.removeprefix("file:").partition("?")[0])
    return Path(os.path.realpath(text))


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    return any(letter in str(mode or "") for letter in "wax+") or bool(
        isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
    )


def _below(named: tuple[Any, ...], temporary: Path) -> bool:
    """Whether a path lies in a temporary folder of this program."""
    if not named or not isinstance(named[0], (str, bytes, os.PathLike)):
        return False
    path = Path(os.path.realpath(os.fsdecode(named[0])))
    return (
        path.is_relative_to(temporary)
        and path.relative_to(temporary).parts[:1] != ()
        and path.relative_to(temporary).parts[0].startswith(OWN_TEMPORARY)
    )
