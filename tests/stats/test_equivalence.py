"""One-sided intervals: their size, and agreement of interval and p-value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikediag.stats.equivalence import Change, binomial_interval


@given(
    change=st.floats(-5, 5), error=st.floats(1e-3, 5), degrees=st.floats(1, 200), margin=st.floats(1e-3, 5)
)
def test_the_bound_lies_below_the_margin_exactly_when_p_is_below_alpha(
    change: float, error: float, degrees: float, margin: float
) -> None:
    found = Change(change, error, degrees)
    if abs(found.p_at_least(margin) - 0.05) > 1e-9:
        assert (found.bound(0.05) < margin) == (found.p_at_least(margin) < 0.05)


def test_the_size_at_the_margin_is_five_percent() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(1.0, 1, (4000, 10))
    errors = samples.std(1, ddof=1) / np.sqrt(10)
    claims = [Change(m, e, 9).bound(0.05) < 1.0 for m, e in zip(samples.mean(1), errors, strict=True)]
    assert 0.04 <= np.mean(claims) <= 0.06


def test_a_fall_is_no_rise_however_large() -> None:
    assert Change(-100.0, 1.0, 9).bound(0.05) < 0.1


def test_without_an_error_the_change_alone_decides() -> None:
    assert Change(0.5, 0.0, 5).bound(0.05) == 0.5
    assert Change(0.5, 0.0, 5).p_at_least(1.0) == 0.0
    assert Change(1.5, 0.0, 5).p_at_least(1.0) == 1.0


@pytest.mark.parametrize("unknown", [Change(0.0, math.inf, 5), Change(0.0, 0.1, 0)])
def test_an_error_of_which_nothing_is_known_claims_nothing(unknown: Change) -> None:
    assert unknown.bound(0.05) == math.inf
    assert unknown.bound(0.95) == -math.inf
    assert unknown.p_at_least(1e9) == 1.0


def test_the_interval_of_a_share() -> None:
    assert binomial_interval(6, 20) == pytest.approx((0.1189, 0.5428), abs=1e-3)
    assert binomial_interval(0, 20) == pytest.approx((0.0, 0.1684), abs=1e-3)
    assert binomial_interval(20, 20)[1] == 1.0
