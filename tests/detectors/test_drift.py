"""drift: climbs slowly and stays up."""

import numpy as np
import pytest
from scipy.signal import lfilter

from spikediag.detectors import detect
from spikediag.detectors.rise import slow_climb
from spikediag.model import Kind
from tests.conftest import some_of
from tests.detectors.builders import NOISES, planted, series_of


@pytest.mark.parametrize("noise", some_of("student", slow=("white",)))
@pytest.mark.parametrize("seeds", some_of(6, slow=(20,)))
def test_a_ramp_is_one_drift(noise: str, seeds: int) -> None:
    kinds, errors = [], []
    for seed in range(seeds):
        values = planted(NOISES[noise](np.random.default_rng([51, seed]), 12_000), 5, at=7000, ramp=1000)
        spikes = [spike for spike in detect(series_of(values)) if not spike.usual]
        kinds.append([s.kind for s in spikes])
        errors += [abs(s.start - 7000) for s in spikes if s.kind is Kind.DRIFT]

    assert kinds.count([Kind.DRIFT]) >= 0.8 * seeds
    assert np.median(errors) <= 100


def test_the_height_is_that_of_the_whole_climb() -> None:
    values = planted(NOISES["white"](np.random.default_rng(1), 20_000), 9, at=9000, ramp=3000)

    (spike,) = detect(series_of(values))

    assert spike.kind is Kind.DRIFT
    assert spike.height == pytest.approx(9, abs=0.5)
    assert spike.start == pytest.approx(9000, abs=300)


def test_a_step_is_no_climb() -> None:
    climbs = 0
    for seed in range(20):
        values = planted(NOISES["ar"](np.random.default_rng([52, seed]), 4000), 6, at=2000)
        climbs += slow_climb(values, 2000, 257) is not None

    assert climbs <= 2


def test_a_climb_is_measured_from_foot_to_top() -> None:
    values = planted(0.1 * NOISES["white"](np.random.default_rng(3), 4000), 6, at=1800, ramp=600)

    climb = slow_climb(values, 2100, 257)

    assert climb is not None
    assert climb.start == pytest.approx(1800, abs=80)
    assert climb.stop == pytest.approx(2400, abs=80)
    assert (climb.baseline, climb.level) == pytest.approx((0, 6), abs=0.2)


@pytest.mark.parametrize("seed", some_of(*range(4), slow=range(4, 20)))
def test_a_climb_on_a_decay_is_found_though_the_decay_slows_down(seed: int) -> None:
    n, at = 11_000, 9_000
    level = 1.5 + 4 * (1 + np.arange(n) / 50) ** -0.3
    shocks = np.random.default_rng([53, seed]).standard_t(4, size=n)
    values = level * (1 + 0.015 * lfilter([1], [1, -0.7], shocks))
    values = planted(values, 4 * 0.03 * level[at], at=at, ramp=1_000)

    assert any(at - 250 <= spike.start <= at + 1_000 for spike in detect(series_of(values)))
