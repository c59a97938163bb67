"""The commands, and the way from arguments to an exit code: the only place where an error becomes one."""

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from io import StringIO, TextIOWrapper
from typing import Annotated

import typer

from spikediag.cli.analyze import analyze
from spikediag.cli.check import check
from spikediag.cli.compare import compare
from spikediag.cli.exits import Exit
from spikediag.cli.explain import explain
from spikediag.cli.log_lines import log_lines as lines_to_log
from spikediag.cli.mcp import mcp
from spikediag.cli.scan import scan
from spikediag.cli.schema import schema
from spikediag.cli.share import share
from spikediag.cli.skill import skill
from spikediag.cli.spoken import begin
from spikediag.cli.tags import tags
from spikediag.cli.terminal import hush, note
from spikediag.cli.watch import watch
from spikediag.errors import SpikediagError, refused
from spikediag.text import say
from spikediag.version import VERSION
from spikediag.wording.escape import unobeyed_lines

SWITCHES = {"--debug", "--quiet"}
COMPLETION = "_SPIKEDIAG_COMPLETE"  # set by the shell's completion

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)
for command in (
    analyze,
    check,
    watch,
    compare,
    tags,
    scan,
    explain,
    lines_to_log,
    share,
    schema,
    skill,
    mcp,
):  # as a person needs them
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spikediag {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    _debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; also with SPIKEDIAG_DEBUG=1.")
    ] = False,
    _quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but errors, and what --json asks for.")
    ] = False,
) -> None:
    """Why did my loss jump? Post-mortems of loss spikes from TensorBoard event files."""


def main() -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path or tag that cannot be written is no bug
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line on these arguments; return the exit code."""
    begin()
    switches, rest = _switched(arguments)
    hush("--quiet" in switches)
    debug = "--debug" in switches or os.environ.get("SPIKEDIAG_DEBUG", "0") not in ("", "0")
    try:
        code = _dispatch(rest)
        sys.stdout.flush()  # a reader that has gone away shows here, not at interpreter exit
    except SpikediagError as error:
        _show(error, debug)
        return Exit.UNUSABLE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except SystemExit as end:  # Typer ends the program when it meets a broken pipe, or told a shell what fits
        return end.code if COMPLETION in os.environ and isinstance(end.code, int) else _unheard()
    except BrokenPipeError:
        return _unheard()
    except Exception as error:  # noqa: BLE001  # everything else is our bug, and must not look like a finding
        return _not_ours(error, debug)
    return code


def _unheard() -> int:
    """Nobody reads any more: let what is still buffered go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.UNHEARD


def _switched(arguments: Sequence[str]) -> tuple[set[str], list[str]]:
    """The switches that may stand anywhere before `--`, and the other arguments."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    before, after = arguments[:end], arguments[end:]
    return SWITCHES & {*before}, [*(a for a in before if a not in SWITCHES), *after]


@cache
def _program() -> Callable[..., object]:
    """Every command with its options, put together once."""
    return typer.main.get_command(app)


def _dispatch(arguments: list[str]) -> int:
    code = _program()(arguments, prog_name="spikediag", standalone_mode=False)
    return code if isinstance(code, int) else Exit.DONE


def _show(error: SpikediagError, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    note(error.said)


def _not_ours(error: Exception, debug: bool) -> int:
    if isinstance(error, OSError) and error.filename is not None:
        _show(
            SpikediagError(
                say("{path}: {why}; check the path.", path=os.fsdecode(error.filename), why=refused(error))
            ),
            debug,
        )
        return Exit.UNUSABLE
    # Click's errors carry message and code; whether Typer brings its own Click depends on its version.
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if callable(show) and isinstance(code, int):
        with contextlib.redirect_stderr(StringIO()) as said:
            show()
        sys.stderr.write(unobeyed_lines(said.getvalue()))  # it quotes what was typed, and shells type names
        return code
    if type(error).__name__ == "Abort":
        return Exit.INTERRUPTED
    if debug:
        traceback.print_exc()
    bug = say(
        "internal error ({error}){where}. This is a bug in spikediag, not in your run: please report it, "
        "with the command you typed.",
        error=f"{type(error).__name__}: {error}",
        where="".join(f", {place}" for place in getattr(error, "__notes__", ())),
    )
    hint = say("Run it again with --debug to see the traceback, and send that with the report.")
    note(bug if debug else say("{bug} {hint}", bug=bug, hint=hint))
    return Exit.BUG
