"""The help of every command, kept as text: a changed option is a change that somebody reads."""

import re
from pathlib import Path

import pytest
import typer

from spikediag.cli import entry
from spikediag.cli.entry import app

GOLDEN = Path(__file__).parent / "help"
WRITTEN_WITH = GOLDEN / "typer-version"
TYPER = ".".join(typer.__version__.split(".")[:2])
COMMANDS = ["", "analyze", "check", "compare", "tags", "scan", "explain", "share", "schema", "skill", "mcp"]


def helped(command, monkeypatch, capsys):
    for name, value in {"COLUMNS": "200", "TERMINAL_WIDTH": "200", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert entry.run([*command.split(), "--help"]) == 0
    return words(capsys.readouterr().out)


def words(text):
    """The text without the boxes and the names of types, which change with Typer's version."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    bare = (re.sub(r"[─-╿]+|<[^>]*>", " ", line).strip() for line in plain.splitlines())
    return "\n".join(re.sub(r" {2,}", "  ", line) for line in bare if line) + "\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command, monkeypatch, capsys, update_golden):
    said = helped(command, monkeypatch, capsys)
    golden = GOLDEN / f"{command or 'spikediag'}.txt"
    if update_golden:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(said, encoding="utf-8")
        WRITTEN_WITH.write_text(f"{TYPER}\n", encoding="utf-8")
    elif WRITTEN_WITH.read_text(encoding="utf-8").strip() != TYPER:
        pytest.skip(f"the texts were written with another Typer than {TYPER}, which words them its own way")
    assert said.split() == golden.read_text(encoding="utf-8").split()


def test_every_command_has_a_golden_text():
    assert {c.callback.__name__ for c in app.registered_commands} == set(COMMANDS) - {""}


@pytest.mark.parametrize("command", COMMANDS[1:])
def test_every_option_says_what_it_does(command):
    options = typer.main.get_command(app).commands[command].params
    assert [o.name for o in options if not o.help] == []
