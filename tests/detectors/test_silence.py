"""Curves in which nothing happens. A false finding is what makes a user leave."""

from collections.abc import Callable

import numpy as np
import pytest

from spikediag.detectors import detect
from spikediag.model import FloatArray
from tests.conftest import some_of
from tests.detectors.builders import NOISES, ar, series_of, white

N = 6000
T = np.arange(N)


def warm_up(rng: np.random.Generator) -> FloatArray:
    return 3 * np.exp(-T / 300) + 0.05 * white(rng, N)


def decay(rng: np.random.Generator) -> FloatArray:
    level = 4 * (1 + T / 50) ** -0.3 + 1.5
    return level * (1 + 0.03 * ar(rng, N))


def steep_decay(rng: np.random.Generator) -> FloatArray:
    return 100 / (1 + T) + 0.01 * white(rng, N)


def slow_cosine(rng: np.random.Generator) -> FloatArray:
    return 2 * np.cos(3 * np.pi * T / N) + white(rng, N)


def learning_rate_cosine(rng: np.random.Generator) -> FloatArray:
    """Noise that follows a cosine schedule, on a loss that falls with it."""
    rate = 0.5 * (1 + np.cos(np.pi * T / N))
    return -10 - 5 * (1 - rate) + (0.2 + rate) * white(rng, N)


def epoch_saw_tooth(rng: np.random.Generator) -> FloatArray:
    return -(T % 500) / 500 + white(rng, N)


def target_network(rng: np.random.Generator) -> FloatArray:
    """A value loss that is one noise deviation higher after each copy of the target network."""
    return np.exp(-(T % 100) / 30) + white(rng, N)


def sharpening(rng: np.random.Generator) -> FloatArray:
    return -15 + 8 * np.exp(-4 * T / N) + (0.3 + 2 * np.exp(-5 * T / N)) * white(rng, N)


def restart(rng: np.random.Generator) -> FloatArray:
    """A run that was continued: the curve goes on where it was, after a gap in the steps."""
    return decay(rng)


def quantised(rng: np.random.Generator) -> FloatArray:
    return np.round(white(rng, N), 1)


CURVES = [warm_up, decay, steep_decay, slow_cosine, learning_rate_cosine, epoch_saw_tooth]
CURVES += [target_network, sharpening, restart, quantised]


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.__name__)
@pytest.mark.parametrize("seeds", some_of(4, slow=(10,)))
def test_nothing_happens(curve: Callable[[np.random.Generator], FloatArray], seeds: int) -> None:
    found = [detect(series_of(curve(np.random.default_rng([21, seed])))) for seed in range(seeds)]

    assert sum(map(len, found)) <= 1, found


@pytest.mark.parametrize("noise", some_of("skewed", slow=("student", "white", "ar", "wandering")))
@pytest.mark.parametrize("seeds", some_of(7, slow=(20,)))
def test_noise_alone_is_silent(noise: str, seeds: int) -> None:
    found = [detect(series_of(NOISES[noise](np.random.default_rng([22, seed]), N))) for seed in range(seeds)]

    assert sum(not spike.usual for spikes in found for spike in spikes) <= 0.15 * seeds, found
    assert all(sum(spike.usual for spike in spikes) <= 1 for spikes in found)


@pytest.mark.parametrize("n", [60, 150, 300, 500])
def test_a_short_steep_run_is_silent(n: int) -> None:
    found = []
    for seed in range(20):
        rng = np.random.default_rng([23, seed])
        level = 4 * (1 + np.arange(n) / 50) ** -0.3 + 1.5
        found += detect(series_of(level * (1 + 0.03 * ar(rng, n))))

    assert len(found) <= 1, found


def test_a_loss_that_is_identically_zero_is_silent() -> None:
    assert detect(series_of(np.zeros(5000)), falls=True) == ()


def test_a_gap_in_the_steps_is_no_spike() -> None:
    values = decay(np.random.default_rng(3))
    steps = np.arange(N)
    steps[3000:] += 10**6

    assert detect(series_of(values, steps=steps)) == ()
