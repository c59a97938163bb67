"""Folders are grouped as a person would group them."""

import os
from pathlib import Path

import pytest

from spikediag.errors import RunNotFoundError
from spikediag.model import Checkpoint, Role
from spikediag.parser import find_runs, read_run
from tests.parser.writing import NAME, curves, write

LOSS = {"train/loss": [3.0, 2.0]}


def test_keras_splits_are_one_run(tmp_path) -> None:
    for split in ("train", "validation"):
        write(tmp_path / "fit" / split, curves({"epoch_loss": [2.0, 1.0], "epoch_accuracy": [0.1, 0.2]}))
    assert find_runs(tmp_path) == (tmp_path / "fit",)
    run = read_run(tmp_path / "fit")
    assert run.library == "keras"
    assert run.step_unit == "epoch"
    assert run.series["train/epoch_loss"].role is Role.LOSS
    assert run.series["validation/epoch_accuracy"].role is Role.COMPANION


def test_add_scalars_folders_belong_to_their_run(tmp_path) -> None:
    write(tmp_path / "run", curves(LOSS))
    write(tmp_path / "run" / "bc_mse_train", curves({"bc/mse": [1.0]}))
    write(tmp_path / "run" / "bc_mse_val", curves({"bc/mse": [2.0]}))
    assert find_runs(tmp_path) == (tmp_path / "run",)
    assert set(read_run(tmp_path / "run").series) == {
        "train/loss",
        "bc_mse_train/bc/mse",
        "bc_mse_val/bc/mse",
    }


def test_add_hparams_folders_belong_to_their_run(tmp_path) -> None:
    write(tmp_path / "run", curves(LOSS))
    write(tmp_path / "run" / "1700000000.123", curves({"hp_metric": [1.0]}))
    assert find_runs(tmp_path) == (tmp_path / "run",)
    assert set(read_run(tmp_path / "run").series) == {"train/loss"}


def test_ranks_belong_to_their_run(tmp_path) -> None:
    for rank in range(11):
        write(tmp_path / "run" / f"rank_{rank}", curves({"train/loss": [float(rank)] * 2}))
    assert find_runs(tmp_path) == (tmp_path / "run",)
    run = read_run(tmp_path / "run")
    assert run.series["train/loss"].values.tolist() == [0.0, 0.0]
    assert "10 other ranks" in run.notes[0]


def test_strangers_below_a_run_are_runs_of_their_own(tmp_path) -> None:
    write(tmp_path / "run", curves(LOSS))
    write(tmp_path / "run" / "version_1", curves(LOSS))
    write(tmp_path / "other", curves(LOSS))
    assert find_runs(tmp_path) == (tmp_path / "other", tmp_path / "run", tmp_path / "run" / "version_1")
    assert set(read_run(tmp_path / "run").series) == {"train/loss"}


def test_a_folder_without_scalars_is_no_run(tmp_path) -> None:
    write(tmp_path / "empty", [])
    write(tmp_path / "run", curves(LOSS))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / NAME).write_text("no record")
    assert find_runs(tmp_path) == (tmp_path / "run",)


def test_attempts_of_one_second_have_names_of_their_own(tmp_path) -> None:
    for k in range(3):
        write(tmp_path / f"events.out.tfevents.1700000000.host.{k}", curves(LOSS, wall=1e9 + 1000 * k))
    assert len({read_run(path).name for path in find_runs(tmp_path)}) == 3


def test_every_result_can_be_read(tmp_path) -> None:
    write(tmp_path / "a" / "logs", curves(LOSS))
    write(tmp_path / "b" / "train", curves(LOSS))
    write(tmp_path / "c" / f"{NAME}.1", curves(LOSS, wall=1e9))
    write(tmp_path / "c" / f"{NAME}.2", curves(LOSS, wall=2e9))
    found = find_runs(tmp_path)
    assert len(found) == 4
    assert all(read_run(path).series for path in found)


def test_links_and_loops(tmp_path) -> None:
    write(tmp_path / "run", curves(LOSS))
    (tmp_path / "run" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "latest").symlink_to(tmp_path / "run", target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "run" / f"{NAME}.gone").symlink_to(tmp_path / "nowhere")
    assert find_runs(tmp_path) == (tmp_path / "run",)
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
    assert [(d.file, d.what) for d in run.damage] == [
        ("events.out.tfevents.4.host", "left out: no TensorBoard event file")
    ]
    assert find_runs(tmp_path) == (tmp_path,)


def test_a_file_is_its_own_root(tmp_path) -> None:
    file = write(tmp_path, curves(LOSS))
    assert find_runs(file) == (file,)
    assert find_runs(str(tmp_path)) == (tmp_path,)


def test_nothing_there(tmp_path) -> None:
    assert find_runs(tmp_path) == ()
    with pytest.raises(RunNotFoundError):
        find_runs(tmp_path / "missing")


def test_relative_paths(tmp_path, monkeypatch) -> None:
    write(tmp_path / "bc", curves(LOSS))
    monkeypatch.chdir(tmp_path / "bc")
    assert read_run(".").name == "bc"
    assert find_runs(Path()) == (Path(),)


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
