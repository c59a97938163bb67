"""The study's yardstick."""

import numpy as np

from sample_runs.lab.spikes import WINDOW, count


def loss(seed=0, points=2_000):
    return np.random.default_rng(seed).normal(scale=0.5, size=points) - 15


def test_noise_has_no_spike():
    assert [count(loss(seed)).spikes for seed in range(20)] == [0] * 20


def test_two_spikes_far_apart_are_two_and_one_of_five_points_is_one():
    curve = loss()
    curve[700] += 10
    curve[1200:1205] += 30
    counted = count(curve)
    assert counted.spikes == 2
    assert 28 < counted.largest < 32
    assert 0.4 < counted.noise < 0.6


def test_shifting_the_loss_changes_nothing():
    curve = loss()
    curve[700] += 10
    assert count(curve + 100).spikes == count(curve).spikes == 1


def test_a_spike_before_the_first_full_window_is_not_counted():
    curve = loss()
    curve[WINDOW - 1] += 30
    assert count(curve).spikes == 0
