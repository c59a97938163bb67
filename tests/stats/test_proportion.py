"""The scale on which noise that grows with the level is even."""

import numpy as np
import pytest

from spikediag.stats.proportion import evened
from tests.detectors.builders import NOISES, ar


@pytest.mark.parametrize("noise", ["white", "ar", "student"])
def test_even_noise_needs_no_other_scale(noise: str) -> None:
    found = [evened(NOISES[noise](np.random.default_rng([131, seed]), 200)) for seed in range(60)]

    assert sum(even is not None for even in found) <= 2


def test_a_straight_fall_is_not_taken_for_noise() -> None:
    values = np.linspace(300, 0, 200) + np.random.default_rng(132).normal(size=200)

    assert evened(values) is None


def test_noise_in_proportion_becomes_even() -> None:
    for seed in range(20):
        even = evened(5 + np.exp(ar(np.random.default_rng([133, seed]), 300)))
        assert even is not None
        assert evened(even) is None


def test_scale_and_shift_move_it_by_a_constant() -> None:
    values = np.exp(ar(np.random.default_rng(134), 300))
    plain, moved = evened(values), evened(1e3 * values - 77)

    assert plain is not None
    assert moved is not None
    assert np.ptp(moved - plain) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("values", [np.zeros(0), np.zeros(50), np.arange(4.0), np.repeat([0.0, 1.0], 30)])
def test_what_has_no_noise_has_no_scale(values: np.ndarray) -> None:
    assert evened(values) is None
