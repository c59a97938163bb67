"""Curves of many shapes and sizes, one row each: what is told of them, and from where."""

from dataclasses import dataclass

import numpy as np
import pytest

from spikediag.detectors import detect
from spikediag.model import FloatArray, Kind
from tests.detectors.builders import planted, series_of


@dataclass(frozen=True)
class Explosion:
    """A level that grows from a position on, to so many deviations, and so often."""

    points: int
    at: int
    height: float
    power: float  # of the way to its height; 0: it doubles
    doubling: float = 0.0  # points

    def curve(self, seed: int) -> FloatArray:
        gone = np.maximum(np.arange(self.points) - self.at, 0.0)
        grown = np.expm1(np.log(2) * gone / self.doubling) if self.doubling else gone**self.power
        return np.random.default_rng(seed).normal(size=self.points) + self.height * grown / grown[-1]

    @property
    def visible(self) -> int:
        """Where it is eight deviations high."""
        return int((self.curve(0) - np.random.default_rng(0).normal(size=self.points) > 8).argmax())


@pytest.mark.parametrize(
    "explosion",
    [
        Explosion(101, 79, 915, 3.9),
        Explosion(124, 37, 8_860, 3.7),
        Explosion(915, 343, 658, 3.3),
        Explosion(213, 86, 29_400, 0, doubling=41),
        Explosion(1_510, 564, 140_000, 0, doubling=19),
        Explosion(1_726, 654, 538, 0, doubling=55),
    ],
)
@pytest.mark.parametrize("sign", [1, -1], ids=["up", "down"])
def test_an_explosion_is_one_divergence_from_where_it_left_the_noise(explosion: Explosion, sign: int) -> None:
    (found,) = detect(series_of(sign * explosion.curve(5)), falls=sign < 0)

    seen = explosion.visible
    assert found.kind is Kind.DIVERGENCE
    assert explosion.at - 10 <= found.start <= seen + max(10, (explosion.points - seen) // 4)


@pytest.mark.parametrize(("at", "length"), [(86, 112), (114, 82), (117, 13), (126, 24)])
def test_a_plateau_early_in_a_steep_decay_is_found(at: int, length: int) -> None:
    values = 80 / (1 + np.arange(1_200) / 30) + np.random.default_rng(at).normal(size=1_200)

    (found,) = detect(series_of(planted(values, 20, at=at, length=length)))

    assert found.kind is Kind.TRANSIENT
    assert found.start == at


@pytest.mark.parametrize(("points", "at", "times"), [(1_100, 560, 5), (2_100, 1_640, 10), (1_200, 900, 30)])
def test_noise_that_grows_late_is_told_once_however_heavy_its_tail(points: int, at: int, times: int) -> None:
    noise = np.random.default_rng(points).standard_t(4, size=points)

    found = detect(series_of(noise * np.where(np.arange(points) < at, 1, times)))

    assert [spike.kind for spike in found if not spike.usual] == [Kind.VARIANCE]


def test_the_end_of_the_way_back_from_a_burst_is_no_fall() -> None:
    values = np.random.default_rng(3).normal(size=1_000)
    values[500:] += 770 * np.exp(-np.arange(500) / 9)

    (found,) = detect(series_of(values), falls=True)

    assert found.recovered


def test_three_equal_bursts_of_a_short_log_are_told_alike() -> None:
    values = np.random.default_rng(32).normal(size=67)
    for at in (8, 20, 44):
        values[at : at + 3] += 112

    found = detect(series_of(values))

    assert [e.start for spike in found for e in spike.excursions] == [8, 20, 44]
    assert not any(spike.usual for spike in found)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("points", [32, 90, 400])
def test_every_stair_is_a_fall_of_its_own(points: int, seed: int) -> None:
    values = 0.1 * np.random.default_rng(seed).normal(size=4 * points) - 3.0 * (
        np.arange(4 * points) // points
    )

    found = detect(series_of(values), falls=True)

    assert [spike.kind for spike in found] == [Kind.LEVEL_SHIFT] * 3
    assert [spike.start for spike in found] == [points, 2 * points, 3 * points]


@pytest.mark.parametrize(("at", "length"), [(237, 3), (467, 3), (641, None)])
def test_a_rise_long_after_the_first_fall_of_a_training_is_no_return_from_it(
    at: int, length: int | None
) -> None:
    values = np.random.default_rng(at).normal(size=1_000)
    values[:5] += 16

    found = detect(series_of(planted(values, 18, at=at, length=length)), falls=True)

    assert at in [spike.start for spike in found if spike.height > 0]


@pytest.mark.parametrize("sign", [1, -1], ids=["up", "down"])
def test_a_short_way_back_ends_no_long_level(sign: int) -> None:
    values = planted(np.random.default_rng(2).normal(size=1_500), 20, at=500)
    values[900:903] -= 20

    shift = next(s for s in detect(series_of(sign * values), falls=True) if s.start == 500)

    assert shift.kind is Kind.LEVEL_SHIFT
    assert shift.end_step is None
