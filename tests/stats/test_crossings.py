"""Crossings: counted by one ruler, whatever the level, the trend and the gaps of the series."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikediag.stats.crossings import crossings, noise, ruler


def curve(seed=0, n=2000, sd=0.4):
    x = np.arange(n) / n
    return -15 + 20 * np.exp(-x * 400) - 2 * x + np.random.default_rng(seed).normal(0, sd, n)


def test_the_fall_at_the_start_is_no_spike():
    assert crossings(curve(), 4.0) == ()


@pytest.mark.parametrize("width", [1, 3, 20, 100])
def test_a_spike_of_any_width_is_one(width):
    values = curve()
    values[1000 : 1000 + width] += 20
    (found,) = crossings(values, 4.0)
    assert abs(found.start - 1000) <= 1
    assert found.stop == pytest.approx(1000 + width, abs=2)
    assert found.height == pytest.approx(20, abs=2)


def test_a_plateau_longer_than_the_window_is_one_and_a_spike_on_the_new_level_is_another():
    values = curve()
    values[600:] += 20
    assert len(crossings(values, 4.0)) == 1
    values[1600:1603] += 20
    assert [abs(e.start - at) <= 2 for e, at in zip(crossings(values, 4.0), (600, 1600), strict=True)] == [
        True
    ] * 2


def test_a_spike_with_a_notch_is_one_and_two_spikes_are_two():
    values = curve()
    values[1000:1006] += 20
    values[1003] -= 20
    assert len(crossings(values, 4.0)) == 1
    values[1020:1023] += 20
    assert len(crossings(values, 4.0)) == 2


def test_each_stretch_that_is_not_finite_is_one():
    values = curve()
    values[[500, 501, 900]] = np.nan, np.inf, -np.inf
    found = crossings(values, 4.0)
    assert [(e.start, e.stop, e.height) for e in found] == [(500, 502, np.inf), (900, 901, np.inf)]


def test_the_ruler_is_that_of_the_noisiest():
    quiet, loud = curve(sd=0.1), curve(1, sd=1.0)
    assert ruler([quiet, loud]) == pytest.approx(8 * noise(loud))
    assert ruler([quiet], least=5.0) == 5.0
    assert ruler([]) == 0.0


def test_another_run_raises_the_ruler_only_where_its_noise_would_cross_it():
    quiet, noisier, loud = curve(sd=0.4), curve(1, sd=0.5), curve(2, sd=2.0)
    assert ruler([quiet], [noisier]) == ruler([quiet])
    assert ruler([quiet], [loud]) == pytest.approx(5 * noise(loud))
    assert crossings(loud, ruler([quiet], [loud])) == ()


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 1e6), st.floats(-1e6, 1e6))
def test_neither_scale_nor_offset_changes_what_is_found(seed, a, b):
    values = curve(seed, 600)
    values[300:303] += 20
    plain = [(e.start, e.stop, e.peak) for e in crossings(values, ruler([values]))]
    turned = a * values + b
    assert [(e.start, e.stop, e.peak) for e in crossings(turned, ruler([turned]))] == plain
    assert len(plain) == 1


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=40))
def test_no_series_is_too_odd(values):
    series = np.array(values, dtype=np.float64)
    with np.errstate(all="ignore"):
        found = crossings(series, ruler([series]))
    assert all(0 <= e.start < e.stop <= len(series) for e in found)


def test_noise_alone_has_none_in_twenty_trainings():
    runs = [curve(seed) for seed in range(20)]
    assert sum(len(crossings(values, ruler(runs))) for values in runs) == 0


def test_a_loss_that_mostly_repeats_itself_has_a_ruler():
    values = np.zeros(1000)
    values[::5] = 0.01 * np.sin(np.arange(200))
    assert crossings(values, ruler([values])) == ()
    values[500] = 5.0
    assert len(crossings(values, ruler([values]))) == 1


def test_a_constant_has_none():
    for level in (0.0, 0.1, -1e7):
        assert crossings(np.full(500, level), ruler([np.full(500, level)])) == ()
