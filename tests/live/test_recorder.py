"""The flight recorder: what it keeps, what it writes, and that nothing of it reaches the training."""

import errno
import os
import signal
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from spikediag import diagnose
from spikediag.live import Monitor
from spikediag.live import recorder as module
from spikediag.live.recorder import MOST_FILES, Recorder
from spikediag.model import FlightRecord
from spikediag.parser.flight_records import flight_records
from tests.parser import writing


def filled(folder: Path, updates: int = 40, **more) -> Recorder:
    recorder = Recorder(folder, **more)
    rng = np.random.default_rng(0)
    for step in range(updates):
        recorder.record(step, indices=np.arange(8) + step, nll=rng.normal(size=(8, 3)), grad_norm=step)
    return recorder


def only(folder: Path) -> FlightRecord:
    (record,), damage, _ = flight_records([folder])
    assert not damage
    return record


def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, dimensions=("x", "gripper"))
    nll = np.array([[1.0, 2.0], [3.0, 5.0]])
    recorder.record(
        7, indices=[4, 9], nll=nll, log_std=nll - 4, grad_norm=2.5, probe_loss=[1.0, 2.0], lr=3e-4
    )
    nll[:] = 0  # the training goes on with its arrays
    path = recorder.write("7", 7, 7)
    assert path == tmp_path / "spikediag-record-7.npz"
    record = only(tmp_path)
    assert (record.file, record.onset_step, record.peak_step) == (path.name, 7, 7)
    assert record.dimensions == ("x", "gripper")
    np.testing.assert_array_equal(record.indices, [[4, 9]])
    np.testing.assert_array_equal(record.dimension_nll, [[2.0, 3.5]])
    np.testing.assert_array_equal(record.sample_nll, [[3.0, 8.0]])
    np.testing.assert_array_equal(record.dimension_log_std, [[-2.0, -0.5]])
    assert {name: values.tolist() for name, values in record.scalars.items()} == {
        "lr": [3e-4],
        "grad_norm": [2.5],
        "probe_loss": [1.5],
    }


def test_the_same_updates_make_the_same_bytes(tmp_path: Path) -> None:
    one, other = filled(tmp_path / "a").write("x", 20, 25), filled(tmp_path / "b").write("x", 20, 25)
    assert one.read_bytes() == other.read_bytes()


def test_tensors_of_half_precision_that_need_gradients_are_copied(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    recorder = Recorder(tmp_path)
    recorder.record(
        1, nll=torch.ones(4, 2, dtype=torch.bfloat16, requires_grad=True), grad_norm=torch.tensor(3.0)
    )
    recorder.write("1", 1, 1)
    assert only(tmp_path).dimension_nll.tolist() == [[1.0, 1.0]]


def test_arrays_that_speak_only_dlpack_are_copied(tmp_path: Path) -> None:
    class Foreign:
        def __init__(self, array: np.ndarray) -> None:
            self.array = array

        def __dlpack__(self, **asked: object) -> object:
            return self.array.__dlpack__(**asked)

        def __dlpack_device__(self) -> tuple[int, int]:
            return self.array.__dlpack_device__()

    recorder = Recorder(tmp_path)
    recorder.record(1, nll=Foreign(np.ones((2, 3))))
    recorder.write("1", 1, 1)
    assert only(tmp_path).sample_nll.tolist() == [[3.0, 3.0]]


def test_chunks_of_actions_are_summed_within_each_dimension(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.record(1, nll=np.ones((5, 10, 3)))
    recorder.write("1", 1, 1)
    assert only(tmp_path).dimension_nll.tolist() == [[10.0, 10.0, 10.0]]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"nll": np.nan, "grad_norm": np.inf},
        {"nll": [], "indices": [], "log_std": []},
        {"nll": np.full((2, 3), 1e300)},
        {"log_std": -3.0},
    ],
)
def test_gaps_and_numbers_that_are_none_are_kept_as_such(given: dict[str, object], tmp_path: Path) -> None:
    recorder = filled(tmp_path, 5)
    recorder.record(5, **given)
    assert recorder.problem is None
    assert recorder.write("5", 5, 5) is not None
    assert only(tmp_path).steps.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "given", [{"nll": "much"}, {"nll": [[1.0], [1.0, 2.0]]}, {"hook": object()}, {"indices": [{}]}]
)
def test_what_is_no_number_never_reaches_the_training(given: dict[str, object], tmp_path: Path) -> None:
    recorder = filled(tmp_path, 5)
    recorder.record(5, **given)
    assert recorder.problem.startswith("step 5: ")
    recorder.write("4", 4, 4)
    assert only(tmp_path).steps.tolist() == [0, 1, 2, 3, 4]


def test_a_step_that_goes_back_takes_the_place_of_what_it_overtook(tmp_path: Path) -> None:
    recorder = filled(tmp_path, 10)
    recorder.record(6, grad_norm=99)
    recorder.write("6", 6, 6)
    assert only(tmp_path).steps.tolist() == list(range(7))
    assert only(tmp_path).scalars["grad_norm"][-1] == 99


def test_memory_stays_bounded_whatever_is_recorded(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, steps=10**9, memory_bytes=10_000)
    for step in range(3000):
        recorder.record(step, nll=np.ones((16, 2)))
    assert sum(update.size for update in recorder._kept) <= 10_000
    recorder.record(3000, nll=np.ones((10_000, 2)))
    assert "larger than 10000 bytes" in recorder.problem


def test_a_file_keeps_within_its_limit_what_is_nearest_to_the_incident(tmp_path: Path) -> None:
    path = filled(tmp_path, 400, limit_bytes=8000).write("late", 300, 310)
    assert path.stat().st_size <= 8000
    steps = only(tmp_path).steps.tolist()
    assert {299, 300, 310} <= set(steps)
    before = sum(step < 300 for step in steps)
    assert abs(before - (len(steps) - before)) <= 1


@pytest.mark.parametrize("dimensions", [1, 3])
def test_batches_too_large_for_a_file_keep_all_but_their_samples(dimensions: int, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, limit_bytes=100_000)
    for step in range(20):
        nll = np.full((50_000, dimensions), 1.0 + 9.0 * (step == 15))
        recorder.record(step, nll=nll, indices=np.arange(50_000), grad_norm=step)
    assert recorder.write("15", 15, 15) is not None
    record = only(tmp_path)
    assert record.sample_nll.size == record.indices.size == 0
    assert record.dimension_nll.shape == (20, dimensions)
    assert record.dimension_nll[15, 0] == 10.0
    assert record.scalars["grad_norm"][15] == 15.0


def test_a_second_writing_of_an_incident_replaces_the_first(tmp_path: Path) -> None:
    recorder = filled(tmp_path, 10)
    recorder.write("5", 5, 6)
    recorder.record(10, grad_norm=1)
    recorder.write("5", 5, 6)
    assert only(tmp_path).steps[-1] == 10


def test_a_training_of_many_incidents_writes_a_bounded_number_of_files(tmp_path: Path) -> None:
    recorder = filled(tmp_path, 3)
    written = [recorder.write(str(number), 1, 2) for number in range(MOST_FILES + 5)]
    assert written[MOST_FILES:] == [None] * 5
    assert len(list(tmp_path.iterdir())) == MOST_FILES
    assert recorder.write("0", 1, 2) is not None


def test_a_hostile_name_stays_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    path = filled(folder, 3).write("../../etc/pass\nwd\x00" + "x" * 500, 1, 2)
    assert path.parent == folder
    assert len(path.name) < 120
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_nothing_kept_is_nothing_written(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    assert recorder.write("1", 1, 1) is None
    assert recorder.problem == "1: nothing is kept of that time"


def test_an_incident_that_is_no_longer_kept_is_not_written_over(tmp_path: Path) -> None:
    recorder = filled(tmp_path, 40, steps=30)
    path = recorder.write("20", 20, 22)
    before = path.read_bytes()
    for step in range(40, 100):
        recorder.record(step, grad_norm=1)
    assert recorder.write("20", 20, 22) == path
    assert path.read_bytes() == before
    assert recorder.write("other", 20, 22) is None


def test_a_monitor_writes_the_record_that_the_diagnosis_of_the_log_reads(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    loss, error = rng.normal(-15, 0.4, 900), rng.normal(0.1, 0.004, 900)
    loss[600:603] += (22, 39, 23)
    monitor = Monitor(folder=tmp_path, recorder=Recorder(tmp_path, dimensions=("x", "y", "gripper")))
    for step, (nll, mse) in enumerate(zip(loss, error, strict=True)):
        parts = np.full((16, 3), -5.0) + rng.normal(0, 0.1, (16, 3))
        parts[:, 2] += nll + 15
        monitor.record(step, nll=parts, grad_norm=abs(rng.normal(1, 0.1)), probe_loss=nll)
        monitor.log({"bc/actor_loss": nll, "bc/mse": mse}, step=step)
    monitor.close()
    assert not monitor.troubles
    assert monitor.findings[0].primary_cause == "degenerate-dimension"
    writing.write(tmp_path, writing.curves({"bc/actor_loss": loss, "bc/mse": error}))
    lead = diagnose(tmp_path).lead
    assert lead.primary_cause == "degenerate-dimension"
    assert "action dimension 2 (gripper) carried" in str(lead.why.recorded[0])
    assert "it was the weights" in str(lead.why.recorded[1])


def test_a_full_disk_leaves_the_training_and_the_earlier_record_alone(tmp_path: Path, monkeypatch) -> None:
    recorder = filled(tmp_path, 10)
    path = recorder.write("5", 5, 6)
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, "fsync", full)
    recorder.record(10, grad_norm=1)
    assert recorder.write("5", 5, 6) is None
    assert "No space left" in recorder.problem
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("killed_at", ["write", "fsync", "replace"])
def test_a_training_killed_while_it_writes_leaves_the_earlier_record_whole(
    killed_at: str, tmp_path: Path
) -> None:
    recorder = filled(tmp_path, 10)
    path = recorder.write("5", 5, 6)
    before = path.read_bytes()
    child = os.fork()
    if not child:
        kill_at(killed_at)
        recorder.record(10, grad_norm=1)
        recorder.write("5", 5, 6)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert path.read_bytes() == before
    assert only(tmp_path).steps[-1] == 9
    recorder.write("5", 5, 6)
    assert list(tmp_path.iterdir()) == [path]  # what the killed one left is used up


def kill_at(place: str) -> None:
    """Let this process die at a place of the writing, half of the bytes on the disk at the first."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if place == "fsync":
        os.fsync = die
    elif place == "replace":
        Path.replace = die
    else:
        opened = Path.open

        def half(path: Path, mode: str) -> object:
            file = opened(path, mode)

            class Half:
                def __enter__(self) -> Self:
                    return self

                def __exit__(self, *_: object) -> None: ...

                def write(self, content: bytes) -> None:
                    file.write(content[: len(content) // 2])
                    file.flush()
                    die()

            return Half()

        Path.open = half
