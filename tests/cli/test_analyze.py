"""`spikediag analyze` on real runs."""

import json
import shutil

import pytest

from spikediag.cli import entry
from tests.conftest import SAMPLE_RUNS

SPIKY, CALM = SAMPLE_RUNS / "bc_single_trajectory", SAMPLE_RUNS / "bc_batch_32"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_it_writes_a_report_and_says_what_jumped(here, capsys):
    assert entry.run(["analyze", str(SPIKY)]) == 0
    said = capsys.readouterr()
    assert "bc/actor_loss" in said.out
    assert "reports/bc_single_trajectory/report.md" in said.out
    assert said.err == ""
    written = files(here / "reports")
    assert {"bc_single_trajectory/report.md", "bc_single_trajectory/overview.png"} <= set(written)


def test_twice_gives_the_same_bytes(here):
    assert entry.run(["analyze", str(CALM)]) == 0
    first = files(here)
    assert entry.run(["analyze", str(CALM)]) == 0
    assert files(here) == first


def test_only_the_formats_asked_for_are_kept(here):
    assert entry.run(["analyze", str(CALM), "--format", "md,json"]) == 0
    assert entry.run(["analyze", str(CALM), "--format", "json"]) == 0
    names = {p.suffix for p in (here / "reports" / "bc_batch_32").iterdir() if p.name != ".spikediag.json"}
    assert names == {".json"}


def test_json_goes_to_stdout_and_nothing_is_written(here, capsys):
    assert entry.run(["analyze", str(SPIKY), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "spikediag.diagnosis/1"
    assert list(here.iterdir()) == []


def test_json_of_several_runs_is_an_array(here, capsys):
    assert entry.run(["analyze", str(SPIKY), str(CALM), "--json"]) == 0
    names = [said["run"]["name"] for said in json.loads(capsys.readouterr().out)]
    assert names == ["bc_single_trajectory", "bc_batch_32"]


def test_a_run_that_fails_does_not_stop_the_others(here, capsys):
    assert entry.run(["analyze", "gone", str(CALM)]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("spikediag: gone ")
    assert "bc_batch_32" in said.out


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_nothing_that_could_be_judged_is_2(here, capsys, more):
    assert entry.run(["analyze", "gone", *more]) == 2
    assert capsys.readouterr().out == ""
    assert list(here.iterdir()) == []


def test_runs_of_one_name_get_folders_of_their_own(here, capsys):
    for parent in ("a", "b"):
        shutil.copytree(CALM, here / parent / "bc")
    assert entry.run(["analyze", "a", "b/bc", "--format", "md"]) == 0
    assert {p.name for p in (here / "reports").iterdir()} == {"bc", "b-bc"}


def test_a_run_named_twice_is_analyzed_once(here, capsys):
    assert entry.run(["analyze", str(CALM), str(CALM / "..") + "/bc_batch_32", "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_what_spikediag_did_not_write_stays(here, capsys):
    mine = here / "reports" / "bc_batch_32"
    mine.mkdir(parents=True)
    (mine / "report.md").write_text("mine")
    assert entry.run(["analyze", str(CALM)]) == 2
    assert "--out" in capsys.readouterr().err
    assert files(here) == {"reports/bc_batch_32/report.md": b"mine"}


def test_facts_from_the_command_line_win(here, capsys):
    assert entry.run(["analyze", str(CALM), "--json", "--batch-size", "300", "--fact", "beta2=0.5"]) == 0
    facts = json.loads(capsys.readouterr().out)["run"]["facts"]
    assert facts["batch_size"]["value"] == 300
    assert facts["batch_size"]["source"] == "--batch-size"
    assert facts["beta2"]["value"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--format", "docx"], "docx"),
        (["--lang", "xx"], "xx"),
        (["--fact", "nonsense=1"], "nonsense"),
        (["--fact", "beta2"], "NAME=VALUE"),
    ],
)
def test_bad_options_are_one_sentence(here, capsys, arguments, sentence):
    assert entry.run(["analyze", str(CALM), *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert list(here.iterdir()) == []


def test_a_bug_names_the_run(here, capsys, monkeypatch):
    def fail(_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("spikediag.pipeline.diagnose", fail)
    assert entry.run(["analyze", str(CALM)]) == 3
    assert "bc_batch_32" in capsys.readouterr().err
