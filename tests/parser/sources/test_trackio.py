"""Trackio's databases."""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from spikediag import read_run
from spikediag.model import FactName
from spikediag.parser import find_runs
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import START

TAGS = ("train/loss", "train/mse", "lr")
SCHEMA = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT);
CREATE TABLE configs (id INTEGER PRIMARY KEY, run_name TEXT, config TEXT, created_at TEXT);
"""
LOGGED = "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?)"


def database(file: Path, runs: dict[str, Curves]) -> Path:
    connection = sqlite3.connect(file)
    connection.executescript(SCHEMA)
    for name, curves in runs.items():
        config = json.dumps({"batch_size": 64, "_Username": "me"})
        connection.execute("INSERT INTO configs (run_name, config) VALUES (?, ?)", (name, config))
        for step, row in rows(curves):
            clock = datetime.fromtimestamp(START + step, UTC).isoformat()
            connection.execute(LOGGED, (clock, name, step, json.dumps(row)))
    connection.commit()
    connection.close()
    return file


def test_each_run_is_understood_as_its_event_file(tmp_path: Path) -> None:
    runs = {name: training(*TAGS, seed=seed) for seed, name in enumerate(("bold-cat-0", "a/b"))}
    runs["bold-cat-0"]["lr"][10] = float("nan")
    file = database(tmp_path / "project.db", runs)
    found = list(find_runs(tmp_path))
    assert [run.path for run in found] == [file / "bold-cat-0", file / "a-b"]
    events = as_events(tmp_path / "events", runs["bold-cat-0"])
    (events / "params.json").write_text('{"batch_size": 64}')
    assert told(found[0].path) == told(events)
    run = read_run(found[0])
    assert run.name == "bold-cat-0"
    assert run.fact(FactName.BATCH_SIZE).source == "project.db/bold-cat-0: batch_size"
    assert run.series["lr"].wall_times[1] == START + 20
