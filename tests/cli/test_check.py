"""`spikediag check` on real runs, and through the real entry point."""

import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from spikediag.cli import entry
from spikediag.policy import baseline
from tests.conftest import ROOT, SAMPLE_RUNS
from tests.parser.writing import curves, write

SPIKY, CALM = str(SAMPLE_RUNS / "bc_single_trajectory"), str(SAMPLE_RUNS / "bc_batch_32")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return tmp_path


def spikediag(*commands, cwd, **environment):
    """Run commands through the real entry point, one after the other in one process; the last code counts."""
    program = (
        "import json, sys\n"
        "from spikediag.cli import main\n"
        "for command in json.loads(sys.argv[1]):\n"
        "    sys.argv = ['spikediag', *command]\n"
        "    try: main()\n"
        "    except SystemExit as end: print('exit code', end.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(commands)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GITHUB_ACTIONS": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done, [int(code) for code in re.findall(r"^exit code (\d+)$", done.stdout, flags=re.MULTILINE)]


def test_the_exit_codes_of_the_real_entry_point(here):
    """Not judged, and a bug; with `-m slow` the action in test_ci shows that runs pass and fail there too."""
    (here / "sitecustomize.py").write_text("import spikediag.pipeline\nspikediag.pipeline.diagnose = None\n")
    done, codes = spikediag(
        ["check", "gone"], ["check", CALM], cwd=here, PYTHONPATH=f"{here}{os.pathsep}{ROOT}"
    )
    assert codes == [2, 3]
    assert "NOT JUDGED" in done.stdout
    assert "bug in spikediag" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_one_failure_among_many_fails_and_one_missing_is_not_judged(here, capsys):
    assert entry.run(["check", CALM, SPIKY, "gone"]) == 1
    assert "1 passed, 1 failed, 1 not judged" in " ".join(capsys.readouterr().out.split())
    assert entry.run(["check", CALM, "gone"]) == 2
    assert "1 passed, 1 not judged" in " ".join(capsys.readouterr().out.split())


def test_every_output_comes_from_one_run(here, capsys):
    arguments = [
        "--junit",
        "ci/j.xml",
        "--sarif",
        "ci/s.json",
        "--gitlab",
        "ci/g.json",
        "--markdown",
        "ci/c.md",
    ]
    assert entry.run(["check", SPIKY, *arguments, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["outcome"] == "failed"
    assert int(ET.parse(here / "ci" / "j.xml").getroot().get("failures")) >= 1
    assert json.loads((here / "ci" / "s.json").read_text())["version"] == "2.1.0"
    assert json.loads((here / "ci" / "g.json").read_text())
    assert "❌" in (here / "ci" / "c.md").read_text()


def test_on_github_annotations_are_printed_and_the_summary_is_appended(here, capsys, monkeypatch):
    (here / "summary.md").write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "summary.md"))
    assert entry.run(["check", SPIKY]) == 1
    assert "\n::error file=" in capsys.readouterr().out
    assert (here / "summary.md").read_text().startswith("before\n### ❌")
    assert entry.run(["check", SPIKY, "--json"]) == 1
    said = capsys.readouterr()
    json.loads(said.out)
    assert said.err.startswith("::error file=")


def test_the_policy_of_the_project_counts_and_options_win(here, capsys):
    (here / "spikediag.toml").write_text("[check]\nforbid-couplings = []\n")
    assert entry.run(["check", SPIKY]) == 0
    assert entry.run(["check", SPIKY, "--forbid-couplings", "decoupled,coupled"]) == 1
    assert entry.run(["check", SPIKY, "--max-batch-ratio", "0.5"]) == 1
    (here / "strict.toml").write_text("[check]\nmin-height = 1e9\n")
    assert entry.run(["check", SPIKY, "--policy", "strict.toml"]) == 0
    (here / "spikediag.toml").write_text("[check]\nmin-hight = 2\n")
    capsys.readouterr()
    assert entry.run(["check", CALM]) == 2
    assert "line 2, min-hight: unknown key; did you mean 'min-height'?" in capsys.readouterr().err


def test_what_ended_worse_fails_until_its_key_is_off_and_what_passes_is_listed(here, capsys):
    worse = str(SAMPLE_RUNS / "corrupted_labels")
    off = ("--no-forbid-matters", "--no-forbid-unrecovered", "--forbid-couplings", "", "--forbid-kinds", "")
    assert entry.run(["check", worse, *off[1:]]) == 1
    assert "[forbid-matters]" in capsys.readouterr().out
    assert entry.run(["check", worse, *off, "--markdown", "c.md"]) == 0
    assert "  let through " in capsys.readouterr().out
    assert "- Let through: " in (here / "c.md").read_text()


def test_each_key_of_the_policy_is_an_option():
    from dataclasses import fields

    import typer

    from spikediag.cli.entry import app
    from spikediag.policy import Policy

    options = {o.name for o in typer.main.get_command(app).commands["check"].params}
    assert {f.name for f in fields(Policy)} <= options


def test_a_baseline_is_written_and_passes_and_a_stale_entry_is_named(here, capsys):
    assert entry.run(["check", SPIKY, "--write-baseline", "ok.toml", "--reason", "known: gripper"]) == 0
    accepted = baseline.load(here / "ok.toml")
    assert {a.reason for a in accepted} == {"known: gripper"}
    assert entry.run(["check", SPIKY, "--baseline", "ok.toml"]) == 0
    assert "known: gripper" in capsys.readouterr().out
    assert entry.run(["check", CALM, "--baseline", "ok.toml"]) == 0
    assert "stale in the baseline: bc/actor_loss" in capsys.readouterr().out


def test_writing_again_keeps_the_reasons_and_what_concerns_other_runs(here):
    assert entry.run(["check", SPIKY, "--write-baseline", "ok.toml", "--reason", "first"]) == 0
    other = '\n[[accepted]]\nrun = "other"\ntag = "loss"\nkind = "train"\nsteps = [1, 2]\nheight = 3.0\n'
    with (here / "ok.toml").open("a") as file:
        file.write(other)
    assert entry.run(["check", SPIKY, "--write-baseline", "ok.toml", "--reason", "second"]) == 0
    accepted = baseline.load(here / "ok.toml")
    assert {a.reason for a in accepted} == {"first", ""}
    assert "other" in {a.run for a in accepted}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--baseline", "gone.toml"], "gone.toml: No such file"),
        (["--policy", "gone.toml"], "gone.toml: No such file"),
        (["--reason", "why"], "--write-baseline"),
        (["--min-height", "-1"], "--min-height"),
        (["--forbid-kinds", "trian"], "did you mean 'train'?"),
        (["--junit", "."], "cannot write"),
    ],
)
def test_bad_options_are_one_sentence_and_2(here, capsys, arguments, sentence):
    assert entry.run(["check", CALM, *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_a_run_beside_its_history(here, capsys):
    shutil.copytree(CALM, here / "good")
    assert entry.run(["check", CALM, "--against", "good"]) == 0
    assert "Spikes per 10,000 points" in capsys.readouterr().out
    assert entry.run(["check", CALM, "--against", CALM]) == 0
    assert "no earlier run" in capsys.readouterr().out
    assert entry.run(["check", CALM, "--against", CALM, "--strict"]) == 1
    assert entry.run(["check", CALM, "--against", "gone"]) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only here a file may have any name")
def test_names_that_no_encoding_can_write_are_shown_and_not_obeyed(here, capsys, monkeypatch):
    hostile = os.fsdecode(b"evil\xff\n::error::owned\x1b[31m")
    shutil.copytree(CALM, here / hostile)
    files = ("--junit", "j.xml", "--sarif", "s.json", "--gitlab", "g.json", "--markdown", "c.md")
    check = ["check", hostile, "--max-batch-ratio", "0.01", *files]
    analyze = ["analyze", hostile, "--format", "md"]
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
        for command, code in ((check, 1), (analyze, 0)):
            patch.setattr(sys, "argv", ["spikediag", *command])
            with pytest.raises(SystemExit, match=str(code)):
                entry.main()
        sys.stdout.flush()
        told = sys.stdout.buffer.getvalue().decode("ascii")
    assert "\x1b" not in told
    assert "\n::error file=" in told
    assert "\n::error::owned" not in told
    json.loads((here / "s.json").read_text())
    assert {p.name for p in (here / "reports").iterdir()} == {"evil_error_owned_31m"}
    assert "\x1b" not in (here / "reports" / "evil_error_owned_31m" / "report.md").read_text()
    capsys.readouterr()
    assert entry.run(["analyze", hostile, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["name"] == hostile
    assert entry.run(["compare", hostile, CALM]) == 0
    assert entry.run(["scan", "."]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_run_that_passed_in_part_says_so_and_fails_when_strict(here, capsys):
    run = str(SAMPLE_RUNS / "bc_batch_32")
    assert entry.run(["check", run, "--max-batch-ratio", "0.9", "--fact", "batch_size=16"]) == 0
    assert "in full" not in capsys.readouterr().out
    shutil.copytree(run, here / "bare", ignore=shutil.ignore_patterns("config.yaml"))
    assert entry.run(["check", "bare", "--max-batch-ratio", "0.9"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("PASSED     bare  (not judged in full)")
    assert "1 of those passed not judged in full" in said
    assert entry.run(["check", "bare", "--max-batch-ratio", "0.9", "--strict"]) == 1


def jumped(folder, **columns):
    """A short run whose loss jumps once, and whose error does not."""
    loss = np.random.default_rng(3).normal(size=400)
    loss[200:204] += 60
    error = np.random.default_rng(4).uniform(1, 1.1, size=400)
    write(folder, curves({"bc/loss": loss, "bc/mse": error, **columns}))
    return folder


RELAXING = {
    "the loss is said to be none": '[roles]\n"bc/loss" = "other"\n"bc/second" = "loss"\n',
    "no loss is left but another": '[roles]\n"bc/loss" = "companion"\n"bc/second" = "loss"\n',
}


@pytest.mark.parametrize("text", RELAXING.values(), ids=RELAXING)
def test_settings_beside_a_run_never_make_the_check_more_lenient(here, capsys, text):
    run = jumped(here / "run", **{"bc/second": np.random.default_rng(5).normal(size=400)})
    assert entry.run(["check", "run"]) == 1
    (run / "spikediag.toml").write_text(text)
    capsys.readouterr()
    assert entry.run(["check", "run"]) == 1
    assert "The run's own settings change bc/loss, bc/second; judged without" in capsys.readouterr().out
    assert entry.run(["check", "run", "--trust-settings"]) == 0


def test_facts_beside_a_run_never_make_the_check_more_lenient(here):
    write(here / "run", curves({"bc/loss": np.random.default_rng(3).normal(size=400)}))
    (here / "run" / "config.yaml").write_text("batch_size: 400\ndataset_size: 500\n")
    assert entry.run(["check", "run", "--max-batch-ratio", "0.5"]) == 1
    (here / "run" / "spikediag.toml").write_text("[facts]\nbatch_size = 4\n")
    assert entry.run(["check", "run", "--max-batch-ratio", "0.5"]) == 1
    assert entry.run(["check", "run", "--max-batch-ratio", "0.5", "--trust-settings"]) == 0


def test_settings_may_name_a_loss_that_no_rule_knows(here, capsys):
    write(here / "run", curves({"my/thing": np.random.default_rng(3).normal(size=400)}))
    (here / "run" / "spikediag.toml").write_text('[check]\nmin-height = 1e9\n[roles]\n"my/thing" = "loss"\n')
    assert entry.run(["check", "run", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    notes = " ".join(run["notes"])
    assert "The policy beside" in notes
    assert "The run's own" in notes


def test_a_jump_before_after_step_is_let_through_and_said_even_if_it_is_no_number(here, capsys):
    loss = np.random.default_rng(3).normal(size=400)
    loss[20:25] = np.nan
    write(here / "run", curves({"bc/loss": loss}))
    assert entry.run(["check", "run", "--after-step", "100"]) == 0
    said = capsys.readouterr().out
    assert "let through" in said
    assert "It begins before step 100" in said


def test_a_loss_that_is_no_number_from_before_after_step_on_is_not_passed(here):
    loss = np.random.default_rng(3).normal(size=400)
    loss[20:] = np.nan
    write(here / "run", curves({"bc/loss": loss}))
    assert entry.run(["check", "run", "--after-step", "100"]) != 0


def test_what_a_baseline_of_any_run_accepts_is_said(here, capsys):
    jumped(here / "one")
    assert entry.run(["check", "one", "--write-baseline", "accepted.toml"]) == 0
    shutil.copytree(here / "one", here / "other")
    capsys.readouterr()
    assert entry.run(["check", "one", "other", "--baseline", "accepted.toml"]) == 0
    said = capsys.readouterr().out
    assert said.count("(by the entry of any run)") == 2
    assert said.endswith("2 runs: 2 passed\n")


def test_damage_in_the_only_loss_is_not_judged_in_full_and_fails_when_strict(here, capsys):
    jumped(here / "run")
    file = next((here / "run").iterdir())
    content = bytearray(file.read_bytes())
    content[len(content) // 3 : 2 * len(content) // 3] = bytes(len(content) // 3)
    file.write_bytes(content)
    assert entry.run(["check", "run"]) == 0
    assert "not judged in full" in capsys.readouterr().out
    assert entry.run(["check", "run", "--strict"]) == 1


def test_ranks_and_copies_that_were_left_out_are_named(here, capsys):
    for rank in ("rank_0", "rank_1"):
        write(here / "run" / rank, curves({"bc/loss": np.random.default_rng(3).normal(size=400)}))
    assert entry.run(["check", "run"]) == 0
    said = capsys.readouterr().out
    assert "The files of 1 other ranks were left out: run/rank_1" in said
    assert "1 run: 1 passed" in said


@pytest.mark.parametrize("colour", ["", "1"])
def test_no_line_of_a_log_is_a_command_of_its_runner(here, capsys, monkeypatch, colour):
    monkeypatch.setenv("FORCE_COLOR", colour)
    hostile = "##[stop-commands]tok"
    write(here / hostile, curves({f"{hostile}/loss": [0.0] * 30, "  ::error::pwn/loss": [0.0] * 30}))
    for command in (
        ["check", hostile],
        ["scan", "."],
        ["tags", hostile],
        ["analyze", hostile],
        ["check", "##[x"],
    ):
        entry.run(command)
    entry.run(["check", hostile, "--json"])
    entry.run(["analyze", hostile, "--json"])
    entry.run(["analyze", "--##[no-such-option]"])
    said = capsys.readouterr()
    assert "# #[stop-commands]tok" in said.out
    for line in (said.out + said.err).splitlines():
        assert "##[" not in line
        assert not line.lstrip().startswith("::")


@pytest.mark.parametrize(
    "command", [["check", "a/run"], ["check", CALM, "--baseline", "a/file"], ["scan", "a"]]
)
def test_what_may_not_be_entered_is_one_sentence_and_2(here, capsys, monkeypatch, command):
    """As an ordinary user meets it; the superuser may enter everything."""
    stat = os.stat

    def refused(path, *args, **kwargs):
        if str(path).startswith("a"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", refused)
    assert entry.run(command) == 2
    said = capsys.readouterr()
    assert "Permission denied" in said.err + said.out or "permission denied" in said.err + said.out
    assert "bug" not in said.err


def test_what_looks_like_a_run_is_judged_named_as_unread_or_left_out_by_a_rule_that_is_said(here, capsys):
    loss = {"train/loss": np.random.default_rng(3).normal(size=400)}
    write(here / "runs" / "good", curves(loss))
    write(here / "runs" / ".old" / "run", curves(loss))
    write(here / "runs" / "begun", [])
    for number in range(2):
        write(here / "runs" / "two" / f"events.out.tfevents.170000000{number}.h", curves(loss))
    assert entry.run(["check", "runs", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert [run["path"] for run in document["runs"]] == ["runs/good", "runs/two"]
    assert [one["path"] for one in document["unread"]] == [
        "runs/.old/run",
        "runs/begun/events.out.tfevents.1700000000.host.1.0",
    ]
    assert document["counted"] == 4
    assert entry.run(["check", "runs/good", "runs/two"]) == 0


def test_what_a_rule_leaves_out_is_printed(here, capsys):
    loss = {"train/loss": np.random.default_rng(3).normal(size=400)}
    for number, values in enumerate((loss, {"train/loss": -loss["train/loss"]}, {"train/loss": [1.0]})):
        clock = 1_700_000_000 + 10_000 * number
        write(here / "run" / f"events.out.tfevents.{clock}.h", curves(values, wall=clock))
    assert entry.run(["check", "run"]) == 0
    assert "left out: " in capsys.readouterr().out


def test_a_policy_in_the_folder_of_the_run_is_not_asked_even_when_started_there(here, capsys, monkeypatch):
    run = jumped(here / "run")
    (run / "spikediag.toml").write_text("[check]\nmin-height = 1e9\n")
    (run / "pyproject.toml").write_text("[tool.spikediag]\nmin-height = 1e9\n")
    monkeypatch.chdir(run)
    assert entry.run(["check", "."]) == 1
    assert "The policy beside the run is not asked" in capsys.readouterr().out
    assert entry.run(["check", ".", "--policy", "spikediag.toml"]) == 0


def test_earlier_runs_that_nobody_could_read_are_told_too(here, capsys):
    shutil.copytree(CALM, here / "earlier" / "good")
    (here / "earlier" / "lost").mkdir()
    (here / "earlier" / "lost" / "events.out.tfevents.1.host.gz").write_bytes(b"\x1f\x8b")
    assert entry.run(["check", CALM, "--against", "earlier", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert [one["path"] for one in document["unread"]] == ["earlier/lost/events.out.tfevents.1.host.gz"]


def test_a_breach_in_a_run_that_is_no_worse_for_it_is_said_to_be_so(here, capsys):
    assert entry.run(["check", SPIKY, "--json"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert "By its report the run is no worse for it; the policy forbids it all the same." in run["notes"]
