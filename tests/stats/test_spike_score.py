"""The OLMo 2 spike score against its definition read aloud."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikediag.stats.spike_score import spike_score
from tests.conftest import examples


def naive(values):
    outlying = [
        abs(v - values[i - 1000 : i].mean()) >= 7 * values[i - 1000 : i].std()
        for i, v in enumerate(values)
        if i >= 1000
    ]
    starts = sum(now and not before for before, now in zip([False, *outlying], outlying, strict=False))
    return 100 * np.mean(outlying), starts


@examples(40)
@given(st.integers(0, 2**32), st.integers(1001, 2500), st.sampled_from([0.0, -15.0, 1e7]))
def test_it_is_its_definition(seed, n, offset):
    rng = np.random.default_rng(seed)
    values = rng.normal(offset, 0.5, n)
    spikes = rng.integers(1000, n, 5)
    values[spikes] += rng.choice([-40, 3, 10, 1e9], 5)
    score = spike_score(values)
    assert (score.percent, score.stretches) == pytest.approx(naive(values))
    assert score.judged == n - 1000


def test_a_constant_has_no_spikes_and_a_step_of_it_no_deviations():
    assert spike_score(np.full(3000, 0.1)).percent == 0
    assert spike_score(np.full(3000, -1e7)).stretches == 0


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_a_short_series_is_not_judged(n):
    assert spike_score(np.zeros(n)).judged == 0


def test_values_that_are_not_finite_are_left_out():
    values = np.random.default_rng(1).normal(0, 1, 2000)
    holed = np.insert(values, [3, 1500], [np.nan, np.inf])
    assert spike_score(holed) == spike_score(values)
