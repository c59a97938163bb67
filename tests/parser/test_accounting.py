"""What looks like a log and is in no run is named with its reason, wherever it lies."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.util.tensor_util import make_tensor_proto

from spikediag.parser import find_runs, overlooked
from tests.parser.writing import NAME, START, curves, scalar, write

LOSS = {"train/loss": [1.0, 2.0, 1.5]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "good", curves(LOSS))
    return tmp_path


def said(root: Path) -> dict[str, str]:
    """By path: why, in brackets where a rule leaves it out."""
    found = overlooked(root, (run.folder for run in find_runs(root)))
    return {
        one.path.relative_to(root).as_posix(): f"({one.why})" if one.by_rule else str(one.why)
        for one in found
    }


def text(tag: str) -> Event:
    record = Event(wall_time=START, step=0)
    value = record.summary.value.add(tag=tag, tensor=make_tensor_proto(np.array([b"words"], object)))
    value.metadata.plugin_data.plugin_name = "text"
    return record


def test_nothing_is_overlooked_where_every_log_is_in_a_run(root) -> None:
    write(root / "split" / "train", curves(LOSS))
    write(root / "split" / "validation", curves(LOSS))
    write(root / "ranks" / "rank_0", curves(LOSS))
    write(root / "ranks" / "rank_1", curves({"train/loss": [4.0, 4.0]}))
    write(root / "hparams", curves(LOSS))
    write(root / "hparams" / "1700000000.5", [scalar("hparam/x", 0, 1.0)])
    (root / "empty").mkdir()
    (root / "empty" / NAME).touch()
    (root / "notes").mkdir()
    (root / "notes" / f"{NAME}.txt").write_text("words")
    assert said(root) == {}


def test_a_run_in_a_hidden_folder(root) -> None:
    write(root / ".old" / "run", curves(LOSS))
    assert said(root) == {".old/run": "hidden folders are not searched; to judge it give its path"}


def test_a_root_in_a_hidden_folder_is_searched(root) -> None:
    write(root / ".old" / "run", curves(LOSS))
    assert said(root / ".old") == {}


def test_what_lies_deeper_than_is_searched(root) -> None:
    deep = root.joinpath(*["d"] * 70)
    write(deep, curves(LOSS))
    ((path, why),) = said(root).items()
    assert path == "/".join(["d"] * 65)
    assert why.startswith("folders deeper than 64 levels are not searched")


def test_more_folders_than_are_searched(root, monkeypatch) -> None:
    write(root / "zero", curves(LOSS))
    monkeypatch.setattr("spikediag.parser.accounting.MOST_FOLDERS", 2)
    assert said(root) == {"zero": "there are more than 200,000 folders; give a part of them"}


def test_a_folder_that_may_not_be_entered(root, monkeypatch) -> None:
    write(root / "shut" / "run", curves(LOSS))
    enter = os.scandir

    def refuse(folder):
        if Path(folder).name == "shut":
            raise PermissionError(13, "Permission denied")
        return enter(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert said(root) == {"shut": "Permission denied"}


def test_a_training_that_has_logged_nothing_yet(root) -> None:
    write(root / "begun", [])
    assert said(root) == {
        f"begun/{NAME}": "its logs hold no scalars; has the training written its first one yet?"
    }


def test_text_alone_is_left_out_by_rule(root) -> None:
    write(root / "words", [text("args")])
    assert said(root) == {f"words/{NAME}": "(it holds text or pictures and no scalars)"}


def test_what_is_packed(root) -> None:
    (root / "packed").mkdir()
    (root / "packed" / f"{NAME}.gz").touch()
    (root / "good" / f"{NAME}.gz").touch()
    assert said(root) == {f"packed/{NAME}.gz": "it is packed; unpack it, for example with gunzip"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_regular_file(root) -> None:
    for name in ("pipe", "link", "loop"):
        (root / name).mkdir()
    os.mkfifo(root / "pipe" / NAME)
    (root / "link" / NAME).symlink_to("nowhere")
    (root / "loop" / NAME).symlink_to(NAME)
    (root / f"{NAME}.folder").mkdir()
    why = "no regular file; is it a pipe, or a link that leads nowhere?"
    assert said(root) == {f"{name}/{NAME}": why for name in ("link", "loop", "pipe")}


def test_a_stray_start_beside_attempts(root) -> None:
    folder = root / "attempts"
    for number, clock in enumerate((0, 10_000)):
        values = {"train/loss": np.linspace(1, number, 40).tolist()}
        write(folder / f"events.out.tfevents.170000000{number}.h", curves(values, wall=START + clock))
    write(folder / "events.out.tfevents.1700000009.h", curves({"train/loss": [1.0]}, wall=START + 90_000))
    why = "(a run beside it holds what it logs: a copy, or a start of a point or two)"
    assert said(root) == {"attempts/events.out.tfevents.1700000009.h": why}


def test_a_folder_reached_twice_is_looked_at_once(root) -> None:
    (root / "latest").symlink_to("good")
    shutil.copytree(root / "good", root / "more")
    assert said(root) == {}


def test_a_file_has_nothing_below_it(root) -> None:
    assert not list(overlooked(root / "good" / NAME, ()))


def test_a_root_that_is_a_link_is_what_it_leads_to(root, tmp_path_factory) -> None:
    link = tmp_path_factory.mktemp("elsewhere") / "link"
    link.symlink_to(root)
    assert said(link) == {}
    assert not list(overlooked(link, (run.folder for run in find_runs(root))))
