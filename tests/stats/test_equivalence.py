"""Two one-sided tests: their size, and agreement of interval and p-value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikediag.stats.equivalence import two_one_sided


@given(
    change=st.floats(-5, 5), error=st.floats(1e-3, 5), degrees=st.floats(1, 200), margin=st.floats(1e-3, 5)
)
def test_the_interval_lies_inside_exactly_when_p_is_below_alpha(
    change: float, error: float, degrees: float, margin: float
) -> None:
    test = two_one_sided(change, error, degrees, margin)
    if abs(test.p_equivalent - 0.05) > 1e-9:
        assert test.within(margin) == (test.p_equivalent < 0.05)


def test_the_size_at_the_margin_is_five_percent() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(1.0, 1, (4000, 10))
    errors = samples.std(1, ddof=1) / np.sqrt(10)
    claims = [two_one_sided(m, e, 9, 1.0).within(1.0) for m, e in zip(samples.mean(1), errors, strict=True)]
    assert np.mean(claims) <= 0.06


def test_without_an_error_the_change_alone_decides() -> None:
    assert two_one_sided(0.5, 0.0, 5, 1.0).within(1.0)
    assert not two_one_sided(1.5, 0.0, 5, 1.0).within(1.0)
    assert two_one_sided(1.5, 0.0, 5, 1.0).p_equivalent == 1.0
    assert not two_one_sided(0.0, float("inf"), 5, 1.0).within(1.0)


def test_a_larger_margin_never_makes_equivalence_less_likely() -> None:
    p = [two_one_sided(0.3, 0.4, 8, margin).p_equivalent for margin in (0.1, 0.5, 1.0, 3.0)]
    assert p == sorted(p, reverse=True)
    assert p[-1] == pytest.approx(0, abs=0.01)
