"""variance: stays where it is but becomes noisier."""

import numpy as np
import pytest

from spikediag.detectors import detect
from spikediag.detectors.variance import log_noise
from spikediag.model import Kind
from spikediag.stats.medians import RunningMedians
from tests.conftest import some_of
from tests.detectors.builders import NOISES, planted, series_of


@pytest.mark.parametrize("noise", some_of("white", slow=("student",)))
@pytest.mark.parametrize("seeds", some_of(6, slow=(20,)))
def test_noise_that_grows_threefold_is_one_finding(noise: str, seeds: int) -> None:
    found = []
    for seed in range(seeds):
        values = -15 + NOISES[noise](np.random.default_rng([61, seed]), 10_000)
        values[6000:] = -15 + 3 * (values[6000:] + 15)
        found.append([(s.kind, abs(s.start - 6000) <= 64) for s in detect(series_of(values)) if not s.usual])

    assert found.count([(Kind.VARIANCE, True)]) >= seeds * (0.8 if noise == "white" else 0.5)


@pytest.mark.parametrize("more", [0, 2000, 6000])
def test_noise_that_grows_early_stays_one_finding_when_more_is_logged(more: int) -> None:
    found = []
    for seed in range(6):
        values = np.random.default_rng([67, seed]).normal(size=2000 + more)
        values[800:] *= 8
        found.append([s.kind for s in detect(series_of(values)) if not s.usual])

    assert found.count([Kind.VARIANCE]) == 6


def test_its_numbers_are_deviations_before_and_their_increase() -> None:
    values = 2 * NOISES["white"](np.random.default_rng(1), 10_000) - 15
    values[6000:] = 4 * (values[6000:] + 15) - 15

    (spike,) = detect(series_of(values))

    assert spike.baseline == pytest.approx(-15, abs=1.5)
    assert spike.noise == pytest.approx(2, rel=0.25)
    assert spike.height == pytest.approx(6, rel=0.3)
    assert spike.end_step is None


def test_a_spike_is_the_finding_and_not_the_noise_it_makes() -> None:
    values = planted(NOISES["white"](np.random.default_rng(2), 6000), 30, at=4000, length=200)

    assert [s.kind for s in detect(series_of(values))] == [Kind.TRANSIENT]


def test_a_spike_that_is_large_for_the_new_noise_is_reported_too() -> None:
    values = NOISES["white"](np.random.default_rng(3), 12_000)
    values[6000:] *= 3
    values[10_000:10_004] += 80

    kinds = [s.kind for s in detect(series_of(values))]

    assert Kind.VARIANCE in kinds
    assert Kind.TRANSIENT in kinds


def test_noise_is_read_in_cells() -> None:
    values = NOISES["white"](np.random.default_rng(4), 8000)
    quiet, loud = (
        np.median(log_noise(RunningMedians(values))),
        np.median(log_noise(RunningMedians(3 * values))),
    )

    assert len(log_noise(RunningMedians(values))) == 1000
    assert loud - quiet == pytest.approx(np.log(3))
    assert np.array_equal(log_noise(RunningMedians(np.zeros(80))), np.zeros(10))
    assert len(log_noise(RunningMedians(np.zeros(5)))) == 0


@pytest.mark.parametrize("drifts", [False, True])
@pytest.mark.parametrize("at", [301, 350, 404])
def test_new_noise_is_dated_at_its_first_point_also_after_a_slower_growth(at: int, *, drifts: bool) -> None:
    values = np.random.default_rng(at).normal(size=800)
    values[at:] *= 10
    values[at - 14 : at] *= 2 if drifts else 1

    (found,) = detect(series_of(values))

    assert found.kind is Kind.VARIANCE
    assert abs(found.start - at) <= 4


@pytest.mark.parametrize(("power", "seed"), [(1.8, 2), (2.4, 0), (2.4, 6), (2.4, 7)])
def test_noise_that_grows_with_a_climb_is_part_of_it(power: float, seed: int) -> None:
    height = 5e4 * np.clip((np.arange(420) - 146) / 175, 0, 1) ** power
    values = height + np.random.default_rng(seed).normal(size=420) * (1 + 0.1 * height)

    assert Kind.VARIANCE not in [spike.kind for spike in detect(series_of(values))]


def test_new_noise_that_begins_with_a_dip_is_no_way_back_from_it() -> None:
    values = np.random.default_rng(6).standard_t(4, size=3_000)
    values[1_800:] *= 30
    values[1_800:1_802] = -90

    assert Kind.VARIANCE in [spike.kind for spike in detect(series_of(values), falls=True)]


@pytest.mark.parametrize("seed", [2, 3])
def test_what_swings_above_all_that_was_before_is_a_new_level_and_not_its_noise(seed: int) -> None:
    values = np.exp(0.3 * np.random.default_rng([9, seed]).normal(size=100))
    values[60:] *= np.repeat([60, 8, 150, 8, 170, 10, 160], 6)[:40]

    (spike,) = detect(series_of(values))

    assert spike.kind is Kind.LEVEL_SHIFT
    assert spike.start == 60
    assert spike.level_after == pytest.approx(np.median(values[60:]))
