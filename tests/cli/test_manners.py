"""How every command behaves on terminals, in pipes and for shells, whatever it says."""

import json
import os
import shutil
import subprocess
import sys
import tomllib

import pytest
import typer

import spikediag
from spikediag.cli import entry
from spikediag.cli.entry import app
from tests.conftest import ROOT, SAMPLE_RUNS

RUN, CALM = str(SAMPLE_RUNS / "bc_single_trajectory"), str(SAMPLE_RUNS / "calm")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def terminal(monkeypatch):
    """A terminal without colours of so many columns."""

    def of(columns):
        for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": str(columns)}.items():
            monkeypatch.setenv(name, value)

    return of


def lines_of(said):
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines()


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    "command",
    [["analyze", RUN], ["tags", RUN], ["compare", CALM, CALM], ["explain"]],
    ids=lambda command: command[0],
)
def test_no_line_is_wider_than_the_terminal(command, columns, here, terminal, capsys):
    terminal(columns)
    assert entry.run(command) in (0, 1)
    lines = lines_of(capsys.readouterr().out)
    assert lines
    assert [line for line in lines if len(line) > columns] == []


@pytest.mark.parametrize("columns", [40, 80])
def test_tags_stay_whole_on_a_narrow_terminal(columns, terminal, capsys):
    terminal(columns)
    assert entry.run(["tags", RUN]) == 0
    lines = lines_of(capsys.readouterr().out)
    assert {"bc/mse", "bc/normalized_mse", "bc/actor_loss", "bc/total_loss"} <= {
        line.strip() for line in lines
    }


def test_a_piped_table_has_a_line_for_each_tag(capsys):
    assert entry.run(["tags", RUN]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "bc/normalized_mse" in line]
    assert line.endswith("events.out.tfevents.1770195716.lab.4242.0")


def test_quiet_leaves_files_errors_and_what_programs_read(here, capsys):
    assert entry.run(["analyze", CALM, "gone", "--quiet"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert (here / "reports" / "calm" / "report.md").is_file()
    assert entry.run(["--quiet", "tags", CALM, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "spikediag.tags/1"
    assert entry.run(["check", RUN, "--quiet"]) == 1
    assert capsys.readouterr() == ("", "")
    assert entry.run(["explain", "resume"]) == 0
    assert capsys.readouterr().out


def test_a_path_may_be_called_like_a_switch(here, capsys):
    assert entry.run(["tags", "--", "--quiet"]) == 2
    assert "--quiet does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_learns_what_may_follow(shell):
    asked = {"bash": ("spikediag ana", "1"), "zsh": ("spikediag ana", ""), "fish": ("spikediag ana", "ana")}[
        shell
    ]
    env = {"_SPIKEDIAG_COMPLETE": f"complete_{shell}", "COMP_WORDS": asked[0], "COMP_CWORD": asked[1]}
    env |= {"_TYPER_COMPLETE_ARGS": "spikediag ana", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(
        [sys.executable, "-m", "spikediag"],
        env={**os.environ, **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "analyze" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", [["tags", RUN], ["explain"], ["analyze", "--help"]], ids=lambda c: c[0])
def test_no_encoding_of_the_terminal_is_a_bug(command, encoding):
    language = [] if "--help" in command else ["--lang", "zh"]
    done = subprocess.run(
        [sys.executable, "-m", "spikediag", *command, *language],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding)


def test_every_command_that_prints_a_finding_can_print_it_as_json():
    commands = typer.main.get_command(app).commands
    with_json = {
        name for name, command in commands.items() if any("--json" in p.opts for p in command.params)
    }
    assert with_json >= {"analyze", "check", "compare", "tags"}


def test_tags_as_json_say_what_the_table_says(capsys):
    assert entry.run(["tags", RUN, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {tag["tag"]: tag["kind"] for tag in document["tags"]}["bc/actor_loss"] == "likelihood"
    assert document["facts"]["batch_size"] == {
        "value": 256,
        "source": "config.yaml: batch_size",
        "confidence": 1.0,
        "conflicts": [],
    }


def test_settings_that_tags_writes_are_understood_as_the_run_was(here, capsys):
    shutil.copytree(RUN, here / "run")
    before = spikediag.read_run("run")
    assert entry.run(["tags", "run", "--init"]) == 0
    after = spikediag.read_run("run")
    assert {t: s.role for t, s in after.series.items()} == {t: s.role for t, s in before.series.items()}
    assert {n: f.value for n, f in after.facts.items()} == {n: f.value for n, f in before.facts.items()}
    written = (here / "run" / "spikediag.toml").read_text(encoding="utf-8")
    assert set(tomllib.loads(written)) == {"roles", "losses", "facts"}
    capsys.readouterr()
    assert entry.run(["tags", "run", "--init"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (here / "run" / "spikediag.toml").read_text(encoding="utf-8") == written
