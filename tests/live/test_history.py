import errno
import math
import tempfile
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spikediag import Monitor
from spikediag.live import history as module
from spikediag.live.history import History, scalars
from tests.conftest import examples


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few points stay in memory, so that most of them go through the file."""
    monkeypatch.setattr(module, "RECENT", 4)
    monkeypatch.setattr(module, "LARGEST", 12)


ROWS = st.lists(
    st.tuples(
        st.integers(-(2**53), 2**53), st.dictionaries(st.sampled_from("abcdef"), st.floats(), max_size=4)
    ),
    max_size=60,
)


@pytest.mark.usefixtures("small")
def test_what_was_logged_comes_back_in_its_order() -> None:
    @settings(examples(50), suppress_health_check=[HealthCheck.too_slow])
    @given(ROWS)
    def holds(rows: list[tuple[int, dict[str, float]]]) -> None:
        history, logged = History(), {}
        for step, numbers in rows:
            history.add(step, numbers, 1.0)
            for tag, value in numbers.items():
                logged.setdefault(tag, []).append((step, value))
        for tag, track in history.tracks().items():
            steps, values = zip(*logged[tag], strict=True)
            assert list(track.steps) == list(steps)
            assert np.array_equal(track.values, values, equal_nan=True)
            assert history.points(tag) == len(steps)
            assert history.ordered(tag) == all(a < b for a, b in pairwise(steps))
            recent, _ = history.recent(tag, 3)
            assert 1 <= len(recent) <= 3  # with many tags fewer stay
            assert list(recent) == list(steps[-len(recent) :])
        assert set(history.tags) == set(logged)
        history.close()

    holds()


@pytest.mark.usefixtures("small")
def test_a_point_takes_sixteen_bytes_of_the_file_and_few_stay_here() -> None:
    history = History()
    for step in range(1000):
        history.add(step, {"a": 1.0, "b": 2.0}, 1.0)
    tails = history._tails.values()
    assert max(len(tail.steps) for tail in tails) < 8
    assert history._file.seek(0, 2) == 16 * sum(tail.written for tail in tails)


def test_the_wall_times_of_the_ends_and_of_a_resume_are_kept() -> None:
    history = History()
    for wall, step in enumerate([0, 1, 2, 1, 2, 3]):
        history.add(step, {"a": 0.0}, float(wall))
    assert np.array_equal(history.tracks()["a"].walls, [0, math.nan, 2, 3, math.nan, 5], equal_nan=True)


class Full:
    """A file on a disk that is full after some bytes."""

    def __init__(self, room: int) -> None:
        self.room, self.data, self.closed = room, b"", False

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = len(self.data) if whence else offset
        return self.at

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(self.room, len(data))
        self.data, self.room = self.data + bytes(data[:taken]), self.room - taken
        return taken

    def read(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]

    def close(self) -> None:
        self.closed = True


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("room", [0, 100])
def test_a_full_disk_leaves_the_last_points_and_says_so(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Full(room)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: file)
    history = History()
    for step in range(100):
        history.add(step, {"a": float(step), "b": float(-step)}, 1.0)
    track = history.tracks()["a"]
    assert 4 <= len(track.steps) < 9
    assert track.steps[-1] == 99
    assert np.array_equal(track.steps, track.values)
    assert "No space left on device" in str(history.note)
    assert history.points("a") == 100
    assert file.closed


def test_a_folder_that_takes_no_temporary_file_is_no_fault_of_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And the diagnosis says that it rests on the last points only."""
    monkeypatch.setattr(module, "RECENT", 40)

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monitor = Monitor()
    for step in range(100):
        monitor.log({"loss": float(step % 7)}, step=step)
    run = monitor.diagnosis().run
    assert run.series["loss"].steps[-1] == 99
    assert len(run.series["loss"]) < 80
    assert any("Permission denied" in str(note) for note in run.notes)
    assert not monitor.troubles


def test_tags_without_end_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TAGS", 10)
    history = History()
    for step in range(100):
        history.add(step, {f"loss-{step}": 1.0, "loss": 2.0}, 1.0)
    assert history.tag_count == 10
    assert history.points("loss") == 100
    assert "10" in str(history.note)


class Tensor:
    """What a tensor on a device looks like; says when it is read."""

    device = "an accelerator"
    size = 1

    def __init__(self, value: float, read: list[str]) -> None:
        self.value, self.said = value, read

    def copy_to_host_async(self) -> None:
        self.said.append("sent for")

    def item(self) -> float:
        self.said.append("read")
        return self.value


def test_what_lies_on_a_device_is_sent_for_before_any_of_it_is_waited_for() -> None:
    said: list[str] = []
    metrics = {tag: Tensor(value, said) for tag, value in (("a", 1.0), ("b", 2.0))}
    assert scalars(metrics) == {"a": 1.0, "b": 2.0}
    assert said == ["sent for", "sent for", "read", "read"]


def test_a_mapping_inside_is_read_under_its_key_and_not_for_ever() -> None:
    deep: dict[str, object] = {"loss": 1.0}
    for _ in range(20):
        deep = {"x": deep}
    deep["loss"] = 2.0
    assert scalars(deep) == {"loss": 2.0}
    assert scalars({"bc": {"actor_loss": 1.0, 3: 4.0}}) == {"bc/actor_loss": 1.0, "bc/3": 4.0}
