"""level_shift: steps up and stays."""

import numpy as np
import pytest
from scipy.signal import lfilter

from spikediag.detectors import detect
from spikediag.model import Kind
from tests.conftest import some_of
from tests.detectors.builders import NOISES, planted, series_of

SEEDS = pytest.mark.parametrize("seeds", some_of(6, slow=(20,)))


def shifts(noise: str, height: float, *, role: int, seeds: int, n: int = 8000, at: int = 5000) -> list[int]:
    """Onset errors of the level shifts found, one per seed."""
    errors = []
    for seed in range(seeds):
        values = planted(NOISES[noise](np.random.default_rng([role, seed]), n), height, at=at)
        onsets = [
            s.start for s in detect(series_of(values)) if s.kind is Kind.LEVEL_SHIFT and s.end_step is None
        ]
        errors += [min(abs(o - at) for o in onsets)] if onsets else []
    return errors


@pytest.mark.parametrize("noise", some_of("student", slow=("white", "ar", "skewed", "wandering")))
@SEEDS
def test_a_large_step_is_found_where_it_is(noise: str, seeds: int) -> None:
    errors = shifts(noise, 26, role=41, seeds=seeds)

    assert len(errors) == seeds
    assert np.median(errors) == 0


@pytest.mark.parametrize("noise", some_of("student", slow=("white",)))
@SEEDS
def test_a_step_of_two_deviations_is_found(noise: str, seeds: int) -> None:
    assert len(shifts(noise, 2, role=42, seeds=seeds)) >= 0.75 * seeds


def test_the_height_is_that_of_the_new_level_and_not_of_its_noise() -> None:
    values = planted(NOISES["white"](np.random.default_rng(2), 6000), 5, at=4000)

    (spike,) = detect(series_of(values))

    assert spike.height == pytest.approx(5, abs=0.4)
    assert (spike.stop, spike.end_step) == (6000, None)


def test_a_second_step_is_a_second_finding() -> None:
    values = planted(NOISES["white"](np.random.default_rng(3), 9000), 8, at=3000)
    values = planted(values, 8, at=6000)

    first, second = detect(series_of(values))

    assert first.kind is second.kind is Kind.LEVEL_SHIFT
    assert (first.start, second.start) == pytest.approx((3000, 6000), abs=3)


def test_a_spike_on_the_new_level_is_not_lost() -> None:
    values = planted(NOISES["white"](np.random.default_rng(4), 9000), 8, at=3000)
    values = planted(values, 25, at=7000, length=4)

    assert [s.kind for s in detect(series_of(values))] == [Kind.LEVEL_SHIFT, Kind.TRANSIENT]


def test_what_comes_back_after_long_is_a_level_shift_with_an_end() -> None:
    values = planted(NOISES["white"](np.random.default_rng(5), 9000), 8, at=3000, length=3000)

    (spike,) = detect(series_of(values))

    assert spike.kind is Kind.LEVEL_SHIFT
    assert spike.stop == pytest.approx(6000, abs=10)


def test_a_new_level_within_the_scatter_before_is_none() -> None:
    values = np.random.default_rng(3).normal(size=20_000)

    assert detect(series_of(planted(values, 1.5, at=12_000)))
    assert not detect(series_of(planted(values, 0.7, at=12_000)))


@pytest.mark.parametrize("seed", [40, 92])
def test_a_rescaling_is_one_step_however_low_the_points_before_it(seed: int) -> None:
    noise = lfilter([np.sqrt(0.51)], [1, -0.7], np.random.default_rng([97, seed]).normal(size=1_300))[300:]
    values = np.where(np.arange(1_000) < 619, 4.06, 0.25) * (1 + 0.035 * noise)

    assert [spike.start for spike in detect(series_of(values), falls=True)] == [619]
