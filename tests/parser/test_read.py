"""read_run: the whole way, and every kind of bad input."""

import math
import os
import re
from pathlib import Path

import numpy as np
import pytest

from spikediag.errors import NoEventsError, RunNotFoundError, UnreadableRunError, UsageError
from spikediag.model import FactName, Measure, Reduction, Role, Run
from spikediag.parser import find_runs, log_files, read_run, run_from_arrays
from spikediag.parser.finding import RunSource
from tests.parser.writing import NAME, START, curves, scalar, write

BC = {"bc/actor_loss": [1.0, 0.5], "bc/total_loss": [2.0, 1.0], "bc/mse": [0.2, 0.1]}


def test_a_run_with_its_configuration(tmp_path) -> None:
    write(tmp_path / "bc", curves(BC, steps=[0, 10]))
    (tmp_path / "bc" / "config.yaml").write_text(
        "train:\n  batch_size: 256\noptimizer: adam\nbetas: [0.9, 0.999]\n"
    )
    run = read_run(tmp_path / "bc", {"dataset_size": 418})
    assert (run.name, run.library) == ("bc", "hil-serl")
    assert run.series["bc/actor_loss"].role is Role.LOSS
    assert run.series["bc/actor_loss"].measure is Measure.NLL
    assert run.series["bc/mse"].reduction is Reduction.SUM
    assert run.series["bc/total_loss"].measure is Measure.TOTAL
    np.testing.assert_array_equal(run.series["bc/mse"].steps, [0, 10])
    assert run.fact("batch_size").value == 256
    assert run.fact("batch_size").source == "config.yaml: train.batch_size"
    assert run.fact("dataset_size").source == "--dataset-size"
    assert run.fact("beta2").value == 0.999
    assert run.fact("action_dim").value is None
    assert [file.path for file in run.files] == [NAME, "config.yaml"]
    assert run.files[0].size == (tmp_path / "bc" / NAME).stat().st_size


def test_a_single_event_file_is_a_run(tmp_path) -> None:
    file = write(tmp_path / "bc", curves(BC))
    assert read_run(file).series.keys() == BC.keys()
    assert read_run(str(file)).name == "bc"


def test_the_only_run_below_a_folder(tmp_path) -> None:
    write(tmp_path / "exp" / "logs" / "tb", curves(BC))
    run = read_run(tmp_path / "exp")
    assert run.series.keys() == BC.keys()
    assert run.name == f"{tmp_path.name}/exp"


@pytest.mark.parametrize(
    ("name", "head", "row", "end"),
    [
        ("8d1a.txt", "", "step:{at}/100 train_loss:2.5 step_avg:98.2ms\n", ""),
        ("curves.xyz", "step,loss\n", "{at},2.5\n", ""),
        ("curves", "", '{{"step": {at}, "loss": 2.5}}\n', ""),
        ("20260101.json", "", '{{"step": {at}, "loss": 2.5}}\n', ""),
        ("run1.json", '{"x": 3, "history": [', '{{"step": {at}, "loss": 2.5}},', '{"step": 100}]}'),
    ],
)
def test_a_file_that_is_named_itself_is_told_by_what_it_holds(tmp_path, name, head, row, end) -> None:
    (tmp_path / name).write_text(head + "".join(row.format(at=at) for at in range(100)) + end)
    (loss,) = read_run(tmp_path / name).having(Role.LOSS)
    assert loss.steps.tolist() == list(range(100))


def test_no_loss_is_still_a_run(tmp_path) -> None:
    write(tmp_path, curves({"fps": [1.0, 2.0]}))
    assert read_run(tmp_path).series["fps"].role is Role.OTHER


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda p: None, RunNotFoundError, "does not exist"),
        (lambda p: p.mkdir(), NoEventsError, "no log here or below"),
        (lambda p: p.write_text("hello, I am no log"), UnreadableRunError, "no library that is known"),
        (lambda p: p.write_bytes(b"hello\0, I am no event file"), UnreadableRunError, "no TensorBoard"),
        (lambda p: write(p, []), NoEventsError, "no scalars"),
        (os.mkfifo, UnreadableRunError, "neither a folder nor a file"),
        (lambda p: p.write_bytes(b""), NoEventsError, "no scalars"),
    ],
    ids=["missing", "empty folder", "no log", "no event file", "no scalars", "a pipe", "zero bytes"],
)
def test_bad_input_is_one_sentence(tmp_path, make, error, words) -> None:
    path = tmp_path / "run"
    make(path)
    with pytest.raises(error, match=words) as caught:
        read_run(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_foreign_files(tmp_path) -> None:
    (tmp_path / NAME).write_text("not a record in sight, but named like one")
    with pytest.raises(UnreadableRunError, match="no log file can be read"):
        read_run(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_one_may_not_read_is_said_unless_one_is_root(tmp_path) -> None:
    file = write(tmp_path, curves(BC))
    file.chmod(0)
    with pytest.raises(UnreadableRunError, match="ermission"):
        read_run(file)


def test_several_runs_below(tmp_path) -> None:
    write(tmp_path / "a", curves(BC))
    write(tmp_path / "b", curves(BC))
    with pytest.raises(UsageError, match="holds 2 runs"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    "given",
    [
        {"batch_sise": 3},
        {"batch_size": 0},
        {"batch_size": "many"},
        {"dataset_size": 1.5},
        {"action_dim": True},
    ],
)
def test_facts_that_cannot_be_meant(tmp_path, given) -> None:
    write(tmp_path, curves(BC))
    with pytest.raises(UsageError, match=next(iter(given))):
        read_run(tmp_path, given)


def refuse(*_args, **_keywords):
    raise PermissionError(13, "Permission denied")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch) -> None:
    file = write(tmp_path, curves(BC))
    monkeypatch.setattr(log_files, "opened", refuse)
    with pytest.raises(UnreadableRunError, match="Permission denied"):
        read_run(file)
    with pytest.raises(UnreadableRunError, match="no log file can be read"):
        read_run(tmp_path)


def test_a_folder_that_may_not_be_entered(tmp_path, monkeypatch) -> None:
    write(tmp_path, curves(BC))
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UnreadableRunError, match="permission denied"):
        read_run(tmp_path)


def test_one_unreadable_file_costs_that_file_alone(tmp_path, monkeypatch) -> None:
    write(tmp_path, curves(BC))
    (tmp_path / "events.out.tfevents.2.host").write_bytes(b"x")
    read = log_files.opened
    monkeypatch.setattr(log_files, "opened", lambda path: refuse() if path.name != NAME else read(path))
    run = read_run(tmp_path)
    assert run.series.keys() == BC.keys()
    assert str(run.damage[0].what) == "left out: Permission denied"


def test_points_at_steps_that_no_counter_reaches_are_left_out_and_said(tmp_path) -> None:
    absurd = [scalar("bc/actor_loss", step, 1.0) for step in (2**63 - 1, -(2**63), 2**53 + 1)]
    write(tmp_path, [*curves(BC), *absurd])
    run = read_run(tmp_path)
    assert run.series["bc/actor_loss"].steps[-1] == len(BC["bc/actor_loss"]) - 1
    assert str(run.damage[0].what) == "left out: 3 points at steps farther than 2^53 from 0"


def test_a_clock_that_is_none_is_unknown(tmp_path) -> None:
    write(tmp_path, [scalar("bc/loss", k, 1.0, wall) for k, wall in enumerate([1.0, 1e300, math.nan, -1e12])])
    assert np.isnan(read_run(tmp_path).series["bc/loss"].wall_times).tolist() == [False, True, True, True]


def test_a_file_that_ends_in_a_hole_costs_what_is_on_the_disk(tmp_path) -> None:
    file = write(tmp_path, curves(BC))
    size = file.stat().st_size
    os.truncate(file, 1 << 34)
    if file.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system keeps no holes")
    run = read_run(tmp_path)
    assert run.series.keys() == BC.keys()
    assert run.files[0].size < size + (1 << 20)
    assert str(run.damage[-1].what) == "the file ends in a hole"


def test_a_file_that_became_a_pipe_is_not_read(tmp_path) -> None:
    write(tmp_path, curves(BC))
    found = next(iter(find_runs(tmp_path)))
    other = RunSource(found.path, found.folder)
    (tmp_path / NAME).unlink()
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(UnreadableRunError, match="no regular file"):
        read_run(other)


def test_a_file_that_was_rotated_away_is_said(tmp_path) -> None:
    write(tmp_path, curves(BC))
    second = tmp_path / "events.out.tfevents.1700000009.host.1.0"
    write(second, curves(BC, steps=[20, 30], wall=START + 100))
    found = next(iter(find_runs(tmp_path)))
    second.unlink()
    run = read_run(RunSource(found.path, found.folder))
    assert run.series.keys() == BC.keys()
    assert str(run.damage[0].what) == "left out: No such file or directory"


def test_a_file_that_grows_while_it_is_read_is_a_prefix_of_itself(tmp_path) -> None:
    whole = write(tmp_path / "whole", curves({"bc/loss": list(range(40))})).read_bytes()
    file = tmp_path / "run" / NAME
    file.parent.mkdir()
    for size in range(len(whole) // 2, len(whole), 17):
        file.write_bytes(whole[:size])
        values = read_run(file).series["bc/loss"].values
        assert values.tolist() == list(range(len(values)))


def test_a_path_that_is_too_long() -> None:
    with pytest.raises(UnreadableRunError):
        read_run("x" * 5000)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"bc/loss": None}, "bc/loss: give a pair .* not NoneType"),
        ({"bc/loss": [[0], [1], [2]]}, "bc/loss: give a pair"),
        ({"bc/loss": (None, None)}, "bc/loss: steps .* one-dimensional"),
        ({"bc/loss": ([0, 1], ["a", "b"])}, "bc/loss: values must be numbers that 64 bits hold"),
        ({"bc/loss": ([0, 1], [0, 10**400])}, "bc/loss: values must be numbers that 64 bits hold"),
        ({"bc/loss": ([0, 1], np.array([0, 1j]))}, "bc/loss: values must be numbers that 64 bits hold"),
        ({"bc/loss": ([0, 10**400], [0, 1])}, "bc/loss: steps must be numbers that 64 bits hold"),
        ({"bc/loss": ([0, 2**63], [0, 1])}, "bc/loss: steps must be whole numbers, at most 2.53 from 0"),
        ({7: ([0, 1], [1.0, 2.0])}, "7 is no tag"),
        (None, "dictionary of tags"),
        ([1.0, 2.0], "dictionary of tags"),
    ],
)
def test_arrays_that_are_no_pairs_are_refused_in_one_sentence_that_names_the_tag(arrays, words) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        run_from_arrays(arrays)
    assert "\n" not in str(caught.value)


def test_a_table_a_dictionary_of_arrays_and_pairs_say_the_same() -> None:
    import pandas as pd

    values = np.arange(5.0)
    table = pd.DataFrame({"step": np.arange(5) * 10, "train/loss": values, "train/mse": values})
    tables = (table, table.set_index("step"), {"train/loss": table.set_index("step")["train/loss"]})
    for given in tables:
        assert list(run_from_arrays(given).series["train/loss"].steps) == [0, 10, 20, 30, 40]
    for given in (values, list(values)):
        counted = run_from_arrays({"train/loss": given}).series["train/loss"]
        assert list(counted.steps) == [0, 1, 2, 3, 4]
        assert list(counted.values) == list(values)


def test_two_numbers_are_two_values_and_two_lists_a_pair() -> None:
    assert list(run_from_arrays({"loss": [3.0, 4.0]}).series["loss"].values) == [3, 4]
    assert list(run_from_arrays({"loss": ([7, 8], [3.0, 4.0])}).series["loss"].steps) == [7, 8]


def test_arrays_may_bring_a_name_roles_and_numbers_of_numpy() -> None:
    run = Run.from_arrays(
        {"my_curve": np.arange(40.0)}, roles={"my_curve": "loss"}, name="mine", batch_size=np.int64(3)
    )
    assert (run.name, run.series["my_curve"].role) == ("mine", Role.LOSS)
    assert run.fact(FactName.BATCH_SIZE).value == 3
    assert repr(run) == "Run('mine', 1 series)"


@pytest.mark.parametrize(
    ("given", "roles", "said"),
    [
        ({"loss": None}, {}, "loss: give a pair"),
        ({"loss": "abc"}, {}, "loss: give a pair"),
        (None, {}, "Give a table with a column for each tag"),
        ({"loss": [1.0, 2.0]}, {"los": "loss"}, "roles: there is no tag 'los'; did you mean"),
        ({"loss": [1.0, 2.0]}, {"loss": "lost"}, "roles: 'lost' is no role; choose one of"),
    ],
)
def test_what_is_wrong_with_arrays_is_one_sentence(given, roles, said) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        run_from_arrays(given, roles=roles)
