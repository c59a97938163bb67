"""`trainer_state.json` of the Hugging Face Trainer."""

import json
from pathlib import Path

import pytest

from spikediag import read_run
from spikediag.errors import UnreadableRunError
from spikediag.model import FactName
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import paths

TAGS = ("train/loss", "train/grad_norm", "train/learning_rate", "train/epoch", "eval/loss")


def state(folder: Path, curves: Curves, **more: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    history = []
    for step, row in rows(curves):
        for group in ("train", "eval"):
            part = {tag: value for tag, value in row.items() if tag.startswith(group)}
            named = {tag.removeprefix("train/").replace("/", "_"): value for tag, value in part.items()}
            history.append({**named, "step": step})
    document = {"global_step": history[-1]["step"], "log_history": history, "train_batch_size": 8, **more}
    (folder / "trainer_state.json").write_text(json.dumps(document))
    return folder


def upto(curves: Curves, step: int) -> Curves:
    return {tag: {s: v for s, v in curve.items() if s <= step} for tag, curve in curves.items()}


def test_it_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training(*TAGS)
    run = state(tmp_path / "out", curves)
    events = as_events(tmp_path / "events", curves)
    (events / "config.json").write_text('{"train_batch_size": 8}')
    assert told(run) == told(events)
    assert read_run(run).library == "hf-trainer"


def test_the_newest_of_the_checkpoints_and_of_the_folder_above_counts(tmp_path: Path) -> None:
    curves = training(*TAGS)
    for step in (500, 1000, 2000):
        state(tmp_path / "out" / f"checkpoint-{step}", upto(curves, step))
    assert paths(tmp_path) == (tmp_path / "out",)
    run = read_run(tmp_path / "out")
    assert run.series["train/loss"].steps[-1] == 2000
    assert run.fact(FactName.BATCH_SIZE).value == 8
    state(tmp_path / "out", curves)
    whole = read_run(tmp_path / "out")
    assert whole.series["train/loss"].steps[-1] == 4000
    assert next(file.path for file in whole.files) == "trainer_state.json"
    assert read_run(tmp_path / "out" / "checkpoint-500").series["train/loss"].steps[-1] == 500


def test_an_event_file_of_the_same_training_below_it_is_the_run(tmp_path: Path) -> None:
    curves = training(*TAGS)
    state(tmp_path / "out", curves)
    events = as_events(tmp_path / "out" / "runs" / "Jan01_host", curves)
    state(tmp_path / "other", training(*TAGS, seed=1))
    assert paths(tmp_path) == (tmp_path / "other", events)
    assert read_run(tmp_path / "out").files[0].path.startswith("events")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"log_history": [{"loss": 1.0, "st', "it is cut, or no JSON"),
        (b'{"log_history": []}', "logging_steps"),
        (b'{"global_step": 3}', "no list log_history"),
        (b"[" * 100_000, "it is cut, or no JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git lfs pull"),
    ],
)
def test_one_that_cannot_be_read_is_found_and_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "trainer_state.json").write_bytes(content)
    assert paths(tmp_path) == (tmp_path,)
    with pytest.raises(UnreadableRunError, match=words):
        read_run(tmp_path)


def test_it_is_read_where_the_event_file_was_not_fetched(tmp_path: Path) -> None:
    run = state(tmp_path, training(*TAGS))
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 88\n"
    (run / "events.out.tfevents.1674974582.host").write_text(pointer)
    read = read_run(run)
    assert set(TAGS) <= read.series.keys()
    assert any(
        "git lfs pull" in note and "trainer_state.json was read instead" in note
        for note in map(str, read.notes)
    )
    assert "git lfs pull" in str(read.damage[0].what)
