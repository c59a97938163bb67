"""MLflow's files."""

from pathlib import Path

from spikediag import read_run
from spikediag.model import FactName
from tests.parser.sources.twins import Curves, as_events, told, training
from tests.parser.writing import START, paths

TAGS = ("train/loss", "train/mse", "lr")


def mlruns(folder: Path, curves: Curves) -> Path:
    folder.mkdir(parents=True)
    (folder.parent / "meta.yaml").write_text("experiment_id: '0'\nname: Default\n")
    (folder / "meta.yaml").write_text("lifecycle_stage: active\nrun_id: abc\n")
    (folder / "params").mkdir()
    (folder / "params" / "batch_size").write_text("64")
    for tag, curve in curves.items():
        file = folder / "metrics" / tag
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{int(1000 * (START + step))} {value} {step}\n" for step, value in curve.items()]
        file.write_text("".join(lines))
    return folder


def test_a_run_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training(*TAGS)
    run = mlruns(tmp_path / "mlruns" / "0" / "abc", curves)
    events = as_events(tmp_path / "events", curves)
    (events / "params.json").write_text('{"batch_size": 64}')
    assert told(run) == told(events)
    assert read_run(run).fact(FactName.BATCH_SIZE).source == "meta.yaml: batch_size"


def test_every_run_of_an_experiment_is_found_and_one_without_a_metric_is_none(tmp_path: Path) -> None:
    runs = [mlruns(tmp_path / "mlruns" / "0" / name, training(*TAGS, seed=k)) for k, name in enumerate("ab")]
    mlruns(tmp_path / "mlruns" / "0" / "c", {})
    (tmp_path / "mlruns" / "0" / "c" / "metrics").mkdir()
    assert paths(tmp_path) == tuple(runs)


def test_a_run_is_named_as_mlflow_names_it_and_one_that_was_deleted_is_none(tmp_path: Path) -> None:
    for name, stage in (("a", "active"), ("b", "deleted")):
        run = mlruns(tmp_path / "mlruns" / "0" / name, training(*TAGS))
        (run / "meta.yaml").write_text(f"lifecycle_stage: {stage}\nrun_id: {name}\nrun_name: 'bold-cat-7'\n")
    (found,) = paths(tmp_path)
    assert (found.name, read_run(found).name) == ("a", "bold-cat-7")


def test_a_line_that_is_half_written_costs_itself(tmp_path: Path) -> None:
    run = mlruns(tmp_path / "run", training(*TAGS))
    file = run / "metrics" / "lr"
    file.write_text(file.read_text() + "17000000")
    read = read_run(run)
    assert len(read.series["lr"]) == 400
    assert str(read.damage[0].what) == "metrics/lr: line 401 is no metric"
