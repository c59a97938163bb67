"""`train.csv` and `eval.csv` of OGBench."""

import csv
from pathlib import Path

from spikediag import read_run
from spikediag.model import FactName, Role
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import paths

TAGS = ("training/actor/actor_loss", "training/actor/mse", "training/actor/std")


def table(file: Path, curves: Curves) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, [*curves, "step"])
        writer.writeheader()
        writer.writerows({**row, "step": step} for step, row in rows(curves))


def test_both_tables_are_one_run_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training(*TAGS, "evaluation/overall_success")
    curves["evaluation/overall_success"] = dict(list(curves["evaluation/overall_success"].items())[::40])
    run = tmp_path / "run"
    table(run / "train.csv", {tag: curves[tag] for tag in TAGS})
    table(run / "eval.csv", {"evaluation/overall_success": curves["evaluation/overall_success"]})
    assert told(run) == told(as_events(tmp_path / "events", curves))
    (run / "flags.json").write_text('{"agent": {"batch_size": 1024}}')
    read = read_run(run)
    assert read.library == "ogbench"
    assert read.fact(FactName.BATCH_SIZE).value == 1024
    assert read.series["evaluation/overall_success"].role is Role.REWARD


def test_a_data_set_of_that_name_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id,step,text\n1,1,training/actor\n2,2,b\n3,3,c\n")
    (tmp_path / "eval.csv").write_text("")
    assert paths(tmp_path) == ()
