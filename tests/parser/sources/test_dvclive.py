"""DVCLive's folder of tables."""

from pathlib import Path

import pytest

from spikediag import read_run
from spikediag.errors import NoEventsError
from tests.parser.sources.twins import Curves, as_events, told, training
from tests.parser.writing import paths

TAGS = ("train/loss", "train/mse", "eval/loss", "lr")


def dvclive(folder: Path, curves: Curves) -> Path:
    for tag, curve in curves.items():
        file = folder / "plots" / "metrics" / f"{tag}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"step\t{file.stem}", *(f"{step}\t{value}" for step, value in curve.items())]
        file.write_text("\n".join(lines) + "\n")
    (folder / "metrics.json").write_text('{"train": {"loss": 0.5}, "step": 4000}')
    return folder


def test_a_run_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training(*TAGS)
    run = dvclive(tmp_path / "exp" / "dvclive", curves)
    assert told(run) == told(as_events(tmp_path / "events", curves))
    assert paths(tmp_path / "exp") == (run,)


def test_a_table_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    run = dvclive(tmp_path / "dvclive", training(*TAGS))
    (run / "plots" / "metrics" / "lr.tsv").write_text("a\tb\n1\t2\n")
    (run / "plots" / "metrics" / "empty.tsv").write_text("")
    found = read_run(run)
    assert found.series.keys() == set(TAGS[:-1])
    assert [str(one.what) for one in found.damage] == ["empty: it is empty", "lr: no table of steps"]


def test_one_without_a_quantity_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "dvclive" / "plots" / "metrics").mkdir(parents=True)
    run = dvclive(tmp_path / "dvclive", {})
    assert paths(tmp_path) == ()
    with pytest.raises(NoEventsError):
        read_run(run)
