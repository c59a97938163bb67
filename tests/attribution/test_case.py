"""When things happened, and that each question is worked out once."""

import math

import pytest

from spikediag.attribution import Case
from spikediag.attribution.case import precedence
from tests.attribution import cases


def test_a_smaller_spike_soon_after_is_an_aftershock() -> None:
    run = cases.make_run(cases.nll({cases.AT: 60, cases.AT + 20: 10, cases.AT + 200: 10}), cases.mse())
    first, second, third = (cases.spike_at(run, cases.AT + k, cases.AT + k + 1) for k in (0, 20, 200))
    spikes = {first.tag: (first, second, third)}
    case = cases.make_case(run, second)
    assert Case(run, second, case.coupling, spikes).origin is first
    assert Case(run, second, case.coupling, spikes).begin == first.onset_step
    assert Case(run, third, case.coupling, spikes).origin is third
    assert Case(run, first, case.coupling, spikes).origin is first


def test_points_above_half_height() -> None:
    assert cases.seed_case().width == 3


def test_precedence_is_the_likelihood_ratio_of_the_delay() -> None:
    """One delay of 100 steps: density exp(-lag/100)/100 against 1/20,000."""
    for lag in (0.0, 100.0, 400.0):
        expected = math.log10(20_000 * math.exp(-lag / 100) / 100)
        assert precedence(lag, 20_000, (100.0,), 1) == pytest.approx(expected)
    assert precedence(0, 20_000, (100.0,), 10) == pytest.approx(precedence(0, 20_000, (100.0,), 1) - 1)


def test_a_train_begins_with_its_first_large_member() -> None:
    run = cases.make_run(cases.nll({600: 5, 900: 5, 1500: 60, 1600: 40}), cases.mse())
    train = cases.train_at(run, [600, 900, 1500, 1600])
    assert cases.make_case(run, train).begin == 15_000
