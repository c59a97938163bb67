"""transient: leaps up and comes back."""

import numpy as np
import pytest

from spikediag.detectors import detect
from spikediag.model import Kind
from tests.conftest import some_of
from tests.detectors.builders import NOISES, planted, series_of

SEEDS = pytest.mark.parametrize("seeds", some_of(5, slow=(20,)))


def found(
    noise: str, height: float, length: int, *, role: int, seeds: int, n: int = 8000, at: int = 5000
) -> float:
    """Share of seeds in which exactly this transient is found, within two points."""
    hits = 0
    for seed in range(seeds):
        values = NOISES[noise](np.random.default_rng([role, seed]), n)
        spikes = detect(series_of(planted(values, height, at=at, length=length)))
        hits += any(
            s.kind is Kind.TRANSIENT
            and abs(s.start - at) <= 2
            and abs(s.stop - at - length) <= max(3, length // 5)
            for s in spikes
        )
    return hits / seeds


@pytest.mark.parametrize("noise", some_of("white", "student", slow=("ar", "wandering")))
@pytest.mark.parametrize("length", some_of(3, slow=(30,)))
@SEEDS
def test_a_large_burst_is_found_in_any_noise(noise: str, length: int, seeds: int) -> None:
    assert found(noise, 26, length, role=31, seeds=seeds) >= 0.95


def test_the_margin_within_which_it_is_back_holds_from_its_end_on() -> None:
    values = planted(NOISES["white"](np.random.default_rng(41), 4000), 40, at=3000, length=5)
    (spike,) = detect(series_of(values))
    assert spike.margin == pytest.approx(4, abs=0.5)
    assert np.median(values[spike.stop : spike.stop + 33]) < spike.baseline + spike.margin


@SEEDS
@pytest.mark.parametrize("noise", ["white", "ar"])
def test_one_point_is_enough_in_light_noise(noise: str, seeds: int) -> None:
    assert found(noise, 15, 1, role=32, seeds=seeds) >= 0.95


@SEEDS
def test_a_long_bump_is_found_below_the_noise_of_single_points(seeds: int) -> None:
    assert found("white", 3, 300, role=33, seeds=seeds) >= 0.95


def test_height_peak_and_noise_are_those_of_the_curve() -> None:
    values = planted(NOISES["white"](np.random.default_rng(1), 3000), 20, at=2000, length=40)
    values[2025] += 15

    (spike,) = detect(series_of(values))

    assert (spike.peak, spike.peak_step) == (2025, 20_250)
    assert spike.peak_value == values[2025]
    assert spike.height == pytest.approx(values[2025] - spike.baseline)
    assert spike.baseline == pytest.approx(0, abs=0.5)
    assert spike.noise == pytest.approx(1, rel=0.25)
    assert (spike.count, spike.members) == (1, ())


def test_a_decaying_tail_belongs_to_it_until_little_remains() -> None:
    values = 0.1 * NOISES["white"](np.random.default_rng(1), 3000)
    values[2000:] += 20 * np.exp(-np.arange(1000) / 50)

    (spike,) = detect(series_of(values))

    assert spike.start == 2000
    assert 50 * np.log(4) <= spike.stop - 2000 <= 50 * np.log(16)


def test_what_stays_up_is_no_transient() -> None:
    values = planted(NOISES["white"](np.random.default_rng(1), 5000), 8, at=3000)

    assert [s.kind for s in detect(series_of(values))] == [Kind.LEVEL_SHIFT]


def test_a_dip_is_found_only_when_asked_for() -> None:
    values = planted(NOISES["white"](np.random.default_rng(1), 3000), -20, at=2000, length=5)

    assert detect(series_of(values)) == ()
    (fall,) = detect(series_of(values), falls=True)
    assert (fall.start, fall.stop) == (2000, 2005)
    assert fall.height < 0
    assert fall.sigmas == pytest.approx(abs(fall.height) / fall.noise)


@pytest.mark.parametrize("seed", range(3))
def test_a_spike_on_a_wide_rise_does_not_end_it(seed: int) -> None:
    n = 2_000
    values = 0.8 * np.random.default_rng(seed).normal(size=n)
    values[1_000:] += 8 * np.exp(-np.arange(n - 1_000) / 150)
    values[1_110:1_113] += 30

    found = detect(series_of(values))

    assert [(s.start, s.peak in range(1_110, 1_113)) for s in found] == [(1_000, True)]
    assert found[0].end_step is not None
    assert found[0].end_step >= 11_500
    assert found[0].margin <= 2


@pytest.mark.parametrize("height", [8, 12, 40])
def test_back_is_never_farther_than_a_quarter_of_the_height(height: int) -> None:
    values = planted(np.random.default_rng(height).normal(size=1_000), height, at=600, length=40)

    (spike,) = detect(series_of(values))

    assert spike.margin <= 0.25 * spike.height
