"""When things happened, and that each question is worked out once."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import spikediag
from spikediag import attribution, detectors
from spikediag.attribution import Case, gradients, nll_levels, periods
from spikediag.attribution.case import precedence
from spikediag.coupling import couple
from spikediag.model import Kind, Reduction, Role
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


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (nll_levels, "likelihood"),
        (nll_levels, "levels"),
        (gradients, "largest_rise"),
        (periods, "best_period"),
    ],
)
def test_each_question_is_worked_out_once_for_all_causes(
    module: object, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()
    original = getattr(module, function)

    def counted(*arguments: object) -> object:
        calls[function] += 1
        return original(*arguments)

    monkeypatch.setattr(module, function, counted)
    positions = list(range(260, 1900, 130))
    log_std = cases.series("log_std", Role.LOG_STD, cases.noise(0.01) - 2.0, reduction=Reduction.MEAN)
    norm = cases.series("grad", Role.GRAD_NORM, 2.0 * np.exp(cases.noise(0.2)))
    run = cases.make_run(cases.nll(dict.fromkeys(positions, 20.0)), cases.mse(), log_std, norm)
    attribution.explain(cases.make_case(run, cases.train_at(run, positions)))
    assert calls == {function: 1}


def test_an_aftershock_begins_with_the_jump_that_it_follows() -> None:
    run = cases.make_run(cases.nll({cases.AT: 60, cases.AT + 20: 10}), cases.mse())
    first, second = (cases.spike_at(run, cases.AT + k, cases.AT + k + 1) for k in (0, 20))
    case = cases.make_case(run, second, {first.tag: (first, second)})
    assert case.is_aftershock
    assert case.begin == first.onset_step
    assert not cases.make_case(run, first, {first.tag: (first, second)}).is_aftershock


def test_an_aftershock_of_a_fall_is_measured_by_size_as_one_of_a_rise_is() -> None:
    run = cases.make_run(cases.nll({cases.AT: -60, cases.AT + 20: 30}), cases.mse())
    fall, rise = (cases.spike_at(run, cases.AT + k, cases.AT + k + 1) for k in (0, 20))
    case = cases.make_case(run, rise)
    assert fall.is_fall
    assert Case(run, rise, case.coupling, {fall.tag: (fall, rise)}).origin is rise
    small = cases.make_run(cases.nll({cases.AT: -60, cases.AT + 20: 10}), cases.mse())
    after = cases.spike_at(small, cases.AT + 20, cases.AT + 21)
    assert Case(small, after, case.coupling, {fall.tag: (fall, after)}).origin is fall


@pytest.mark.parametrize("points", [50, 600])
def test_in_a_rare_log_only_what_comes_soon_after_is_an_aftershock(points: int) -> None:
    """Forty points after a spike are most of a log of fifty."""
    steps, values = np.arange(points), np.random.default_rng(0).normal(0, 0.1, points)
    values[5], values[45] = 100.0, 5.0
    run = spikediag.Run.from_arrays({"train/loss": (steps, values)})
    spikes = tuple(replace(s, kind=Kind.TRANSIENT) for s in detectors.search(run.series["train/loss"])[0])
    assert len(spikes) == 2
    assert Case(run, spikes[1], couple(spikes[1], run), {"train/loss": spikes}).is_aftershock is (
        points == 600
    )
