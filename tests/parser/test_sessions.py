"""Restarts, resumes, rewinds, attempts and copies: nothing is invented, nothing hidden."""

import shutil

import numpy as np
import pytest

from spikediag.errors import UsageError
from spikediag.model import Rewind
from spikediag.parser import find_runs, read_run, run_from_arrays
from tests.parser.writing import START, curves, paths, scalar, write


def part(
    folder, first: int, last: int, level: float, wall: float, *, every: int = 10, tag: str = "train/loss"
):
    """One process: `tag` at `level` from step `first` to `last`, one point a second from `wall` on."""
    steps = range(first, last + 1, every)
    path = folder / f"events.out.tfevents.{int(wall)}.host.1"
    return write(path, curves({tag: [level] * len(steps)}, steps=steps, wall=wall))


def loss(run, tag: str = "train/loss") -> dict[int, float]:
    series = run.series[tag]
    return dict(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def test_a_resume_wins_over_what_it_overtook(tmp_path) -> None:
    part(tmp_path, 0, 1000, 1.0, START)
    part(tmp_path, 805, 1305, 2.0, START + 5000)  # between the old steps: sorting would interleave the two
    run = read_run(tmp_path)
    values = loss(run)
    assert all(values[step] == 1.0 for step in values if step < 805)
    assert all(values[step] == 2.0 for step in values if step >= 805)
    assert run.rewinds == (Rewind(1000, 805, 4900.0, 1),)
    assert [(s.first_step, s.last_step) for s in run.sessions] == [(0, 1000), (805, 1305)]
    assert "20 points gave way" in str(run.notes[0])


def test_the_abandoned_branch_does_not_follow_the_resume(tmp_path) -> None:
    part(tmp_path, 0, 1000, 1.0, START)
    part(tmp_path, 500, 700, 2.0, START + 5000)
    assert max(loss(read_run(tmp_path))) == 700


def test_a_continuation_has_no_rewind(tmp_path) -> None:
    part(tmp_path, 0, 1000, 1.0, START)
    part(tmp_path, 1010, 2000, 1.0, START + 150)
    run = read_run(tmp_path)
    assert len(loss(run)) == 201
    assert not run.rewinds
    assert len(run.sessions) == 2


def test_a_gap_is_evidence(tmp_path) -> None:
    part(tmp_path, 0, 1000, 1.0, START)
    part(tmp_path, 5000, 6000, 1.0, START + 9000)
    assert read_run(tmp_path).rewinds == (Rewind(1000, 5000, 8900.0, 1),)


def test_three_sessions_in_the_order_of_their_clocks(tmp_path) -> None:
    part(tmp_path, 300, 600, 2.0, START + 3000)
    part(tmp_path, 0, 400, 1.0, START)
    part(tmp_path, 500, 800, 3.0, START + 6000)
    run = read_run(tmp_path)
    values = loss(run)
    assert [values[step] for step in (290, 300, 490, 500, 800)] == [1.0, 2.0, 2.0, 3.0, 3.0]
    assert [rewind.session for rewind in run.rewinds] == [1, 2]


def test_repeated_attempts_are_kept_apart(tmp_path) -> None:
    files = [part(tmp_path, 1, 100, float(k), START + 1000 * k, every=1) for k in range(4)]
    found = paths(tmp_path)
    assert sorted(found) == sorted(files)
    names = {read_run(path).name for path in found}
    assert len(names) == 4
    run = read_run(tmp_path)  # the newest
    assert set(loss(run).values()) == {3.0}
    assert "4 attempts" in str(run.notes[0])
    assert files[0].name in str(run.notes[0])


def test_an_attempt_that_was_resumed_stays_whole_beside_another(tmp_path) -> None:
    part(tmp_path, 0, 100, 1.0, START)
    part(tmp_path, 0, 100, 2.0, START + 1000)
    part(tmp_path, 80, 200, 3.0, START + 2000)
    run = read_run(tmp_path)
    assert loss(run)[0] == 2.0
    assert loss(run)[80] == 3.0


def test_two_writers_of_the_same_tag_at_once(tmp_path) -> None:
    part(tmp_path, 0, 1000, 1.0, START)
    part(tmp_path, 500, 1500, 2.0, START + 20)
    assert len(paths(tmp_path)) == 2


def test_an_evaluation_writer_joins_the_training(tmp_path) -> None:
    part(tmp_path, 0, 1000, 1.0, START)
    part(tmp_path, 100, 900, 2.0, START + 15, every=100, tag="eval/loss")
    run = read_run(tmp_path)
    assert set(run.series) == {"train/loss", "eval/loss"}
    assert paths(tmp_path) == (tmp_path,)
    assert not run.rewinds


def test_copies_are_dropped_and_said_so(tmp_path) -> None:
    file = part(tmp_path, 0, 100, 1.0, START)
    shutil.copy(file, tmp_path / (file.name + ".copy"))
    run = read_run(tmp_path)
    assert len(run.sessions) == 1
    assert "byte for byte" in str(run.notes[0])
    assert paths(tmp_path) == (tmp_path,)


def test_a_rewind_inside_one_file(tmp_path) -> None:
    records = [scalar("loss", step, 1.0, START + step) for step in range(100)]
    records += [scalar("loss", step, 2.0, START + 500 + step) for step in range(80, 90)]
    run = read_run(write(tmp_path, records))
    values = loss(run, "loss")
    assert max(values) == 89
    assert [values[step] for step in (79, 80, 89)] == [1.0, 2.0, 2.0]
    assert run.rewinds == (Rewind(99, 80, 481.0, 0),)


def test_late_records_are_sorted_in(tmp_path) -> None:
    order = [0, 1, 3, 2, 4, 5, 7, 6]
    run = read_run(write(tmp_path, [scalar("loss", step, float(step)) for step in order]))
    assert loss(run, "loss") == {step: float(step) for step in range(8)}
    assert not run.rewinds


def test_of_two_records_of_one_step_the_newest_counts(tmp_path) -> None:
    records = [scalar("loss", 0, 1.0, 50.0), scalar("loss", 0, 2.0, 40.0), scalar("loss", 1, 3.0, 60.0)]
    assert loss(read_run(write(tmp_path, records)), "loss") == {0: 1.0, 1: 3.0}


def test_nan_and_inf_are_kept(tmp_path) -> None:
    values = [1.0, float("nan"), float("inf"), -float("inf"), 2.0]
    run = read_run(write(tmp_path, curves({"loss": values})))
    np.testing.assert_array_equal(run.series["loss"].values, values)


def test_a_counter_that_is_no_clock(tmp_path) -> None:
    rng = np.random.default_rng(0)
    steps = rng.integers(0, 10**9, 4000)
    run = read_run(write(tmp_path, [scalar("loss", int(step), 1.0, START) for step in steps]))
    assert len(run.series["loss"]) == len(np.unique(steps))


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2, 1]])
def test_arrays_in_any_order(order) -> None:
    run = run_from_arrays({"loss": (order, [float(k) for k in range(len(order))])}, {"batch_size": 4})
    assert run.series["loss"].steps.tolist() == sorted(set(order))
    assert run.fact("batch_size").source == "given: batch_size"
    assert run.series["loss"].values[1] == max(k for k, step in enumerate(order) if step == 1)


def test_series_are_read_only_copies() -> None:
    steps, values = np.arange(3), np.ones(3)
    run = run_from_arrays({"loss": (steps, values)}, {})
    values[0] = 5.0
    assert run.series["loss"].values[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        run.series["loss"].values[0] = 2.0


@pytest.mark.parametrize(
    ("steps", "values"),
    [
        ([0, 1], ["a", "b"]),
        ([0, 1], [1.0]),
        ([[0], [1]], [[1.0], [2.0]]),
        ([0.5, 1.0], [1.0, 2.0]),
        ([0, float("nan")], [1.0, 2.0]),
        ([0, 1e300], [1.0, 2.0]),
        ([0, 1], [1.0, 10**400]),
        ([0, 10**400], [1.0, 2.0]),
        ([0, 1], [1.0, 2 + 3j]),
        ([0, 1], np.array([1.0, 2 + 3j])),
    ],
)
def test_arrays_that_cannot_be_used(steps, values) -> None:
    with pytest.raises(UsageError, match="loss"):
        run_from_arrays({"loss": (steps, values)}, {})


def test_no_arrays_and_empty_arrays() -> None:
    assert not run_from_arrays({}).series
    assert len(run_from_arrays({"loss": ([], [])}, {}).series["loss"]) == 0


def test_another_training_with_other_tags_is_apart(tmp_path) -> None:
    part(tmp_path, 0, 1000, 1.0, START)
    part(tmp_path, 0, 1000, 2.0, START + 9000, tag="bc/actor_loss")
    assert len(paths(tmp_path)) == 2
    assert set(read_run(tmp_path).series) == {"bc/actor_loss"}


@pytest.mark.parametrize(
    "steps", [[-(2**62) * 2, 0, 2**63 - 1], [2**63 - 1, -(2**63), 5], [0, 2**63 - 1, -(2**63), 1, 2]]
)
def test_steps_whose_differences_overflow(tmp_path, steps: list[int]) -> None:
    run = read_run(write(tmp_path, [scalar("loss", step, 1.0, START) for step in steps]))
    found = run.series["loss"].steps.tolist()
    assert found == sorted(set(found))
    assert set(found) <= set(steps)


def test_clocks_that_are_infinite(tmp_path) -> None:
    records = [scalar("loss", step, 1.0, float("inf")) for step in (0, 1, 2, 3, 4, 5, 1, 2)]
    assert len(read_run(write(tmp_path, records)).series["loss"]) == 3


@pytest.mark.parametrize("step", [50, 0])
def test_a_file_that_adds_one_point_a_day_later_is_a_stray_start(tmp_path, step: int) -> None:
    part(tmp_path, 0, 1000, 1.0, START)
    stray = part(tmp_path, step, step, 2.0, START + 86_400)
    run = read_run(tmp_path)
    assert len(loss(run)) == 101
    assert set(loss(run).values()) == {1.0}
    assert not run.rewinds
    assert [note for note in map(str, run.notes) if note.startswith(stray.name) and "stray start" in note]
    assert paths(tmp_path) == (tmp_path,)
    assert loss(read_run(stray)) == {step: 2.0}


def test_a_point_that_goes_on_is_no_stray(tmp_path) -> None:
    part(tmp_path, 0, 1000, 1.0, START)
    part(tmp_path, 980, 980, 2.0, START + 86_400)
    assert max(loss(read_run(tmp_path))) == 980


def versions(folder, *spans: tuple[int, int]):
    for number, (first, last) in enumerate(spans):
        part(folder / f"version_{number}", first, last, 1.0 + number, START + 10_000 * number)
    return folder


def test_a_resume_in_the_next_version_folder_is_one_training(tmp_path) -> None:
    logs = versions(tmp_path / "lightning_logs", (0, 1000), (900, 2000))
    (found,) = find_runs(tmp_path)
    assert found.path.name == "version_1"
    for path in (found, found.path, logs):
        run = read_run(path)
        assert len(loss(run)) == 90 + 111
        assert run.rewinds == (Rewind(1000, 900, 9900.0, 1),)
        assert run.sessions[0].file.split("/")[:2] == ["..", "version_0"]
        assert "version_1 goes on with the training of version_0" in " ".join(map(str, run.notes))
        assert run.files[0].path.startswith("../version_0/events")


def test_a_version_that_is_named_has_what_came_before_it_and_not_what_came_after(tmp_path) -> None:
    versions(tmp_path, (0, 1000), (1010, 2000), (2010, 3000))
    assert max(loss(read_run(tmp_path / "version_1"))) == 2000
    assert min(loss(read_run(tmp_path / "version_1"))) == 0
    assert max(loss(read_run(tmp_path / "version_0"))) == 1000
    assert len(loss(read_run(tmp_path / "version_2"))) == 301
    assert len(paths(tmp_path)) == 1
    assert len(paths(tmp_path / "version_1")) == 1


def test_versions_that_begin_anew_or_far_ahead_are_runs_of_their_own(tmp_path) -> None:
    versions(tmp_path, (0, 1000), (0, 1000), (9000, 10_000))
    assert [path.name for path in paths(tmp_path)] == ["version_0", "version_1", "version_2"]
    with pytest.raises(UsageError, match="3 runs"):
        read_run(tmp_path)


def test_the_tenth_version_follows_the_ninth(tmp_path) -> None:
    spans = [(1010 * k, 1010 * k + 1000) for k in range(11)]
    versions(tmp_path, *spans)
    (path,) = paths(tmp_path)
    assert path.name == "version_10"


def test_other_folders_are_never_joined(tmp_path) -> None:
    part(tmp_path / "a", 0, 1000, 1.0, START)
    part(tmp_path / "b", 1010, 2000, 1.0, START + 5000)
    assert len(paths(tmp_path)) == 2
