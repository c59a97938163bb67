"""divergence: still climbing when the log ends."""

import numpy as np
import pytest

from spikediag.detectors import detect
from spikediag.model import Kind
from tests.conftest import some_of
from tests.detectors.builders import NOISES, planted, series_of


@pytest.mark.parametrize("noise", some_of("student", slow=("white", "ar")))
@pytest.mark.parametrize("seeds", some_of(6, slow=(20,)))
def test_an_exponential_rise_at_the_end(noise: str, seeds: int) -> None:
    found = 0
    for seed in range(seeds):
        values = NOISES[noise](np.random.default_rng([81, seed]), 6000)
        values[5000:] += np.expm1(np.arange(1000) / 200)
        last = detect(series_of(values))[-1]
        found += last.kind is Kind.DIVERGENCE and last.end_step is None and last.peak > 5900

    assert found >= 0.95 * seeds


def test_a_fall_as_steep_as_before_a_step_is_no_divergence_and_one_that_steepens_is() -> None:
    points, noise = np.arange(430), 30 * np.random.default_rng(0).normal(size=430)
    late = np.maximum(0, points - 300)
    (step,) = detect(series_of(noise - 160 * points - 4000 * (points >= 300)), falls=True)
    (steeper,) = detect(series_of(noise - 160 * points - 4000 * (points >= 300) - 800 * late), falls=True)
    assert (step.kind, step.start) == (Kind.LEVEL_SHIFT, 300)
    assert (steeper.kind, steeper.start) == (Kind.DIVERGENCE, 300)


def test_one_that_ends_in_nan_is_both() -> None:
    values = NOISES["white"](np.random.default_rng(1), 6000)
    values[5000:5300] += np.expm1(np.arange(300) / 50)
    values[5300:] = np.nan

    kinds = [s.kind for s in detect(series_of(values))]

    assert kinds[-2:] == [Kind.DIVERGENCE, Kind.NON_FINITE]


def test_spikes_that_escalate_to_the_end_are_one_divergence() -> None:
    rng = np.random.default_rng(2)
    values = 1e-4 * np.exp(0.2 * rng.normal(size=150))
    values[110:] *= np.geomspace(1, 3e4, 40)
    for at in (114, 122, 132):
        values[at : at + 3] *= 10

    assert [s.kind for s in detect(series_of(values))] == [Kind.DIVERGENCE]


def test_a_climb_that_levels_off_is_none() -> None:
    values = planted(NOISES["white"](np.random.default_rng(3), 8000), 8, at=4000, ramp=500)

    assert [s.kind for s in detect(series_of(values))] == [Kind.DRIFT]


def test_a_step_is_none() -> None:
    values = planted(NOISES["white"](np.random.default_rng(4), 6000), 8, at=5900)

    assert [s.kind for s in detect(series_of(values))] == [Kind.LEVEL_SHIFT]


@pytest.mark.parametrize("decades", [2, 4, 13])
def test_an_explosion_by_decades_begins_at_its_first_point(decades: int) -> None:
    values = 0.1 + 0.01 * np.random.default_rng([71, decades]).normal(size=400)
    values[396:] = 10.0 ** (np.array([0, 1, 2, 3.5]) + decades)
    (spike,) = detect(series_of(values))
    assert spike.kind is Kind.DIVERGENCE
    assert spike.start == 396


@pytest.mark.parametrize("sign", [1, -1], ids=["up", "down"])
@pytest.mark.parametrize("at", [40, 71, 110])
def test_one_early_leap_by_decades_is_a_level_and_no_explosion(at: int, sign: int) -> None:
    values = planted(np.random.default_rng(at).normal(size=370), 1e5, at=at)

    (found,) = detect(series_of(sign * values), falls=True)

    assert found.kind is Kind.LEVEL_SHIFT
    assert found.start == at
