"""Runs that grow under the eyes of a follower: read on, diagnosed when they grew, each incident told once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from spikediag import pipeline
from spikediag.live import follow
from spikediag.live.alerts import State
from spikediag.live.follow import Follower
from tests.attribution import cases
from tests.parser import writing

AT = 600  # the position of the spike
POINTS = 800


class Clock:
    """Seconds that pass only when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """An event file of a loss that leaps once beside a flat error, step by step."""
    rng = np.random.default_rng(0)
    loss, error = rng.normal(-15, 0.4, POINTS), rng.normal(0.1, 0.004, POINTS)
    loss[AT : AT + 3] += (22, 39, 23)
    head = writing.write(tmp_path_factory.mktemp("head"), []).read_bytes()
    frames = [
        writing.frame(record.SerializeToString())
        for record in writing.curves({"bc/actor_loss": loss, "bc/mse": error})
    ]
    return [head, *(frames[at] + frames[at + 1] for at in range(0, len(frames), 2))]


def grow(folder: Path, content: list[bytes], stop: int, start: int = 0) -> None:
    folder.mkdir(exist_ok=True)
    with (folder / writing.NAME).open("ab") as file:
        file.write(b"".join(content[start:stop]))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def diagnoses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many points each diagnosis saw."""
    seen: list[int] = []
    diagnose = pipeline.diagnose

    def counted(run):
        seen.append(len(run.series["bc/actor_loss"]))
        return diagnose(run)

    monkeypatch.setattr(pipeline, "diagnose", counted)
    return seen


def test_a_spike_is_told_once_when_it_is_there(tmp_path: Path, content, clock) -> None:
    folder = tmp_path / "bc"
    grow(folder, content, 500)
    follower = Follower([tmp_path], cases.CALM_FACTS, now=clock)
    assert follower.look() == []
    told = []
    for start, stop in ((500, 640), (640, 700), (700, POINTS + 1)):
        grow(folder, content, stop, start)
        clock.now += 1000
        told += follower.look()
    assert [alert.spike.onset_step for alert in told] == [AT]
    assert told[0].state is State.OVER
    assert told[0].run == "bc"
    (run,) = follower.runs.values()
    assert run.diagnosis.lead.spike.onset_step == AT
    assert run.step == POINTS - 1


def test_what_had_happened_before_is_no_news(tmp_path: Path, content, clock) -> None:
    grow(tmp_path / "bc", content, POINTS)
    follower = Follower([tmp_path / "bc"], cases.CALM_FACTS, now=clock)
    assert follower.look() == []
    assert next(iter(follower.runs.values())).diagnosis.findings


def test_all_of_a_run_that_appears_later_is_news(tmp_path: Path, content, clock) -> None:
    grow(tmp_path / "calm", content, 300)
    follower = Follower([tmp_path], cases.CALM_FACTS, now=clock)
    follower.look()
    grow(tmp_path / "new", content, POINTS)
    assert [alert.run for alert in follower.look()] == ["new"]


def test_a_folder_without_a_run_yet_is_looked_at_again(tmp_path: Path, content, clock) -> None:
    follower = Follower([tmp_path], {}, now=clock)
    assert follower.look() == []
    assert "no log here" in str(follower.failures[tmp_path])
    grow(tmp_path / "bc", content, 300)
    follower.look()
    assert not follower.failures
    assert follower.runs


def test_nothing_new_is_not_diagnosed_again(tmp_path: Path, content, clock, diagnoses) -> None:
    grow(tmp_path, content, 300)
    follower = Follower([tmp_path], {}, now=clock)
    for _ in range(5):
        clock.now += 100
        follower.look()
    assert len(diagnoses) == 1


def test_diagnoses_take_their_share_of_the_time_and_no_more(
    tmp_path: Path, content, clock, monkeypatch, diagnoses
) -> None:
    """However long the log and however often it grows."""
    follower = Follower([tmp_path], {}, now=clock)
    counted = pipeline.diagnose

    def slow(run):
        clock.now += 10
        return counted(run)

    monkeypatch.setattr(pipeline, "diagnose", slow)
    begun = clock.now
    for stop in range(50, 450, 4):
        grow(tmp_path, content, stop, stop - 4 if stop > 50 else 0)
        clock.now += 2
        follower.look()
    assert len(diagnoses) * 10 <= follow.SHARE * (clock.now - begun) + 10
    follower.look(last=True)
    assert diagnoses[-1] == 445


def test_a_resumed_training_is_followed_into_its_new_file(tmp_path: Path, content, clock) -> None:
    grow(tmp_path, content, 300)
    follower = Follower([tmp_path], {}, now=clock)
    follower.look()
    records = writing.curves({"bc/actor_loss": np.full(50, -15.0)}, range(300, 350), writing.START + 900)
    writing.write(tmp_path / "events.out.tfevents.1700000900.host.2.0", records)
    clock.now += 100
    follower.look()
    (run,) = follower.runs.values()
    assert run.step == 349


@pytest.mark.parametrize("how", ["cut", "replaced", "removed"])
def test_a_log_that_is_cut_replaced_or_removed_is_followed_all_the_same(
    how: str, tmp_path: Path, content, clock
) -> None:
    folder = tmp_path / "bc"
    grow(folder, content, 300)
    follower = Follower([tmp_path], {}, now=clock)
    follower.look()
    (folder / writing.NAME).unlink()
    clock.now += 100
    if how == "cut":
        grow(folder, content, 100)
    elif how == "replaced":
        writing.write(folder, writing.curves({"bc/actor_loss": np.arange(40.0)}))
    follower.look()
    (run,) = follower.runs.values()
    assert run.step == {"cut": 98, "replaced": 39, "removed": 298}[how]
    assert bool(follower.failures) is (how == "removed")


def test_a_broken_or_empty_log_is_an_error_that_may_pass(tmp_path: Path, content, clock) -> None:
    (tmp_path / writing.NAME).write_bytes(b"")
    follower = Follower([tmp_path], {}, now=clock)
    follower.look()
    (run,) = follower.runs.values()
    assert run.error is not None
    grow(tmp_path, content, 300)
    clock.now += 100
    follower.look()
    assert run.error is None
    assert run.diagnosis is not None


def test_a_log_that_stops_growing_is_known_by_its_own_pace(tmp_path: Path, content, clock) -> None:
    grow(tmp_path, content, 100)
    follower = Follower([tmp_path], {}, now=clock)
    follower.look()
    for stop in range(101, 105):
        grow(tmp_path, content, stop, stop - 1)
        clock.now += 30
        follower.look()
    (run,) = follower.runs.values()
    assert follower.idle_for == 0
    clock.now += 250
    assert not run.has_stopped(clock.now)
    clock.now += 100
    assert run.has_stopped(clock.now)
    assert follower.idle_for == 350


def test_a_flight_record_that_appears_beside_the_log_is_something_new(
    tmp_path: Path, content, clock, diagnoses
) -> None:
    grow(tmp_path, content, 300)
    follower = Follower([tmp_path], {}, now=clock)
    follower.look()
    (tmp_path / "spikediag-record-1.npz").write_bytes(b"whatever")
    clock.now += 100
    follower.look()
    assert len(diagnoses) == 2
