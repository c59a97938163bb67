"""A run knows its batch, and how many updates and passes a step stands for."""

import math

import numpy as np
import pytest

from spikediag.model import Fact, FactName, Role, Run, Series, StepUnit

STEPS = np.arange(0, 1000, 10)


def run(unit: StepUnit = StepUnit.STEP, **facts: float) -> Run:
    loss = Series("bc/loss", Role.LOSS, STEPS, np.zeros(100), np.full(100, np.nan))
    named = {FactName(name): Fact(FactName(name), value, f"config: {name}") for name, value in facts.items()}
    return Run("runs/bc", "bc", {loss.tag: loss}, named, step_unit=unit)


def test_the_effective_batch_is_the_batch() -> None:
    batch = run(batch_size=64, effective_batch_size=256, dataset_size=418).batch
    assert batch is not None
    assert (batch.samples, batch.samples_source) == (256, "config: effective_batch_size")
    assert batch.ratio == pytest.approx(256 / 418)
    assert batch.passes(418) == pytest.approx(256)


@pytest.mark.parametrize("facts", [{}, {"batch_size": 64}, {"dataset_size": 418}])
def test_no_batch_unless_both_are_known(facts) -> None:
    assert run(**facts).batch is None


@pytest.mark.parametrize(
    ("unit", "updates"),
    [
        (StepUnit.STEP, 100),
        (StepUnit.EPOCH, 100 * 4),
        (StepUnit.SAMPLE, 100 / 64),
        (StepUnit.ITERATION, None),
        (StepUnit.ENV_STEP, None),
        (StepUnit.LOG, None),
    ],
)
def test_updates_by_what_the_axis_counts(unit, updates) -> None:
    assert run(unit, batch_size=64, dataset_size=256).updates(100) == updates


def test_a_training_ends_one_interval_after_its_last_point() -> None:
    assert run().last_step == 1000
    assert run().series["bc/loss"].group == "bc"


@pytest.mark.parametrize(
    ("tag", "held_out"),
    [
        ("eval/loss", True),
        ("val_loss", True),
        ("validation/mse", True),
        ("Test/accuracy", True),
        ("held_out/nll", True),
        ("train/loss", False),
        ("losses/value_loss", False),
        ("interval/loss", False),
        ("latest_loss", False),
    ],
)
def test_a_tag_says_that_it_is_measured_on_held_out_data(tag: str, held_out: bool) -> None:
    nothing = np.array([])
    assert Series(tag, Role.LOSS, nothing, nothing, nothing).held_out is held_out


def bounded(values: list[float]) -> Run:
    count = len(values)
    series = Series("loss", Role.LOSS, np.arange(count), np.array(values), np.full(count, np.nan))
    return Run("r", "r", {"loss": series}).within(1e60)


def test_absurd_values_stay_numbers_and_the_run_says_so() -> None:
    run_ = bounded([0.0, 1.7e308, -1.7e308, math.nan, math.inf, -5e-324, 1e-50, 1.0, 2.0, 1.0, 1.0])
    expected = [0.0, 1e60, -1e60, math.nan, math.inf, 0.0, 1e-50, 1.0, 2.0, 1.0, 1.0]
    np.testing.assert_array_equal(run_.series["loss"].values, expected)
    assert "beyond 1e+60 were taken as 1e+60" in str(run_.notes[0])
    assert "taken as 0" in str(run_.notes[1])
    assert run().within(1e60).notes == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.7e308, -3e307, math.nan, math.inf], [17, -3, math.nan, math.inf]),
        ([1e100, 3e100, 1e250], [1, 3, 1e60]),
        ([5e-324, 1e-310, 2e-320], [0.0, 1e-3, 0.0]),
        ([3e-200, -7e-201], [3, -0.7]),
        ([1e308, 1.0, 2.0], [1e60, 1.0, 2.0]),
        ([0.0, 0.0], [0.0, 0.0]),
    ],
)
def test_a_series_of_absurd_values_is_told_in_its_unit(values, expected) -> None:
    told = bounded(values).series["loss"].values
    np.testing.assert_allclose(told, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("value", [10**400, float("inf"), float("nan"), "64", True, None])
def test_a_fact_that_is_no_usable_number_has_none(value) -> None:
    assert Fact(FactName.BATCH_SIZE, value, "config").number is None


@pytest.mark.parametrize("at", [0.0, 2.37])
def test_a_loss_that_stands_still_while_the_gradient_is_no_number_is_none(at: float) -> None:
    steps = np.arange(1, 41)
    values, norm = 2 + 0.01 * steps, np.ones(40)
    values[30:], norm[30:] = at, np.nan
    read = Run.from_arrays({"train/loss": (steps, values), "train/grad_norm": (steps, norm)}).revealed()
    assert list(np.flatnonzero(~read.series["train/loss"].finite)) == list(range(30, 40))
    assert read.series["train/loss"].stood_still_at == at
    assert "from step 31" in str(read.notes[-1])


@pytest.mark.parametrize("at", [0.0, 2.3])
def test_a_loss_that_stands_still_where_the_gradient_is_left_out_is_none(at: float) -> None:
    steps = np.arange(1, 41)
    values = np.where(steps > 30, at, 2 + 0.01 * steps)
    logged = {"train/loss": (steps, values), "train/grad_norm": (steps[:30], np.ones(30))}
    read = Run.from_arrays(logged).revealed()
    assert list(np.flatnonzero(~read.series["train/loss"].finite)) == list(range(30, 40))
    moves = {**logged, "train/loss": (steps, values + 0.01 * (steps == 35))}
    assert Run.from_arrays(moves).revealed().series["train/loss"].finite.all()


def test_a_loss_that_goes_on_moving_or_a_gradient_that_is_a_number_hides_nothing() -> None:
    steps = np.arange(1, 41)
    moving, still, norm = 2 + 0.01 * steps, np.full(40, 2.0), np.ones(40)
    lost = np.where(steps > 30, np.nan, 1.0)
    for loss, gradient in ((moving, lost), (still, norm)):
        read = Run.from_arrays({"train/loss": (steps, loss), "train/grad_norm": (steps, gradient)})
        assert read.revealed().series["train/loss"].finite.all()
        assert read.revealed().notes == read.notes


def test_what_is_asked_of_a_run_for_every_loss_is_worked_out_once() -> None:
    asked = []

    def question(run: Run, word: str) -> int:
        asked.append(word)
        return len(run.series)

    run = Run.from_arrays({"a/loss": [1.0, 2.0], "b/loss": [1.0, 2.0]})
    assert [run.once(question, word) for word in ("x", "y", "x")] == [2, 2, 2]
    assert asked == ["x", "y"]


def test_a_series_tells_its_numbers_and_what_came_before_a_step() -> None:
    values = np.array([1.0, np.nan, math.e, -1.0, np.inf, 1.0])
    series = Series("x", Role.OTHER, np.arange(0, 60, 10), values, np.full(6, np.nan))
    assert series.numbers[0].tolist() == [0, 20, 30, 50]
    assert series.before(30).tolist() == [1.0, math.e]
    assert series.before(30.5).tolist() == [1.0, math.e, -1.0]
    assert series.logs[0].tolist() == [0, 20, 50]
    assert series.logs[1] == pytest.approx([0.0, 1.0, 0.0])


def test_two_series_share_the_points_at_the_same_steps() -> None:
    often = Series("often", Role.OTHER, np.arange(0, 60, 10), np.zeros(6), np.full(6, np.nan))
    seldom = Series("seldom", Role.OTHER, np.arange(0, 60, 25), np.zeros(3), np.full(3, np.nan))
    assert [part.tolist() for part in often.shared(seldom)] == [[0, 5], [0, 2]]
    assert [part.tolist() for part in often.shared(often)] == [[*range(6)]] * 2


def test_only_an_array_that_nobody_can_write_to_is_kept_without_a_copy() -> None:
    frozen, open_to_all = np.arange(100.0), np.arange(100.0)
    frozen.setflags(write=False)
    view = open_to_all[:]
    view.setflags(write=False)
    kept, copied = (Series("loss", Role.LOSS, STEPS, values, frozen) for values in (frozen[:], view))
    assert np.shares_memory(kept.values, frozen)
    assert np.shares_memory(copied.wall_times, kept.wall_times)
    open_to_all[0] = 7.0
    assert copied.values[0] == 0.0
