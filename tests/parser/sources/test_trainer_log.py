"""`trainer_log.jsonl` of LLaMA-Factory."""

import json
from pathlib import Path

from spikediag import read_run
from tests.parser.sources.test_trainer_state import state
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import paths

NAMES = {"train/loss": "loss", "train/learning_rate": "lr", "train/epoch": "epoch", "eval/loss": "eval_loss"}


def log(folder: Path, curves: Curves) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {"current_steps": step, "total_steps": 4000, "percentage": step / 40, "elapsed_time": "0:00:01"}
        | {NAMES[tag]: value for tag, value in row.items()}
        for step, row in rows(curves)
    ]
    (folder / "trainer_log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_it_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training(*NAMES)
    assert told(log(tmp_path / "run", curves)) == told(as_events(tmp_path / "events", curves))


def test_beside_the_state_of_the_trainer_it_is_one_run(tmp_path: Path) -> None:
    curves = training(*NAMES, "train/grad_norm")
    state(tmp_path / "out", curves)
    log(tmp_path / "out", {tag: curves[tag] for tag in NAMES})
    assert paths(tmp_path) == (tmp_path / "out",)
    run = read_run(tmp_path / "out")
    assert run.series.keys() == curves.keys()
    assert [file.path for file in run.files] == ["trainer_state.json"]


def test_a_line_that_is_cut_costs_that_line_alone(tmp_path: Path) -> None:
    file = log(tmp_path / "run", training(*NAMES)) / "trainer_log.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    run = read_run(file)
    assert len(run.series["train/loss"]) == 399
    assert str(run.damage[0].what) == "line 400 is no JSON"
