"""What is looked for only where the run announces a change."""

import numpy as np
import pytest

from spikediag.detectors import at_announced, detect
from spikediag.model import Kind, Spike
from tests.conftest import some_of
from tests.detectors.builders import NOISES, series_of

N = 600
PASSES = [150, 300, 450]


def restarted(values: np.ndarray, at: int, *known: Spike) -> tuple[Spike, ...]:
    series = series_of(values)
    return at_announced(series, [int(series.steps[at])], [], known)


@pytest.mark.parametrize("factor", [2.0, 4.0])
def test_at_a_restart_few_points_show_noise_that_doubled(factor: float) -> None:
    found = []
    for seed in range(20):
        values = np.random.default_rng([71, seed]).normal(size=400)
        values[220:] *= factor
        found += [s.start for s in restarted(values, 220)]
    assert found.count(220) >= 14


@pytest.mark.parametrize("kind", ["white", "lognormal", "growing", "shrinking", "wandering"])
def test_noise_that_goes_on_as_before_is_no_news_at_a_restart(kind: str) -> None:
    found = 0
    for seed in range(60):
        rng, x = np.random.default_rng([73, seed]), np.arange(800)
        values = rng.lognormal(0, 1, 800) if kind == "lognormal" else rng.normal(size=800)
        trend = {"growing": x / 400, "shrinking": -x / 300, "wandering": 0.6 * np.sin(x / 40)}
        found += len(restarted(values * np.exp(trend.get(kind, 0 * x)), 400 + seed))
    assert found <= 2


def test_at_a_restart_where_something_lasting_is_known_nothing_is_added() -> None:
    values = np.random.default_rng(74).normal(size=800)
    values[400:] *= 4
    (known,) = restarted(values, 400)
    assert not restarted(values, 405, known)


def at_passes(values: np.ndarray, *known: Spike) -> tuple[Spike, ...]:
    series = series_of(values)
    return at_announced(series, [], [int(series.steps[at]) for at in PASSES], known)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_step_that_a_search_misses_is_found_where_it_was_announced(sign: int) -> None:
    found = searched = 0
    for seed in range(10):
        values = sign * (1.2 * np.exp(-np.arange(N) / 60)) + np.random.default_rng([81, seed]).normal(
            0, 0.05, N
        )
        values[300:] += sign * 0.25
        searched += any(abs(s.start - 300) < 20 for s in detect(series_of(values), falls=True))
        new = at_passes(values)
        found += [(s.kind, s.start, np.sign(s.height)) for s in new] == [(Kind.LEVEL_SHIFT, 300, sign)]
    assert searched <= 2
    assert found >= 8


def test_what_comes_back_is_no_new_level() -> None:
    values = np.random.default_rng(82).normal(0, 0.05, N)
    values[300:] += 0.4 * np.exp(-np.arange(N - 300) / 30)
    (found,) = at_passes(values)
    assert found.kind is Kind.TRANSIENT
    assert found.end_step is not None


@pytest.mark.parametrize("noise", some_of("white", "student", slow=tuple(sorted(NOISES))))
@pytest.mark.parametrize("falls", [False, True])
def test_where_nothing_happens_announced_looks_find_nothing(noise: str, *, falls: bool) -> None:
    alarms = 0
    for seed in range(60):
        values = NOISES[noise](np.random.default_rng([83, seed]), N)
        alarms += bool(at_passes(values + 30 * np.exp(-np.arange(N) / 75) * falls))
    assert alarms <= 2


def test_a_step_beside_the_announced_place_is_not_told_there() -> None:
    values = np.random.default_rng(84).normal(0, 0.05, N)
    values[225:] -= 0.3
    assert not at_passes(values)


def test_what_a_search_has_found_is_not_told_twice() -> None:
    values = np.random.default_rng(85).normal(0, 0.05, N)
    values[300:] += 4
    known = detect(series_of(values))
    assert [s.start for s in known] == [300]
    assert not at_passes(values, *known)


def test_too_few_points_between_two_places_are_no_look() -> None:
    series = series_of(np.r_[np.zeros(30), np.ones(30)] + np.random.default_rng(86).normal(0, 0.01, 60))
    assert not at_announced(series, [], [int(series.steps[at]) for at in range(10, 60, 10)], ())
