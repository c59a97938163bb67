"""Robust scale: unbiased for normal noise, blind to outliers and to a straight trend, never 0."""

import numpy as np
import pytest

from spikediag.stats.scale import local_noise


def test_it_is_the_standard_deviation_of_normal_noise() -> None:
    values = 3 * np.random.default_rng(1).normal(size=20_000) - 15

    assert local_noise(values) == pytest.approx(3, rel=0.03)


def test_outliers_and_a_straight_trend_do_not_count() -> None:
    values = np.random.default_rng(2).normal(size=257)
    values[::10] += 1000

    assert local_noise(values + 0.5 * np.arange(257)) == pytest.approx(1, rel=0.3)


def test_it_moves_with_the_unit_and_not_with_the_level() -> None:
    values = np.random.default_rng(3).normal(size=100)

    assert local_noise(7 * values + 1000) == pytest.approx(7 * local_noise(values))


@pytest.mark.parametrize("values", [np.zeros(1), np.full(5, -15.0), np.zeros(50), np.array([1.0, 2.0])])
def test_it_is_never_zero(values: np.ndarray) -> None:
    assert local_noise(values) > 0


def test_where_most_values_are_equal_the_mean_distance_stands_in() -> None:
    values = np.zeros(100)
    values[::4] = 1.0

    assert 0.05 < local_noise(values) < 1
