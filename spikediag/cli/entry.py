"""From arguments to an exit code: the only place where an error becomes one."""

import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper

from spikediag.cli.exits import Exit
from spikediag.cli.terminal import note
from spikediag.errors import SpikediagError


def main() -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path or tag that cannot be written is no bug
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line on these arguments; return the exit code."""
    debug = "--debug" in arguments or os.environ.get("SPIKEDIAG_DEBUG", "0") not in ("", "0")
    try:
        code = _dispatch([a for a in arguments if a != "--debug"])
        sys.stdout.flush()  # a reader that has gone away shows here, not at interpreter exit
    except SpikediagError as error:
        _show(error, debug)
        return Exit.UNUSABLE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except (BrokenPipeError, SystemExit):  # Typer ends the program when it meets a broken pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.UNHEARD
    except Exception as error:  # noqa: BLE001  # everything else is our bug, and must not look like a finding
        return _not_ours(error, debug)
    return code


def _dispatch(arguments: list[str]) -> int:
    from spikediag.cli.app import app

    code = app(arguments, prog_name="spikediag", standalone_mode=False)
    return code if isinstance(code, int) else Exit.DONE


def _show(error: SpikediagError, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    note(str(error))


def _not_ours(error: Exception, debug: bool) -> int:
    # Click's errors carry message and code; whether Typer brings its own Click depends on its version.
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if callable(show) and isinstance(code, int):
        show()
        return code
    if type(error).__name__ == "Abort":
        return Exit.INTERRUPTED
    if debug:
        traceback.print_exc()
    where = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
    hint = "" if debug else " Run it again with --debug to see the traceback, and send that with the report."
    note(
        f"internal error ({type(error).__name__}: {error}){where}. This is a bug in spikediag, "
        f"not in your run: please report it, with the command you typed.{hint}"
    )
    return Exit.BUG
