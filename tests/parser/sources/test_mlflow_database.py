"""MLflow's SQLite database; where MLflow is installed, one that it wrote."""

import math
import sqlite3
from pathlib import Path

import pytest

from spikediag import read_run
from spikediag.errors import UnreadableRunError
from spikediag.model import FactName
from spikediag.parser import find_runs
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import START, paths

TAGS = ("train/loss", "train/mse", "lr")
LARGEST = 1.7976931348623157e308  # what MLflow writes for infinity
SCHEMA = """
CREATE TABLE runs (run_uuid VARCHAR(32), name VARCHAR(250), lifecycle_stage VARCHAR(20), start_time BIGINT);
CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
CREATE TABLE metrics (
    key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT, is_nan BOOLEAN
);
"""


def database(file: Path, runs: dict[str, Curves]) -> sqlite3.Connection:
    """A database of MLflow with these runs, by name; its connection stays open."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(SCHEMA)
    for k, (name, curves) in enumerate(runs.items()):
        stage = "deleted" if name == "gone" else "active"
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", (f"{k:032x}", name, stage, k))
        connection.execute("INSERT INTO params VALUES ('batch_size', '64', ?)", (f"{k:032x}",))
        for step, row in rows(curves):
            for tag, value in row.items():
                size = 0.0 if math.isnan(value) else max(min(value, LARGEST), -LARGEST)
                record = (tag, size, 1000 * (START + step), f"{k:032x}", step, math.isnan(value))
                connection.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", record)
    connection.commit()
    return connection


def test_each_run_is_understood_as_its_event_file_while_the_database_is_written(tmp_path: Path) -> None:
    curves = {seed: training(*TAGS, seed=seed) for seed in range(2)}
    curves[0]["lr"] |= {10: math.nan, 20: math.inf, 30: -math.inf, 4000: math.nan}
    curves[0]["system/cpu"] = {1: 1.0}
    file = tmp_path / "mlflow.db"
    connection = database(file, {"bold-cat-1": curves[0], "gone": curves[1], "other": curves[1]})
    connection.execute("DELETE FROM params WHERE run_uuid = 'none'")  # a transaction that is under way
    first, second = find_runs(tmp_path)
    assert (first.path.parent, second.path.parent) == (file, file)
    run = read_run(first)
    assert [run.name, read_run(second).name] == ["bold-cat-1", "other"]
    del curves[0]["system/cpu"]
    events = as_events(tmp_path / "events", curves[0])
    (events / "params.json").write_text('{"batch_size": 64}')
    assert told(first.path) == told(events)
    assert run.fact(FactName.BATCH_SIZE).source == f"mlflow.db/{first.path.name}: batch_size"
    assert run.series["lr"].wall_times[0] == START + 10
    assert [f.path for f in run.files] == ["mlflow.db"]
    connection.close()


def test_metrics_that_were_logged_without_a_step_are_counted(tmp_path: Path) -> None:
    connection = database(tmp_path / "mlflow.db", {})
    connection.execute("INSERT INTO runs VALUES ('a', 'n', 'active', 1)")
    for k in range(5):
        record = (5 - k, 1000 * (START + k))
        connection.execute("INSERT INTO metrics VALUES ('loss', ?, ?, 'a', 0, 0)", record)
    connection.commit()
    connection.close()
    assert read_run(tmp_path).series["loss"].steps.tolist() == [0, 1, 2, 3, 4]


def test_one_that_is_damaged_says_so_and_another_database_is_no_run(tmp_path: Path) -> None:
    file = tmp_path / "a" / "mlflow.db"
    database(file, {"x": training(*TAGS)}).close()
    content = bytearray(file.read_bytes())
    content[100:4096] = bytes(3996)
    file.write_bytes(content)
    assert paths(tmp_path) == (file.parent,)
    with pytest.raises(UnreadableRunError, match=r"mlflow\.db: its database cannot be"):
        read_run(file.parent)
    (tmp_path / "b").mkdir()
    sqlite3.connect(tmp_path / "b" / "mlflow.db").close()
    (tmp_path / "b" / "other.db").write_bytes(b"no database")
    assert paths(tmp_path / "b") == ()


def test_a_view_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikediag.parser.databases.PATIENCE", 3_000_000)
    connection = database(tmp_path / "mlflow.db", {"x": training(*TAGS)})
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i, i, i, i, 0 FROM n"
    connection.execute("DROP TABLE metrics")
    connection.execute(f"CREATE VIEW metrics (key, value, timestamp, run_uuid, step, is_nan) AS {endless}")
    connection.commit()
    connection.close()
    with pytest.raises(UnreadableRunError, match="interrupted"):
        read_run(tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what it builds on
def test_a_database_that_mlflow_wrote(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    with mlflow.start_run(run_name="bold"):
        mlflow.log_param("batch_size", 64)
        for step in range(20):
            mlflow.log_metric("train/loss", 1 / (1 + step) if step != 7 else math.nan, step=step)
    run = read_run(tmp_path)
    assert run.name == "bold"
    assert len(run.series["train/loss"]) == 20
    assert math.isnan(run.series["train/loss"].values[7])
    assert run.fact(FactName.BATCH_SIZE).value == 64
