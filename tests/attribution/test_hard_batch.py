"""hard-batch."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.attribution import Case, explain
from spikediag.attribution.causes.hard_batch import HardBatch
from spikediag.model import CouplingVerdict, Kind, Role
from tests.attribution import cases


def coupled(positions: range) -> object:
    bump = dict.fromkeys(positions, 30.0)
    run = cases.make_run(cases.nll(bump), cases.mse(dict.fromkeys(positions, 1.0)), facts=cases.CALM_FACTS)
    return cases.make_case(run, cases.spike_at(run, positions.start, positions.stop))


def test_loss_and_error_up_for_one_point_is_a_hard_batch() -> None:
    judged = HardBatch().judge(coupled(range(cases.AT, cases.AT + 1)))
    assert judged.decisive
    assert not judged.ruled_out
    assert "print(step, batch_indices" in judged.advice[0].code


def test_a_loss_that_is_not_back_with_the_next_batch_was_thrown() -> None:
    decay = {cases.AT + i: 30.0 * 0.97**i for i in range(1, 120)}
    bump = {cases.AT: 90.0, **decay}
    run = cases.make_run(cases.nll(bump), cases.mse({cases.AT: 1.0}), facts=cases.CALM_FACTS)
    judged = HardBatch().judge(cases.make_case(run))
    assert cases.evidence(judged, "not-back").weight < -1
    assert not judged.decisive


def test_a_gradient_that_leapt_in_an_earlier_batch_speaks_against_it() -> None:
    values = 2.0 * np.exp(cases.noise(0.2, 4))
    values[cases.AT - 1] *= 50
    norm = cases.series("bc/grad_norm", Role.GRAD_NORM, values)
    run = cases.make_run(cases.nll({cases.AT: 30}), cases.mse({cases.AT: 1.0}), norm, facts=cases.CALM_FACTS)
    judged = HardBatch().judge(cases.make_case(run))
    assert cases.evidence(judged, "gradient-first").weight < 0
    assert not judged.decisive


def test_a_flat_error_rules_it_out() -> None:
    assert HardBatch().judge(cases.seed_case()).ruled_out


def test_ten_points_are_not_one_batch() -> None:
    assert HardBatch().judge(coupled(range(cases.AT, cases.AT + 10))).ruled_out


def test_a_level_shift_is_not_one_batch() -> None:
    case = coupled(range(cases.AT, cases.AT + 1))
    run = case.run
    shift = cases.spike_at(run, cases.AT, len(run.series["bc/actor_loss"]), Kind.LEVEL_SHIFT)
    assert HardBatch().judge(cases.make_case(run, shift)).ruled_out


def test_without_a_companion_it_is_not_checkable() -> None:
    run = cases.make_run(cases.nll({cases.AT: 30}), None)
    judged = HardBatch().judge(cases.make_case(run))
    assert not judged.checkable
    assert judged.missing


def partly(rise: float) -> Case:
    """The error rises with the loss, by far less than the 39 nats need."""
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse({cases.AT: rise}), facts=cases.CALM_FACTS)
    case = cases.make_case(run)
    assert case.coupling.verdict is CouplingVerdict.PARTLY
    return case


def test_an_error_that_surely_doubled_makes_a_hard_batch_though_the_jump_needs_more() -> None:
    judged = HardBatch().judge(partly(0.17))
    assert judged.decisive
    assert cases.evidence(judged, "error-partly").weight > 1
    assert explain(partly(0.17)).primary_cause == "hard-batch"


def test_a_small_rise_of_the_error_does_not() -> None:
    judged = HardBatch().judge(partly(0.04))
    assert not judged.decisive
    assert cases.evidence(judged, "error-partly").weight < 0.3


@pytest.mark.parametrize(("count", "few"), [(3, True), (9, False)])
def test_many_bursts_are_not_single_bad_batches(count: int, few: bool) -> None:
    at = list(range(1500, 1500 + 37 * count, 37))
    run = cases.make_run(cases.nll(dict.fromkeys(at, 20.0)), cases.mse(dict.fromkeys(at, 3.0)), facts={})
    judged = HardBatch().judge(cases.make_case(run, cases.train_at(run, at)))
    assert (cases.evidence(judged, "many-bursts") is None) == few


@pytest.mark.parametrize("stays", [False, True])
def test_a_batch_that_threw_the_weights_leaves_the_error_up_in_the_next_ones(*, stays: bool) -> None:
    after = dict.fromkeys(range(cases.AT + 1, cases.AT + 12), 0.7 if stays else 0.02)
    loss = cases.nll({cases.AT: 90.0, **dict.fromkeys(after, 11.0)})
    run = cases.make_run(loss, cases.mse({cases.AT: 1.0, **after}), facts=cases.CALM_FACTS)
    judged = HardBatch().judge(cases.make_case(run))
    assert judged.decisive is not stays
    assert judged.ruled_out is stays
    assert (cases.evidence(judged, "error-not-back") is not None) is stays


@pytest.mark.parametrize("factor", [1.0, 8.0])
def test_a_rate_that_was_raised_may_have_thrown_the_weights(factor: float) -> None:
    values = np.where(np.arange(len(cases.STEPS)) < cases.AT - 90, 1e-4, factor * 1e-4)
    rate = cases.series("bc/lr", Role.LEARNING_RATE, values)
    run = cases.make_run(cases.nll({cases.AT: 30}), cases.mse({cases.AT: 1.0}), rate, facts=cases.CALM_FACTS)
    judged = HardBatch().judge(cases.make_case(run))
    assert judged.decisive is (factor == 1)
    assert (cases.evidence(judged, "rate-raised") is not None) is (factor > 1)


@pytest.mark.parametrize("before", [20, 200])
def test_a_loss_that_has_just_risen_for_good_was_thrown_by_something(before: int) -> None:
    run = coupled(range(cases.AT, cases.AT + 1)).run
    spike = cases.spike_at(run)
    rise = cases.spike_at(run, cases.AT - before, len(cases.STEPS), Kind.LEVEL_SHIFT)
    rise = replace(rise, peak=cases.AT - before + 2, height=10.0)
    judged = HardBatch().judge(cases.make_case(run, spike, {spike.tag: (rise, spike)}))
    assert judged.decisive is (before == 200)
    assert (cases.evidence(judged, "after-rise") is not None) is (before == 20)
    told = cases.evidence(judged, "error-moved")
    assert (told.weight == 0) is (before == 20)  # thrown weights move the error as well


@pytest.mark.parametrize(("moved", "alike"), [(1, False), (4, True)])
def test_bad_batches_move_the_error_each_time(moved: int, alike: bool) -> None:
    positions = [cases.AT - 317, cases.AT - 190, cases.AT - 133, cases.AT]
    bump = dict.fromkeys(positions[-moved:], 3.0)
    run = cases.make_run(cases.nll(dict.fromkeys(positions, 30.0)), cases.mse(bump), facts=cases.CALM_FACTS)
    case = cases.make_case(run, cases.train_at(run, positions))
    assert case.coupling.verdict in {CouplingVerdict.COUPLED, CouplingVerdict.PARTLY}
    judged = HardBatch().judge(case)
    assert judged.decisive is alike
    assert any(e.what == "few-moved" for e in judged.evidence) is not alike
