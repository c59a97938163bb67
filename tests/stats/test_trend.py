"""What a series would have become."""

import numpy as np
import pytest

from spikediag.stats.trend import lag_one, trend


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, n)


def test_a_flat_series_stays_at_its_level() -> None:
    past = trend(10 + noise(500))
    assert past.slope == 0
    level, error = past.foretold(50)
    assert level == pytest.approx(10, abs=4 * error)
    assert error == pytest.approx(0.126, abs=0.04)


def test_a_straight_fall_goes_on_as_far_as_it_was_seen() -> None:
    past = trend(-np.arange(500.0) + noise(500))
    assert past.foretold(50)[0] == pytest.approx(-483 - 50, abs=3)
    assert past.foretold(1e6)[0] == past.foretold(165)[0]


def test_a_fall_that_slows_is_foretold_to_slow() -> None:
    places = np.arange(600)
    curve = 100 * np.exp(-places / 60)
    level, error = trend(curve[:150] + 0.1 * noise(150)).foretold(66)
    assert level == pytest.approx(curve[133 + 66], abs=4 * error + 1)


def test_the_curve_of_a_fall_goes_through_its_levels() -> None:
    past = trend(100 * np.exp(-np.arange(300) / 60) + 0.1 * noise(300), 100)
    assert past.over(np.array([-200.0, -100.0, 0.0])) == pytest.approx(past.levels)
    assert np.ptp(trend(noise(300), 100).over(np.array([-100.0, 50.0]))) == 0


def test_few_values_have_a_level_only() -> None:
    past = trend(np.array([1.0, 2.0, 3.0]))
    assert past.levels == (2.0,)
    assert past.sd == pytest.approx(1.0)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.95])
def test_smoothness_is_measured_through_a_trend(memory: float) -> None:
    values, steps = np.zeros(3000), noise(3000)
    for i in range(1, 3000):
        values[i] = memory * values[i - 1] + steps[i]
    assert lag_one(values - 0.05 * np.arange(3000)) == pytest.approx(memory, abs=0.08)


def test_smoothness_of_few_values_is_none() -> None:
    assert lag_one(np.arange(5.0)) == 0.0
    assert lag_one(np.ones(100)) == 0.0
