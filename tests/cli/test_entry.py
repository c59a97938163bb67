"""Errors become exit codes in one place."""

import subprocess
import sys

import pytest

from spikediag.cli import entry
from spikediag.cli.exits import Exit
from spikediag.errors import UsageError
from spikediag.text import say


@pytest.fixture
def command(monkeypatch):
    """Make `spikediag explain` raise this error."""

    def put(error):
        def fail(_):
            raise error

        monkeypatch.delenv("SPIKEDIAG_DEBUG", raising=False)
        monkeypatch.setattr(entry, "_dispatch", fail)

    return put


def test_an_error_on_purpose_is_one_sentence_and_2(command, capsys):
    command(UsageError(say("Do that instead.")))
    assert entry.run(["explain"]) == Exit.UNUSABLE == 2
    assert capsys.readouterr().err == "spikediag: Do that instead.\n"


def test_a_bug_is_3_and_says_how_to_report_it(command, capsys):
    command(ZeroDivisionError("division by zero"))
    assert entry.run(["explain"]) == Exit.BUG == 3
    said = capsys.readouterr()
    assert "ZeroDivisionError" in said.err
    assert "--debug" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_the_traceback_is_shown_on_request(command, capsys, monkeypatch):
    command(ZeroDivisionError("division by zero"))
    assert entry.run(["explain", "--debug"]) == Exit.BUG
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("SPIKEDIAG_DEBUG", "1")
    assert entry.run(["explain"]) == Exit.BUG
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_not_a_bug(command):
    command(KeyboardInterrupt())
    assert entry.run(["explain"]) == Exit.INTERRUPTED


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["analyze"], ["analyze", "--batch-size", "0", "x"], ["--nope"]]
)
def test_bad_usage_is_2_and_points_to_help(arguments, capsys):
    assert entry.run(arguments) == Exit.UNUSABLE
    said = capsys.readouterr()
    assert "--help" in said.err
    assert "Traceback" not in said.err


def test_help_loads_nothing_heavy():
    program = (
        "import sys; sys.argv = ['spikediag', 'analyze', '--help']\n"
        "from spikediag.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'numpy', 'scipy', 'pandas', 'matplotlib', 'tbparse', 'tensorboard', 'jinja2', 'yaml'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_version_is_that_of_the_package(capsys):
    from spikediag.version import VERSION

    assert entry.run(["--version"]) == 0
    assert capsys.readouterr().out == f"spikediag {VERSION}\n"


def test_no_arguments_show_the_help(capsys):
    assert entry.run([]) in (Exit.DONE, Exit.UNUSABLE)  # Typer changed its mind about this
    said = capsys.readouterr()
    assert "analyze" in said.out + said.err


def test_a_reader_that_goes_away_is_neither_a_pass_nor_a_finding():
    program = f"{sys.executable} -m spikediag schema diagnosis-1 | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["141"], "")


def test_an_error_on_purpose_shows_its_traceback_on_request(command, capsys):
    command(UsageError(say("Do that instead.")))
    assert entry.run(["explain", "--debug"]) == Exit.UNUSABLE
    assert "Traceback" in capsys.readouterr().err
