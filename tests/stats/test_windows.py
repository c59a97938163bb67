"""Local contrasts."""

import numpy as np
import pytest

from spikediag.stats.scale import robust_sigma
from spikediag.stats.windows import MAX_REFERENCES, _calm_contrasts, contrast


def noise(n: int = 2000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, n)


@pytest.mark.parametrize("width", [1, 5, 40, 129])
def test_a_shift_is_measured_with_its_error(width: int) -> None:
    misses = 0
    for seed in range(60):
        values = noise(seed=seed)
        values[1500 : 1500 + width] += 2.0
        found = contrast(values, 1500, 1500 + width, np.ones(2000, bool))
        misses += abs(found.change - 2.0) > 2 * found.error
    assert misses <= 9


def test_a_trend_is_not_a_change() -> None:
    values = -0.01 * np.arange(2000) + 0.1 * noise()
    found = contrast(values, 1500, 1520, np.ones(2000, bool))
    assert abs(found.change) < 3 * found.error


def test_spikes_of_the_past_that_are_marked_do_not_count() -> None:
    values, calm = noise(), np.ones(2000, bool)
    values[1000:1400:3] += 50
    calm[1000:1400:3] = False
    assert contrast(values, 1500, 1505, calm).error < 1


def test_too_few_calm_points_give_no_contrast_or_no_degrees() -> None:
    values = noise(100)
    assert contrast(values, 3, 6, np.ones(100, bool)) is None
    assert contrast(values, 50, 50, np.ones(100, bool)) is None
    assert contrast(values, 10, 12, np.ones(100, bool)).degrees == 0


def test_the_robust_sd_is_that_of_normal_noise() -> None:
    assert robust_sigma(noise(20_000)) == pytest.approx(1, abs=0.03)
    assert robust_sigma(np.array([])) == 0


def test_the_fast_contrasts_equal_the_obvious_ones() -> None:
    series = noise(400, 5)
    for width, length in ((1, 33), (7, 33), (60, 60), (3, 390)):
        baseline, step = min(length, 200), max(1, width // 2)
        expected = [
            series[s : s + width].mean() - np.median(series[s - baseline : s])
            for s in range(400 - width, baseline - 1, -step)
        ][:MAX_REFERENCES]
        assert _calm_contrasts(series, width, length) == pytest.approx(expected)
