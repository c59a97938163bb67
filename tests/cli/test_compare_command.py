"""`spikediag compare` on the remedies of sample_runs."""

import json
import shutil

import pytest

from spikediag.cli import entry
from tests.conftest import SAMPLE_RUNS

BEFORE, FLOOR, DRAW = (
    str(SAMPLE_RUNS / name) for name in ("bc_single_trajectory", "bc_sigma_floor", "bc_weighted_sampling")
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_remedy_that_works_and_one_that_does_not(here, capsys):
    assert entry.run(["compare", BEFORE, FLOOR, DRAW]) == 0
    said = capsys.readouterr().out
    assert said.startswith("IMPROVED\n")
    assert "\nNO DETECTABLE CHANGE IN SPIKES, BUT THE ERROR ENDS WORSE\n" in said
    assert all(line.startswith("  ") for line in said.splitlines() if line and not line.isupper())
    assert "sigma_min: 1e-05 to 0.05" in said
    assert "sampling: replacement to weighted" in said
    assert list(here.iterdir()) == []


def test_the_table_has_a_line_for_each_side(here, capsys):
    assert entry.run(["compare", BEFORE, FLOOR, DRAW, "--table"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("`")[1] for line in lines[2:]] == [
        "bc_single_trajectory",
        "bc_sigma_floor",
        "bc_weighted_sampling",
    ]


def test_json_is_one_document_or_an_array(here, capsys):
    assert entry.run(["compare", BEFORE, FLOOR, "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert one["schema"] == "spikediag.comparison/1"
    assert one["verdict"]["outcome"] == "improved"
    assert entry.run(["compare", BEFORE, FLOOR, DRAW, "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert [c["after"]["name"] for c in both] == ["bc_sigma_floor", "bc_weighted_sampling"]
    assert both[0]["spike_height"] == both[1]["spike_height"]


def test_out_gets_a_folder_with_page_document_and_picture(here, capsys):
    assert entry.run(["compare", BEFORE, FLOOR, "--out", "reports"]) == 0
    (folder,) = (here / "reports").iterdir()
    assert folder.name == "bc_single_trajectory-vs-bc_sigma_floor"
    assert {p.name for p in folder.iterdir()} == {
        ".spikediag.json",
        "comparison.md",
        "comparison.json",
        "comparison.png",
    }


def test_a_comparison_never_takes_the_folder_of_a_report(here, capsys):
    run = shutil.copytree(FLOOR, here / "runs" / "a-vs-a")
    assert entry.run(["analyze", str(run), "--format", "md"]) == 0
    shutil.copytree(FLOOR, here / "a")
    assert entry.run(["compare", "a", "a", "--out", "reports"]) == 0
    names = {p.name for p in (here / "reports").iterdir()}
    assert "a-vs-a" in names
    assert len(names) == 2
    assert (here / "reports" / "a-vs-a" / "report.md").exists()


def test_a_remedy_that_cannot_be_read_is_2_and_the_others_are_compared(here, capsys):
    assert entry.run(["compare", BEFORE, "gone", FLOOR, "--json"]) == 2
    lost, made = json.loads(capsys.readouterr().out)
    assert lost["path"] == "gone"
    assert made["after"]["name"] == "bc_sigma_floor"
    assert entry.run(["compare", BEFORE, "gone", FLOOR]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("IMPROVED\n")
    assert "gone does not exist" in said.err


def test_the_same_run_on_both_sides_is_said(here, capsys):
    assert entry.run(["compare", BEFORE, BEFORE]) == 0
    assert "are the same training" in capsys.readouterr().out


def test_seeds_are_a_folder_or_a_list(here, capsys):
    for seed in (0, 1):
        shutil.copytree(FLOOR, here / "floor" / f"floor_{seed}")
    assert entry.run(["compare", BEFORE, "floor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["after"]["name"] == "floor"
    assert entry.run(["compare", BEFORE, "floor/floor_0, floor/floor_1", "--json"]) == 0
    after = json.loads(capsys.readouterr().out)["after"]
    assert (after["name"], after["runs"], after["spikes"]) == ("floor", ["floor_0", "floor_1"], [0, 0])


def test_passes_over_the_data(here, capsys):
    assert entry.run(["compare", BEFORE, str(SAMPLE_RUNS / "bc_batch_32"), "--by", "pass", "--json"]) == 0
    axis = json.loads(capsys.readouterr().out)["axis"]
    assert axis["end"] == pytest.approx(19_990 * 32 / 418)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([BEFORE, "gone"], "gone"),
        ([BEFORE, " , "], "is empty"),
        ([BEFORE, FLOOR, "--by", "epoch"], "step or pass"),
        ([BEFORE, str(SAMPLE_RUNS / "lr_step")], "share no loss"),
    ],
)
def test_bad_input_is_one_sentence_and_2(here, capsys, arguments, sentence):
    assert entry.run(["compare", *arguments]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_sides_of_one_name_are_told_apart_by_the_folders_above(tmp_path, capsys):
    for side in ("old", "new"):
        shutil.copytree(SAMPLE_RUNS / "calm", tmp_path / side / "bc")
    assert entry.run(["compare", str(tmp_path / "old" / "bc"), str(tmp_path / "new" / "bc"), "--table"]) == 0
    table = capsys.readouterr().out
    assert "`old/bc`" in table
    assert "`new/bc`" in table
