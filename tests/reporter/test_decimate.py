"""Decimation against a slow, obvious twin."""

import numpy as np
import pytest

from spikediag.reporter.figures.series_panel import band, decimate


def naive(steps: np.ndarray, values: np.ndarray, columns: int) -> set[int]:
    """Positions kept, column by column, point by point."""
    width = (steps[-1] - steps[0]) / columns
    kept = {0, len(steps) - 1}
    for column in range(columns):
        low, high = steps[0] + column * width, steps[0] + (column + 1) * width
        inside = [n for n, s in enumerate(steps) if low <= s < high or (column == columns - 1 and s >= low)]
        finite = [n for n in inside if np.isfinite(values[n])]
        if finite:
            kept |= {min(finite, key=lambda n: values[n]), max(finite, key=lambda n: values[n])}
        elif inside:
            kept.add(inside[0])
    return kept


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lost", [0.0, 0.3, 1.0])
def test_it_keeps_what_the_slow_twin_keeps(seed: int, lost: float) -> None:
    rng = np.random.default_rng(seed)
    steps = np.cumsum(rng.integers(1, 9, 500))
    values = rng.normal(size=500)
    values[rng.random(500) < lost] = rng.choice([np.nan, np.inf, -np.inf])
    line = decimate(steps, values, columns=37)
    assert set(line.steps) == {steps[n] for n in naive(steps, values, 37)}


def test_a_gap_in_the_values_stays_a_gap() -> None:
    values = np.zeros(10_000)
    values[4_000:6_000] = np.nan
    line = decimate(np.arange(10_000), values, columns=100)
    assert np.isnan(line.values[(line.steps > 4_100) & (line.steps < 5_900)]).all()
    assert np.isfinite(line.values[line.steps < 4_000]).all()


def test_every_extreme_survives() -> None:
    values = np.random.default_rng(1).normal(size=200_000)
    line = decimate(np.arange(200_000), values)
    assert line.values.max() == values.max()
    assert line.values.min() == values.min()
    assert (np.diff(line.steps) > 0).all()


def test_the_series_is_left_alone() -> None:
    steps, values = np.arange(5_000), np.ones(5_000)
    values.setflags(write=False)
    steps.setflags(write=False)
    assert len(decimate(steps, values, columns=10).steps) <= 22


def test_a_crowd_has_a_band_and_a_few_points_have_none() -> None:
    values = np.repeat([1.0, 5.0], 50_000)
    values[::7] = np.nan
    values[100] = 1e9
    crowd = band(np.arange(100_000), values, columns=4)
    assert crowd is not None
    np.testing.assert_array_equal(crowd.middle, [1.0, 1.0, 5.0, 5.0])
    np.testing.assert_array_equal(crowd.high, [1e9, 1.0, 5.0, 5.0])
    assert band(np.arange(100), np.ones(100)) is None
