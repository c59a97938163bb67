"""Rates compared exactly, seeds that differ more than chance taken into account."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from spikediag.stats.rates import (
    Counts,
    detectable_ratio,
    dispersion,
    holm,
    largest_dispersion,
    prediction_tail,
    rank_tail,
    rate_ratio,
)


def one(events, exposure=1.0):
    return Counts((events,), (exposure,))


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.1, 10))
def test_the_test_is_the_conditional_binomial_one(before, after, exposure):
    ratio = rate_ratio(one(before), one(after, exposure))
    share = exposure / (1 + exposure)
    expected = stats.binomtest(after, before + after, share, "greater").pvalue if before + after else 1.0
    assert ratio.p_increase == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.1, 10))
def test_the_interval_is_clopper_and_pearsons(before, after, exposure):
    ratio = rate_ratio(one(before), one(after, exposure))
    if before + after == 0:
        assert (ratio.low, ratio.high) == (0, math.inf)
        assert math.isnan(ratio.value)
        return
    share = stats.binomtest(after, before + after).proportion_ci(0.95, "exact")
    assert ratio.low == pytest.approx(share.low / (1 - share.low) / exposure, rel=1e-6)
    high = share.high / (1 - share.high) / exposure if share.high < 1 else math.inf
    assert ratio.high == pytest.approx(high, rel=1e-6)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 40))
def test_exchanging_the_sides_inverts_the_ratio(a, b):
    one_way, other_way = rate_ratio(one(a), one(b)), rate_ratio(one(b), one(a))
    assert one_way.p == pytest.approx(other_way.p)
    assert one_way.low == pytest.approx(1 / other_way.high if other_way.high else math.inf)


def test_seeds_that_agree_are_no_licence_for_a_narrower_interval():
    even = Counts((10, 10, 10), (1.0, 1.0, 1.0))
    assert dispersion(even, even) == 1
    assert rate_ratio(even, even) == rate_ratio(one(30, 3.0), one(30, 3.0))


def test_seeds_that_differ_widen_the_interval():
    wild = Counts((24, 20, 2), (1.0, 1.0, 1.0))
    calm = Counts((10, 11, 9), (1.0, 1.0, 1.0))
    student = stats.t.ppf(0.975, 2) / stats.norm.ppf(0.975)
    assert dispersion(wild) == pytest.approx(student**2 * np.var(wild.events, ddof=1) / np.mean(wild.events))
    assert rate_ratio(wild, calm).high > rate_ratio(one(46, 3.0), one(30, 3.0)).high


@pytest.mark.parametrize(("clumps", "least"), [(None, 0.95), (4.0, 0.93)])
def test_the_interval_covers(clumps, least):
    """Poisson counts: at least 95 %. Gamma-mixed ones of three seeds, variance 5 times the mean: too."""
    rng = np.random.default_rng(11)

    def draw(mean):
        rates = np.full(3, mean) if clumps is None else rng.gamma(mean / clumps, clumps, 3)
        return Counts(tuple(int(k) for k in rng.poisson(rates)), (1.0, 1.0, 1.0))

    hits = [r.low <= 0.5 <= r.high for r in (rate_ratio(draw(20.0), draw(10.0)) for _ in range(600))]
    assert np.mean(hits) >= least


def test_prediction_is_the_t_interval_of_one_more_value():
    rng = np.random.default_rng(2)
    tails = [prediction_tail(x[0], list(x[1:])) for x in rng.normal(3, 2, (4000, 6))]
    assert stats.kstest(tails, "uniform").pvalue > 0.01


def test_prediction_needs_a_spread():
    assert math.isnan(prediction_tail(1.0, [0.0]))
    assert math.isnan(prediction_tail(1.0, [0.0, 0.0, 0.0]))


def test_a_rank_counts_ties_against_significance():
    assert rank_tail(5, [1, 2, 3]) == 0.25
    assert rank_tail(3, [1, 2, 3]) == 0.5


def test_the_bound_holds_the_true_dispersion():
    rng = np.random.default_rng(3)

    def rows():
        return [Counts(tuple(rng.poisson(rng.gamma(20, 1, 3))), (1.0,) * 3) for _ in range(12)]

    bounds = [largest_dispersion(rows()) for _ in range(200)]  # variance twice the mean
    assert np.mean([bound >= 2 for bound in bounds]) >= 0.9


def test_a_dispersion_of_nothing_is_refused():
    with pytest.raises(ValueError, match="two trainings"):
        largest_dispersion([Counts((3,), (1.0,)), Counts((0, 0), (1.0, 1.0))])


def test_holm_steps_down_and_never_turns_back():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.02]) == (0.02,)
    assert holm([0.9, 0.8]) == (1.0, 1.0)


def test_what_would_have_been_detected_is_detected_four_times_in_five():
    before = one(20)
    ratio = detectable_ratio(before, 1.0, spread=1.35)
    counts = np.random.default_rng(5).negative_binomial(20 * ratio / 0.35, 1 / 1.35, 2000)
    hits = [rate_ratio(before, one(int(k)), spread=1.35).high < 1 for k in counts]
    assert np.mean(hits) == pytest.approx(0.8, abs=0.06)
