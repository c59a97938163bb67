"""Counts against a setting: the numbers of statsmodels, exact where that can be, and honest about chance."""

import math
from itertools import permutations

import numpy as np
import pytest

from spikediag.stats.count_regression import Counted, permutation, profiled_ratio


def counted(events, settings, groups=None, exposures=None):
    n = len(events)
    return Counted(
        np.array(events, float),
        np.ones(n) if exposures is None else np.array(exposures, float),
        np.array(settings, float),
        np.zeros(n, int) if groups is None else np.array(groups),
    )


def drawn(seed, groups=3, per=4, slope=0.7):
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), 3 * per)
    x, e = np.tile(np.repeat([0, 0.5, 1], per), groups), random.uniform(0.5, 2, 3 * per * groups)
    y = random.poisson(8 * np.exp(random.normal(0, 0.5, groups))[g] * e * np.exp(slope * x))
    return Counted(y.astype(float), e, x, g)


@pytest.mark.slow  # importing it takes longer than all else here
@pytest.mark.parametrize("seed", range(3))
def test_the_slope_and_its_dispersion_are_those_of_statsmodels(seed):
    sm = pytest.importorskip("statsmodels.api")
    runs = drawn(seed)
    table = np.column_stack([runs.settings, *(runs.groups == g for g in range(3))]).astype(float)
    fit = sm.GLM(runs.events, table, family=sm.families.Poisson(), exposure=runs.exposures).fit(scale="X2")
    found = profiled_ratio(runs)
    assert found.value == pytest.approx(math.exp(fit.params[0]), rel=1e-6)
    assert found.dispersion >= max(1.0, fit.scale) * (1 - 1e-6)
    wald = np.exp(fit.conf_int()[0])
    assert found.low <= wald[0] * 1.1
    assert found.high >= wald[1] / 1.1


def test_a_closed_form_of_two_values():
    """Without groups and with two values the ratio is that of the rates."""
    found = profiled_ratio(counted([3, 5, 4, 12, 15, 9], [0, 0, 0, 1, 1, 1], exposures=[1, 1, 2, 1, 1, 1]))
    assert found.value == pytest.approx((36 / 3) / (12 / 4))


def test_an_end_without_an_event_leaves_the_interval_open():
    found = profiled_ratio(counted([0, 0, 0, 7, 9, 8], [0, 0, 0, 1, 1, 1]))
    assert found.value == found.high == math.inf
    assert 1 < found.low < 20
    found = profiled_ratio(counted([7, 9, 8, 0, 0, 0], [0, 0, 0, 1, 1, 1]))
    assert found.value == found.low == 0
    assert 0.05 < found.high < 1


def test_without_a_contrast_nothing_is_said():
    for runs in (counted([1, 2, 3], [0, 0, 0]), counted([0, 0, 0], [0, 0.5, 1]), counted([], [])):
        assert math.isnan(profiled_ratio(runs).value)
        assert permutation(runs).p == 1.0


def test_a_group_without_a_contrast_changes_nothing():
    runs = drawn(1)
    more = Counted(
        np.append(runs.events, [500.0, 900.0]),
        np.append(runs.exposures, [1.0, 1.0]),
        np.append(runs.settings, [1.0, 1.0]),
        np.append(runs.groups, [3, 3]),
    )
    assert profiled_ratio(more) == profiled_ratio(runs)
    assert permutation(more).p == permutation(runs).p


def test_few_runs_are_gone_through_exactly():
    """Two groups of three values: 36 arrangements, the statistic of each worked out by hand."""
    events, settings, groups = [1, 4, 9, 2, 3, 8], [0, 0.5, 1, 0, 0.5, 1], [0, 0, 0, 1, 1, 1]
    found = permutation(counted(events, settings, groups))

    def statistic(x):
        y, x = np.array(events, float).reshape(2, 3), np.array(x).reshape(2, 3)
        parts = (x - x.mean(axis=1, keepdims=True)) * (y - y.mean(axis=1, keepdims=True))
        return parts.sum() ** 2 / (parts**2).sum()

    least = statistic(settings) * (1 - 1e-9)
    every = [statistic([*a, *b]) for a in permutations(settings[:3]) for b in permutations(settings[3:])]
    assert (found.arrangements, found.exact) == (36, True)
    assert found.p == pytest.approx(np.mean([one >= least for one in every]))


def test_repeated_values_are_dealt_once():
    assert permutation(counted([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1])).arrangements == 20


def test_many_runs_are_drawn_and_drawn_alike():
    runs = drawn(2)
    one, other = permutation(runs), permutation(runs)
    assert one == other
    assert not one.exact
    assert one.p >= 1 / (1 + one.arrangements)


def test_a_setting_without_order_is_tested_by_any_difference():
    runs = counted([1, 2, 1, 9, 8, 9, 1, 1, 2], [0, 0, 0, 1, 1, 1, 2, 2, 2])
    assert permutation(runs, ordered=False).p < 0.04
    assert permutation(runs).p > 0.5  # the middle value is the high one: no trend


@pytest.mark.slow
def test_counts_that_vary_more_than_chance_seldom_pass_for_an_effect():
    """With no effect, over-dispersed and with seeds that differ, 5 % of tests say so at most."""
    random = np.random.default_rng(97)
    hits, n = 0, 400
    for _ in range(n):
        runs = drawn(0, per=1, slope=0.0)
        mean = 8 * random.gamma(2, 0.5, 9) * np.exp(random.normal(0, 0.5, 3))[runs.groups]
        noisy = Counted(random.poisson(mean).astype(float), np.ones(9), runs.settings, runs.groups)
        hits += permutation(noisy).p <= 0.05
    assert hits / n <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / n)
