"""Local contrasts."""

import numpy as np
import pytest

from spikediag.stats.scale import robust_sigma
from spikediag.stats.windows import MAX_REFERENCES, _calm_contrasts, contrast

SHIFTS = tuple(range(-5, 6))
AT = 1500


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


def test_a_fall_that_slows_neither_shifts_nor_blurs_a_change() -> None:
    fall = 40 * np.exp(-np.arange(2000) / 300)
    found = [contrast(noise(seed=s) + f, AT, AT + 30, calm(width=30)) for s in range(20) for f in (fall, 0)]
    steep, flat = found[::2], found[1::2]
    assert abs(np.mean([c.change for c in steep])) < 0.1
    assert np.mean([c.error for c in steep]) < 1.1 * np.mean([c.error for c in flat])


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
        found, every = _calm_contrasts(series, width, length, np.array([0]))
        assert every == step
        assert found[:, 0] == pytest.approx(np.array(expected))


def values(seed: int = 0, n: int = 2000) -> np.ndarray:
    return np.random.default_rng(seed).normal(10, 1, n)


def calm(n: int = 2000, width: int = 3) -> np.ndarray:
    mask = np.ones(n, bool)
    mask[AT : AT + width] = False
    return mask


def test_a_rise_beside_the_window_is_the_worst_of_the_moved_ones() -> None:
    raised = values()
    raised[AT + 4 : AT + 7] += 20
    found = contrast(raised, AT, AT + 3, calm(), SHIFTS)
    assert found.change < 3
    assert found.worst == pytest.approx(20, abs=2)
    assert SHIFTS[int(np.argmax(found.moved))] == 4


def test_an_early_rise_does_not_lift_the_level_it_is_compared_with() -> None:
    raised = values()
    raised[AT - 5 : AT] += 20
    assert contrast(raised, AT, AT + 1, calm(), SHIFTS).before == pytest.approx(10, abs=0.8)


def test_calm_stretches_say_how_far_the_worst_window_strays_by_chance() -> None:
    found = contrast(values(), AT, AT + 1, calm(), SHIFTS)
    assert found.calm.shape[1] == len(SHIFTS)
    assert np.median(found.calm.max(axis=1)) == pytest.approx(1.6, abs=0.3)  # of 11 normal values


def test_windows_that_the_values_do_not_hold_are_left_out() -> None:
    found = contrast(values(), 1997, 1999, np.ones(2000, bool), SHIFTS)
    assert np.isnan(found.moved[-1])
    assert np.isfinite(found.worst)


def test_a_level_that_fell_long_ago_does_not_widen_the_error() -> None:
    fallen = values() + 40 * np.exp(-np.arange(2000) / 300)
    flat, after = (contrast(v, AT, AT + 30, calm(width=30), SHIFTS) for v in (values(), fallen))
    assert after.error < 1.5 * flat.error
