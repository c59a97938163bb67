"""Folders are grouped as a person would group them."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from spikediag.errors import RunNotFoundError, SpikediagError, UsageError
from spikediag.model import Checkpoint, Role
from spikediag.parser import find_runs, finding, log_files, read_run
from spikediag.parser.run_folders import survey
from tests.parser.writing import NAME, curves, paths, scalar, write

LOSS = {"train/loss": [3.0, 2.0]}


def test_keras_splits_are_one_run(tmp_path) -> None:
    for split in ("train", "validation"):
        write(tmp_path / "fit" / split, curves({"epoch_loss": [2.0, 1.0], "epoch_accuracy": [0.1, 0.2]}))
    assert paths(tmp_path) == (tmp_path / "fit",)
    run = read_run(tmp_path / "fit")
    assert run.library == "keras"
    assert run.step_unit == "epoch"
    assert run.series["train/epoch_loss"].role is Role.LOSS
    assert run.series["validation/epoch_accuracy"].role is Role.COMPANION


@pytest.mark.parametrize("content", [b"", bytes(500), b"no event file at all"])
def test_a_run_that_cannot_be_read_is_found_all_the_same(tmp_path, content: bytes) -> None:
    write(tmp_path / "good", curves(LOSS))
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost" / NAME).write_bytes(content)
    assert paths(tmp_path) == (tmp_path / "good", tmp_path / "lost")
    with pytest.raises(SpikediagError, match="lost"):
        read_run(tmp_path / "lost")


def test_add_scalars_folders_belong_to_their_run(tmp_path) -> None:
    write(tmp_path / "run", curves(LOSS))
    write(tmp_path / "run" / "bc_mse_train", curves({"bc/mse": [1.0]}))
    write(tmp_path / "run" / "bc_mse_val", curves({"bc/mse": [2.0]}))
    assert paths(tmp_path) == (tmp_path / "run",)
    assert set(read_run(tmp_path / "run").series) == {
        "train/loss",
        "bc_mse_train/bc/mse",
        "bc_mse_val/bc/mse",
    }


def test_add_hparams_folders_belong_to_their_run(tmp_path) -> None:
    write(tmp_path / "run", curves(LOSS))
    write(tmp_path / "run" / "1700000000.123", curves({"hp_metric": [1.0]}))
    assert paths(tmp_path) == (tmp_path / "run",)
    assert set(read_run(tmp_path / "run").series) == {"train/loss"}


def test_ranks_belong_to_their_run(tmp_path) -> None:
    for rank in range(11):
        write(tmp_path / "run" / f"rank_{rank}", curves({"train/loss": [float(rank)] * 2}))
    assert paths(tmp_path) == (tmp_path / "run",)
    run = read_run(tmp_path / "run")
    assert run.series["train/loss"].values.tolist() == [0.0, 0.0]
    assert "10 other ranks" in str(run.notes[0])


def test_strangers_below_a_run_are_runs_of_their_own(tmp_path) -> None:
    write(tmp_path / "run", curves(LOSS))
    write(tmp_path / "run" / "version_1", curves(LOSS))
    write(tmp_path / "other", curves(LOSS))
    assert paths(tmp_path) == (tmp_path / "other", tmp_path / "run", tmp_path / "run" / "version_1")
    assert set(read_run(tmp_path / "run").series) == {"train/loss"}


def test_a_folder_without_scalars_is_no_run(tmp_path) -> None:
    write(tmp_path / "empty", [])
    write(tmp_path / "run", curves(LOSS))
    assert paths(tmp_path) == (tmp_path / "run",)


def test_attempts_of_one_second_have_names_of_their_own(tmp_path) -> None:
    for k in range(3):
        write(tmp_path / f"events.out.tfevents.1700000000.host.{k}", curves(LOSS, wall=1e9 + 1000 * k))
    assert len({read_run(run).name for run in find_runs(tmp_path)}) == 3


def test_every_result_can_be_read(tmp_path) -> None:
    write(tmp_path / "a" / "logs", curves(LOSS))
    write(tmp_path / "b" / "train", curves(LOSS))
    write(tmp_path / "c" / f"{NAME}.1", curves(LOSS, wall=1e9))
    write(tmp_path / "c" / f"{NAME}.2", curves(LOSS, wall=2e9))
    found = paths(tmp_path)
    assert len(found) == 4
    assert all(read_run(path).series for path in found)


def test_links_and_loops(tmp_path) -> None:
    write(tmp_path / "run", curves(LOSS))
    (tmp_path / "run" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "latest").symlink_to(tmp_path / "run", target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "run" / f"{NAME}.gone").symlink_to(tmp_path / "nowhere")
    assert paths(tmp_path) == (tmp_path / "run",)
    assert read_run(tmp_path / "latest").series.keys() == LOSS.keys()


def test_side_cars_and_odd_files_do_no_harm(tmp_path) -> None:
    write(tmp_path, curves(LOSS))
    (tmp_path / f"{NAME}.meta").write_text("fileFormatVersion: 2\nguid: 3f\n")
    (tmp_path / "events.out.tfevents.1.profile-empty").write_bytes(b"")
    (tmp_path / "events.out.tfevents.2.host").write_bytes(b"")
    (tmp_path / "events.out.tfevents.4.host").write_text("I am no event file at all, whatever my name")
    os.mkfifo(tmp_path / "events.out.tfevents.5.host")
    write(tmp_path / "events.out.tfevents.3.host", [])
    run = read_run(tmp_path)
    assert run.series.keys() == LOSS.keys()
    assert [(d.file, str(d.what)) for d in run.damage] == [
        ("events.out.tfevents.4.host", "left out: no TensorBoard event file")
    ]
    assert paths(tmp_path) == (tmp_path,)


def test_a_file_is_its_own_root(tmp_path) -> None:
    file = write(tmp_path, curves(LOSS))
    assert paths(file) == (file,)
    assert paths(str(tmp_path)) == (tmp_path,)


def test_nothing_there(tmp_path) -> None:
    assert paths(tmp_path) == ()
    with pytest.raises(RunNotFoundError):
        find_runs(tmp_path / "missing")


def test_relative_paths(tmp_path, monkeypatch) -> None:
    write(tmp_path / "bc", curves(LOSS))
    monkeypatch.chdir(tmp_path / "bc")
    assert read_run(".").name == "bc"
    assert paths(Path()) == (Path(),)


def test_checkpoints(tmp_path) -> None:
    write(tmp_path, curves(LOSS))
    (tmp_path / "checkpoint_15000").mkdir()
    (tmp_path / "checkpoints").mkdir()
    names = (
        "model_1200.pt",
        "checkpoints/epoch=3-step=1600.ckpt",
        "rl_model_50000_steps.zip",
        "notes_2024.txt",
        "params.pt",
    )
    for name in (*names, "ckpt-900.index"):
        (tmp_path / name).write_bytes(b"not opened")
    assert read_run(tmp_path).checkpoints == (
        Checkpoint("ckpt-900.index", 900),
        Checkpoint("model_1200.pt", 1200),
        Checkpoint("checkpoints/epoch=3-step=1600.ckpt", 1600),
        Checkpoint("checkpoint_15000", 15000),
        Checkpoint("rl_model_50000_steps.zip", 50000),
    )


@pytest.fixture
def opened(tmp_path):
    """Count how often every file below the test's folder is opened, by whatever function."""
    counts: Counter[str] = Counter()
    watched = [True]

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if watched and event == "open" and str(arguments[0]).startswith(str(tmp_path)):
            counts[os.path.relpath(str(arguments[0]), tmp_path)] += 1

    sys.addaudithook(hear)
    yield counts
    watched.clear()


def session(folder: Path, number: int, first_step: int) -> Path:
    records = [scalar("loss", step, 1.0, 1e9 + 1000 * number + step) for step in range(first_step, 20)]
    return write(folder / f"events.out.tfevents.{number}", records)


def test_finding_and_reading_opens_every_file_once_and_surveys_once(tmp_path, opened, monkeypatch) -> None:
    session(tmp_path / "resumed", 1, 0)
    session(tmp_path / "resumed", 2, 10)
    (tmp_path / "resumed" / "config.yaml").write_text("batch_size: 4\n")
    (tmp_path / "resumed" / "train.log").write_text("Num examples = 100\n")
    (tmp_path / "resumed" / "spikediag.toml").write_text("[facts]\nbeta2 = 0.9\n")
    session(tmp_path / "attempts", 1, 0)
    session(tmp_path / "attempts", 2, 0)
    session(tmp_path / "keras" / "train", 1, 0)
    session(tmp_path / "keras" / "validation", 1, 0)
    everything = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    surveys = []
    monkeypatch.setattr(finding, "survey", lambda root, only: surveys.append(root) or survey(root, only))
    opened.clear()
    runs = [read_run(run) for run in find_runs(tmp_path)]
    assert [len(run.sessions) for run in runs] == [1, 1, 1, 2]
    assert opened == dict.fromkeys(everything, 1)
    assert surveys == [tmp_path]


def test_reading_a_path_opens_every_file_once(tmp_path, opened) -> None:
    session(tmp_path, 1, 0)
    session(tmp_path, 2, 10)
    (tmp_path / "config.yaml").write_text("batch_size: 4\n")
    opened.clear()
    read_run(tmp_path)
    assert set(opened.values()) == {1}
    assert len(opened) == 3


def test_a_found_run_holds_what_was_read_until_it_is_taken(tmp_path) -> None:
    file = session(tmp_path, 1, 0)
    (run,) = [read_run(source) for source in find_runs(tmp_path) if not file.unlink()]
    assert len(run.series["loss"]) == 20


def test_small_runs_are_read_once_even_where_all_are_found_first(tmp_path, opened) -> None:
    for name in "abc":
        session(tmp_path / name, 1, 0)
    opened.clear()
    found = list(find_runs(tmp_path))
    assert [read_run(run).name for run in found] == ["a", "b", "c"]
    assert set(opened.values()) == {1}


def test_the_runs_of_a_long_search_are_not_in_memory_together(tmp_path, opened, monkeypatch) -> None:
    sizes = [session(tmp_path / name, 1, 0).stat().st_size for name in "abcd"]
    monkeypatch.setattr(log_files, "MOST_KEPT", 2 * sizes[0])
    opened.clear()
    found = list(find_runs(tmp_path))
    assert [read_run(run).name for run in found] == ["a", "b", "c", "d"]
    assert list(opened.values()) == [2, 2, 1, 1]  # the two oldest had been let go


def test_the_run_found_last_is_kept_however_large(tmp_path, opened, monkeypatch) -> None:
    for name in "abc":
        session(tmp_path / name, 1, 0)
    monkeypatch.setattr(log_files, "MOST_KEPT", 0)
    opened.clear()
    assert [read_run(run).name for run in find_runs(tmp_path)] == ["a", "b", "c"]
    assert set(opened.values()) == {1}


def test_a_misspelled_fact_is_refused_before_a_file_is_opened(tmp_path, opened) -> None:
    session(tmp_path, 1, 0)
    opened.clear()
    with pytest.raises(UsageError, match="batch_size"):
        read_run(tmp_path, {"batchsize": 3})
    assert not opened


def test_a_table_of_results_is_no_run_where_nobody_names_it(tmp_path) -> None:
    rows = "".join(f"{n},{5000 + 2311 * n % 4000},{n / 99}\n" for n in range(40))
    (tmp_path / "study.csv").write_text("recipe,updates,loss\n" + rows, "utf-8")
    assert list(find_runs(tmp_path)) == []
    curve = "".join(f"{10 * n},{n / 99}\n" for n in range(40))
    (tmp_path / "curve.csv").write_text("step,loss\n" + curve, "utf-8")
    assert [run.path.name for run in find_runs(tmp_path)] == ["curve.csv"]
