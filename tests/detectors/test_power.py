"""What is promised to be found is found, and what is said not to be is not."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from spikediag.detectors import detect, search_power
from spikediag.detectors.power import WORTH
from spikediag.model import FloatArray, Kind, Role, Series, SmallestJump
from spikediag.stats.scale import local_noise
from tests.conftest import some_of
from tests.detectors.builders import NOISES, planted, series_of

Curve = Callable[[np.random.Generator, int], FloatArray]


def with_dip(rng: np.random.Generator, n: int) -> FloatArray:
    """One point far below all others."""
    values = rng.normal(size=n)
    values[int(rng.integers(n // 8))] -= 60
    return values


def with_tiny_noise(rng: np.random.Generator, n: int) -> FloatArray:
    return 1 + 1e-6 * rng.normal(size=n)


def rounded(rng: np.random.Generator, n: int) -> FloatArray:
    return np.round(rng.normal(size=n), 1)


def with_gaps(rng: np.random.Generator, n: int) -> FloatArray:
    return np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n))


def spiking(rng: np.random.Generator, n: int) -> FloatArray:
    return rng.normal(size=n) + 30 * (rng.random(n) < 0.02)


def decaying(rng: np.random.Generator, n: int) -> FloatArray:
    return 8 * np.exp(-6 * np.arange(n) / n) + 0.3 * rng.normal(size=n)


def in_proportion(rng: np.random.Generator, n: int) -> FloatArray:
    """Never negative, and a little skewed."""
    return np.exp(0.25 * rng.normal(size=n))


def found(values: FloatArray, height: float, at: int, width: int | None) -> bool:
    spikes = detect(series_of(planted(values, height, at=at, length=width)))
    known = (s for s in spikes if s.kind is not Kind.NON_FINITE)
    return any(e.start - 3 <= at < max(e.stop, e.start + 4) for s in known for e in s.excursions)


def promised(curve: Curve, n: int, seeds: int) -> Iterator[tuple[FloatArray, SmallestJump, int]]:
    """Each jump that is promised in some curves, with a place at which it is."""
    for seed in range(seeds):
        rng = np.random.default_rng([95, seed])
        values = curve(rng, n)
        for jump in search_power(series_of(values)).jumps:
            places = np.arange(jump.first_step // 10, jump.last_step // 10 + 1)
            yield values, jump, int(rng.choice(places[np.isfinite(values[places])]))


@pytest.mark.parametrize("n", some_of(60, slow=(150, 1000)))
@pytest.mark.parametrize(
    "curve",
    some_of(
        with_dip,
        slow=(spiking, decaying, with_tiny_noise, rounded, with_gaps, NOISES["white"], NOISES["student"]),
    ),
)
def test_a_jump_of_the_promised_height_is_found_and_half_of_it_mostly_is_not(curve: Curve, n: int) -> None:
    jumps = list(promised(curve, n, 12))
    hits = [found(values, 1.1 * jump.height, at, jump.width) for values, jump, at in jumps]
    bursts = [(values, jump, at) for values, jump, at in jumps if jump.width is not None]
    half = [found(values, 0.5 * jump.height, at, jump.width) for values, jump, at in bursts]

    assert len(jumps) >= 18
    assert np.mean(hits) >= 0.9
    assert np.mean(half) < 0.5


@pytest.mark.parametrize("curve", some_of("white", slow=("student", "ar", "skewed")))
@pytest.mark.parametrize("times", some_of(3, slow=(30,)))
def test_any_larger_jump_is_found_as_well(curve: str, times: float) -> None:
    hits = [
        found(values, times * jump.height, at, jump.width)
        for values, jump, at in promised(NOISES[curve], 80, 10)
    ]

    assert np.mean(hits) >= 0.95


@pytest.mark.parametrize("n", some_of(30, slow=(24, 36)))
@pytest.mark.parametrize(
    "sample", some_of((NOISES["white"], 12), slow=((NOISES["white"], 40), (with_tiny_noise, 40)))
)
def test_a_promise_holds_in_a_very_short_log(sample: tuple[Curve, int], n: int) -> None:
    """A loss that is never negative may look skewed once the jump is in it."""
    curve, seeds = sample
    jumps = promised(curve, n, seeds)
    hits = [found(values, 1.1 * jump.height, at, jump.width) for values, jump, at in jumps]

    assert np.mean(hits) >= 0.9


@pytest.mark.parametrize("n", some_of(80, slow=(60, 120)))
def test_a_promise_holds_where_a_jump_makes_a_log_look_skewed(n: int) -> None:
    jumps = promised(in_proportion, n, 16)
    hits = [found(values, jump.height, at, jump.width) for values, jump, at in jumps]

    assert len(hits) >= 16
    assert np.mean(hits) >= 0.95


def test_one_deep_dip_hides_jumps_near_it_only() -> None:
    values = np.random.default_rng([97, 1]).normal(size=600)
    values[100] -= 60

    searched = search_power(series_of(values))

    assert searched.judged
    assert max(jump.sigmas for jump in searched.jumps) < WORTH
    assert min(jump.first_step for jump in searched.jumps) > 1000
    assert found(values, 1.1 * searched.jumps[0].height, 300, 1)
    assert not found(values, 1.1 * searched.jumps[0].height, 110, 1)


def logged_at(steps: FloatArray) -> Series:
    values = np.random.default_rng(4).normal(size=len(steps))
    return Series("loss", Role.LOSS, steps, values, steps)


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (np.r_[0:30, 5000:5030], "Nothing was logged between steps 29 and 5,000"),
        (np.r_[0:200, 215:500], ""),
        (np.unique(np.geomspace(1, 1e6, 300).astype(int)), ""),
        (np.r_[0:100, 100:10_000:99], ""),
    ],
)
def test_a_hole_in_a_log_is_said_and_ever_sparser_logging_is_none(steps: FloatArray, told: str) -> None:
    searched = search_power(logged_at(steps))
    assert searched.jumps
    assert str(searched.reason or "").startswith(told)
    assert bool(searched.reason) is bool(told)


def test_where_nothing_is_judged_nothing_large_is_found() -> None:
    hits = []
    for seed in range(12):
        rng = np.random.default_rng([98, seed])
        values = rng.normal(size=40)
        values[rng.choice(np.arange(8, 36), size=2, replace=False)] -= 80
        searched = search_power(series_of(values))
        if not searched.judged:
            at = int(rng.integers(3, 37))
            hits.append(found(values, WORTH * local_noise(values), at, 1))

    assert len(hits) >= 6
    assert np.mean(hits) <= 0.25


def test_most_noise_of_sixty_points_is_judged() -> None:
    judged = [
        search_power(series_of(np.random.default_rng([96, seed]).normal(size=60))).judged
        for seed in range(40)
    ]

    assert np.mean(judged) >= 0.9


@pytest.mark.parametrize("n", [0, 1, 5, 23])
def test_too_few_points_are_not_judged_and_say_so(n: int) -> None:
    searched = search_power(series_of(np.random.default_rng(1).normal(size=n)))

    assert not searched.judged
    assert searched.points == n
    assert searched.reason is not None


def test_only_finite_points_count_and_steps_are_those_of_the_log() -> None:
    values = np.random.default_rng(2).normal(size=200)
    values[:50] = np.nan

    searched = search_power(series_of(values))

    assert searched.points == 150
    assert [jump.width for jump in searched.jumps] == [1, 3, None]
    assert all(jump.first_step >= 500 and jump.last_step <= 1990 for jump in searched.jumps)


def test_it_scales_with_the_series() -> None:
    values = np.random.default_rng(3).normal(size=300)
    one, other = search_power(series_of(values)), search_power(series_of(8 * values))

    assert [8 * a.height for a in one.jumps] == pytest.approx([b.height for b in other.jumps])


def test_a_constant_is_judged_by_its_rounding() -> None:
    searched = search_power(series_of(np.full(300, 2.5)))

    assert searched.judged
    assert all(0 < jump.height < 1e-9 for jump in searched.jumps)


def test_a_short_log_that_falls_as_steeply_as_it_scatters_is_not_judged() -> None:
    for seed in range(10):
        fall = 30 / (1 + 8 * np.arange(30) / 30)
        searched = search_power(series_of(fall + np.random.default_rng([98, seed]).normal(size=30)))
        assert not searched.judged
        assert "falls as steeply" in str(searched.reason)
