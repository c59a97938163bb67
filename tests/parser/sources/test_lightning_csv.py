"""Lightning's `metrics.csv`."""

import csv
from pathlib import Path

import numpy as np

from spikediag import read_run
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import paths

TAGS = ("train_loss", "val/mse", "lr-Adam", "epoch")


def metrics(folder: Path, curves: Curves) -> Path:
    """As CSVLogger writes it: a row for the training and another for the validation of one step."""
    folder.mkdir(parents=True)
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["step", *curves])
        writer.writeheader()
        for step, row in rows(curves):
            val = {tag: value for tag, value in row.items() if tag.startswith("val")}
            for part in (val, {tag: value for tag, value in row.items() if tag not in val}):
                if part:
                    writer.writerow({"step": step, **part})
    return folder


def test_it_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training(*TAGS)
    curves["val/mse"] = dict(list(curves["val/mse"].items())[::5])
    run = metrics(tmp_path / "csv" / "version_0", curves)
    assert told(run) == told(as_events(tmp_path / "events" / "version_0", curves))
    assert read_run(run).library == "lightning"


def test_an_empty_cell_is_no_point_and_a_logged_nan_is_one(tmp_path: Path) -> None:
    curves = training(*TAGS)
    curves["train_loss"][500] = float("nan")
    curves["lr-Adam"] = {10: 1.0, 20: float("inf"), 30: float("nan")}
    series = read_run(metrics(tmp_path / "run", curves)).series
    assert np.isnan(series["train_loss"].values).sum() == 1
    assert series["lr-Adam"].steps.tolist() == [10, 20, 30]
    assert str(series["lr-Adam"].values.tolist()) == "[1.0, inf, nan]"


def test_versions_are_one_training_where_the_second_takes_up_the_steps_of_the_first(
    tmp_path: Path, monkeypatch
) -> None:
    whole = training(*TAGS)
    for version, steps in enumerate((range(2010), range(2010, 10_000))):
        part = {tag: {s: v for s, v in curve.items() if s in steps} for tag, curve in whole.items()}
        metrics(tmp_path / f"version_{version}", part)
    metrics(tmp_path / "version_2", training(*TAGS, seed=1))
    assert [path.name for path in paths(tmp_path)] == ["version_1", "version_2"]
    run = read_run(tmp_path / "version_1")
    assert len(run.series["train_loss"]) == 400
    assert len(run.sessions) == 2
    assert "goes on with the training of version_0" in str(run.notes[0])
    notes = " ".join(map(str, read_run(tmp_path / "version_0").notes))
    assert "version_1 goes on with this training and was not read" in notes
    for folder, named in ((tmp_path, "version_1"), (tmp_path / "version_1", ".")):
        monkeypatch.chdir(folder)
        assert len(read_run(named).series["train_loss"]) == 400


def test_a_table_without_steps_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("model,accuracy,loss\na,0.5,1.0\nb,0.6,0.9\n")
    assert paths(tmp_path) == ()
