"""What is promised to be found is found."""

import numpy as np
import pytest

from spikediag.detectors import detect, search_power
from tests.detectors.builders import NOISES, planted, series_of, some_of


@pytest.mark.parametrize("noise", some_of("white", "student", slow=("ar",)))
@pytest.mark.parametrize("n", [60, 150, 1000])
def test_a_jump_of_the_promised_height_is_found(noise: str, n: int) -> None:
    hits = []
    for seed in range(12):
        rng = np.random.default_rng([95, seed])
        values = NOISES[noise](rng, n)
        for jump in search_power(series_of(values)).jumps:
            at = int(rng.integers(jump.first_step // 10, jump.last_step // 10 + 1))
            spikes = detect(series_of(planted(values, jump.height, at=at, length=jump.width)))
            hits.append(
                any(e.start - 3 <= at < max(e.stop, e.start + 4) for s in spikes for e in s.excursions)
            )

    assert len(hits) >= 12
    assert np.mean(hits) >= 0.9


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
