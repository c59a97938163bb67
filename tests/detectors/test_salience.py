"""What anyone would point to: found at any place of a log of any length, and not talked away."""

import numpy as np
import pytest
from scipy.signal import lfilter

from spikediag.detectors import detect
from spikediag.model import FloatArray, Kind
from tests.conftest import some_of
from tests.detectors.builders import NOISES, planted, series_of


def noise(kind: str, seed: int, n: int) -> FloatArray:
    return NOISES[kind](np.random.default_rng([91, seed]), n)


def hits(kind: str, n: int, at: int, length: int | None) -> float:
    found = [detect(series_of(planted(noise(kind, seed, n), 20, at=at, length=length))) for seed in range(20)]
    return np.mean([any(abs(e.start - at) <= 3 for s in spikes for e in s.excursions) for spikes in found])


@pytest.mark.parametrize("n", some_of(60, slow=(50, 100, 200)))
@pytest.mark.parametrize("length", [1, 3, None])
@pytest.mark.parametrize("share", some_of(0.15, slow=(0.5, 0.85)))
def test_twenty_deviations_are_seen_in_a_short_log(n: int, length: int | None, share: float) -> None:
    assert hits("white", n, int(share * n), length) >= 0.9


@pytest.mark.parametrize("n", some_of(60, slow=(100, 200)))
@pytest.mark.parametrize("length", [1, 3])
def test_twenty_deviations_are_seen_while_a_loss_falls(n: int, length: int) -> None:
    fall = 30 / (1 + 8 * np.arange(n) / n)
    found = [
        detect(series_of(planted(fall + noise("white", seed, n), 20, at=n // 6, length=length)))
        for seed in range(20)
    ]

    certain = [any(abs(s.start - n // 6) <= 3 and not s.usual for s in spikes) for spikes in found]
    assert np.mean(certain) >= 0.9


@pytest.mark.parametrize("last", [1, 2, 3, 5])
def test_the_last_points_are_judged_and_provisional(last: int) -> None:
    (spike,) = detect(series_of(planted(noise("white", 1, 2000), 20, at=2000 - last)))

    assert spike.start == 2000 - last
    assert spike.provisional
    assert spike.end_step is None


@pytest.mark.parametrize("at", some_of(5, slow=(20, 40)))
def test_the_first_points_are_judged(at: int) -> None:
    assert hits("white", 2000, at, 3) >= 0.9


@pytest.mark.parametrize("n", some_of(30, slow=(60, 100, 300)))
@pytest.mark.parametrize("kind", some_of("white", slow=("student", "ar", "skewed")))
def test_short_noise_is_silent(kind: str, n: int) -> None:
    found = [detect(series_of(noise(kind, seed, n))) for seed in range(40)]

    assert sum(not spike.usual for spikes in found for spike in spikes) <= 2


@pytest.mark.parametrize("seeds", some_of(2, slow=(10,)))
def test_a_hundred_deviations_are_told_in_any_noise(seeds: int) -> None:
    for seed in range(seeds):
        for kind in NOISES:
            spikes = detect(series_of(planted(noise(kind, seed, 600), 150, at=300, length=1)))
            assert any(s.peak == 300 for s in spikes), (kind, seed)


@pytest.mark.parametrize("length", [1, 3, 100, None])
def test_a_constant_that_leaves_its_value_is_seen(length: int | None) -> None:
    (spike,) = detect(series_of(planted(np.full(1000, 2.5), 1, at=600, length=length)))

    assert spike.start == 600


def test_equal_spikes_are_all_found() -> None:
    values = noise("white", 2, 1000)
    values[[300, 500, 700]] += 20

    assert [s.start for s in detect(series_of(values))] == [300, 500, 700]


@pytest.mark.parametrize("seeds", some_of(5, slow=(20,)))
def test_no_spike_is_named_while_a_taller_one_is_left_out(seeds: int) -> None:
    for seed in range(seeds):
        values = np.abs(np.random.default_rng([96, seed]).standard_cauchy(size=800))
        spikes = detect(series_of(values))
        told = [e.peak for s in spikes for e in s.excursions]
        assert not told or int(values[10:].argmax()) + 10 in told


def test_heavy_tails_are_one_usual_finding() -> None:
    values = np.exp(1.5 * np.random.default_rng(93).normal(size=3000))

    spikes = [s for s in detect(series_of(values)) if s.kind is Kind.TRAIN]

    assert [s.usual for s in spikes] == [True]
    assert spikes[0].peak == int(values.argmax())


def test_a_jump_that_rescales_the_noise_has_no_children() -> None:
    for seed in range(5):
        values = 1 + 0.03 * noise("white", seed, 600)
        values[300:] *= 16
        assert [(s.kind, s.start) for s in detect(series_of(values))] == [(Kind.LEVEL_SHIFT, 300)]


def test_a_recovery_is_not_a_rise() -> None:
    values = planted(noise("white", 3, 1000), -20, at=500, length=12)

    assert detect(series_of(values)) == ()


@pytest.mark.parametrize("decay", [0.0, 30.0])
def test_a_gradual_explosion_is_seen(decay: float) -> None:
    t = np.arange(400)
    for seed in range(5):
        values = (
            noise("white", seed, 400) + decay / (1 + t / 30) + np.where(t > 250, 2 ** ((t - 250) / 20), 0)
        )
        kinds = [s.kind for s in detect(series_of(values))]
        assert kinds
        assert kinds[-1] in {Kind.DIVERGENCE, Kind.DRIFT, Kind.LEVEL_SHIFT}


def test_a_series_that_explodes_from_its_start_has_diverged() -> None:
    values = 1e3 * np.exp(np.linspace(0, 35, 40)) * np.exp(0.3 * noise("white", 4, 40))

    (spike,) = detect(series_of(values))

    assert spike.kind is Kind.DIVERGENCE


def test_an_early_plateau_in_a_steep_decay_is_seen() -> None:
    t, found = np.arange(2000), 0
    for seed in range(10):
        values = -15 + 60 / (1 + t / 30) + noise("white", seed, 2000)
        found += any(
            abs(s.start - 200) < 5 for s in detect(series_of(planted(values, 20, at=200, length=200)))
        )

    assert found >= 8


def test_back_means_back_within_a_tenth() -> None:
    values = noise("white", 5, 1000)
    values[500:] += 40 * np.exp(-np.arange(500) / 50) + 8

    (spike,) = [s for s in detect(series_of(values)) if s.start == 500]

    assert spike.end_step is None


@pytest.mark.parametrize("seeds", some_of(20, slow=(100,)))
def test_a_level_that_wanders_in_proportion_is_no_climb(seeds: int) -> None:
    false = 0
    for seed in range(seeds):
        values = np.exp(NOISES["ar"](np.random.default_rng([94, seed]), 100))
        false += any(not s.usual for s in detect(series_of(values)))

    assert false <= 0.05 * seeds


@pytest.mark.parametrize("shift", [0.0, -5.0])
@pytest.mark.parametrize("n", some_of(50, slow=(200,)))
@pytest.mark.parametrize("seeds", some_of(20, slow=(60,)))
def test_a_loss_that_wanders_by_factors_is_silent_wherever_its_zero_is(
    n: int, shift: float, seeds: int
) -> None:
    false = 0
    for seed in range(seeds):
        values = shift + np.exp(NOISES["ar"](np.random.default_rng([95, seed]), n))
        false += any(not s.usual for s in detect(series_of(values)))

    assert false <= 0.05 * seeds


def test_a_jump_of_a_loss_that_wanders_by_factors_is_seen() -> None:
    found = 0
    for seed in range(20):
        values = np.exp(0.2 * NOISES["ar"](np.random.default_rng([96, seed]), 200))
        values[120] *= 20
        found += any(s.start == 120 and not s.usual for s in detect(series_of(values)))

    assert found >= 19


@pytest.mark.parametrize("seeds", some_of(50, slow=(150,)))
def test_heavy_tails_are_seldom_more_than_usual(seeds: int) -> None:
    false = 0
    for seed in range(seeds):
        values = NOISES["student"](np.random.default_rng([97, seed]), 80)
        false += any(not s.usual for s in detect(series_of(values)))

    assert false <= 0.02 * seeds


def test_a_log_that_ends_high_is_told_in_heavy_tails_too() -> None:
    for seed in range(20):
        values = planted(NOISES["student"](np.random.default_rng([98, seed]), 300), 25, at=298)
        assert any(298 in range(*span) for s in detect(series_of(values)) for span in s.spans), seed


def test_a_log_that_ends_in_what_is_usual_is_provisional() -> None:
    found = [
        detect(series_of(planted(NOISES["student"](np.random.default_rng([99, seed]), 300), 14, at=299)))
        for seed in range(20)
    ]
    last = [s for spikes in found for s in spikes if s.usual and len(s.members) == 1 and s.start == 299]

    assert last
    assert all(s.provisional and s.end_step is None for s in last)


@pytest.mark.parametrize("length", [1, 3, 20])
@pytest.mark.parametrize("seeds", some_of(5, slow=(20,)))
def test_the_first_point_after_a_resume_is_judged_like_any_other(length: int, seeds: int) -> None:
    steps = np.arange(300) * 10
    steps[180:] += 5000
    for seed in range(seeds):
        values = planted(noise("white", seed, 300), 20, at=180, length=length)
        (spike,) = detect(series_of(values, steps=steps))
        assert (spike.kind, spike.start) == (Kind.TRANSIENT, 180)


@pytest.mark.parametrize("length", [1, 20, None])
@pytest.mark.parametrize(("points", "offset"), [(850, -15.0), (2_650, -15.3), (1_100, 0.2)])
def test_ten_units_of_rounding_are_seen_where_values_lie_between_two_of_them(
    points: int, offset: float, length: int | None
) -> None:
    values = offset + 0.8 * np.random.default_rng(points).normal(size=points)

    found = detect(series_of(2 * np.round(planted(values, 20, at=points // 2, length=length) / 2)))

    assert [spike.start for spike in found] == [points // 2]


def test_in_the_middle_of_a_short_steep_decay_a_jump_is_found() -> None:
    decay, found = 30 / (1 + 8 * np.arange(50) / 50), 0
    for seed in range(24):
        noise = lfilter([np.sqrt(0.51)], [1, -0.7], np.random.default_rng([96, seed]).normal(size=350))[300:]
        for length in (1, 3, None):
            values = planted(decay + noise, 20, at=25, length=length)
            found += 25 in [spike.start for spike in detect(series_of(values))]
    assert found >= 71


@pytest.mark.parametrize(("factor", "least", "most"), [(6.0, 15, 20), (1.0, 0, 0)])
def test_a_spike_is_seen_early_on_a_loss_that_grows_twentyfold(factor: float, least: int, most: int) -> None:
    found = 0
    for seed in range(20):
        values = np.exp(np.linspace(0, 3, 150) + 0.12 * np.random.default_rng([8, seed]).normal(size=150))
        values[60] *= factor
        spikes = [spike for spike in detect(series_of(values)) if spike.kind is Kind.TRANSIENT]
        found += any(58 <= spike.start <= 60 and not spike.usual for spike in spikes)

    assert least <= found <= most


@pytest.mark.parametrize("deep", [True, False])
def test_a_leap_is_news_only_if_dips_are_not_as_deep(deep: bool) -> None:
    values = noise("white", 7, 500)
    for at, depth in ((60, 24), (130, 14), (200, 18), (330, 12), (420, 16), (480, 10)):
        values[at] -= deep * depth
    values[260] += 22

    (spike,) = (s for s in detect(series_of(values)) if s.height > 0)
    assert spike.usual == deep
    assert spike.peak == 260


@pytest.mark.parametrize("seeds", some_of(60, slow=(400,)))
def test_five_hundred_points_of_heavy_tails_are_seldom_more_than_usual(seeds: int) -> None:
    logs = (np.random.default_rng([4711, seed]).standard_t(3, 500) for seed in range(seeds))
    alarms = sum(any(not spike.usual for spike in detect(series_of(values))) for values in logs)
    assert alarms <= 0.02 * seeds


def test_a_jump_on_a_steady_climb_is_dated_at_the_jump_and_not_where_the_climb_began() -> None:
    values = 90 * np.arange(430.0) + 20 * noise("white", 3, 430)
    values[301:] += 4400

    spike = max(detect(series_of(values)), key=lambda s: s.sigmas)
    assert spike.start == 301


@pytest.mark.parametrize(("n", "length"), [(30, 1), (60, 3)])
def test_the_few_points_of_a_loss_above_zero_are_not_taken_for_skewed_noise(n: int, length: int) -> None:
    found = 0
    for seed in range(40):
        level = 10 + np.random.default_rng([12, seed, n]).normal(size=n)
        spikes = detect(series_of(planted(level, 20, at=n // 2, length=length)))
        found += any(abs(spike.start - n // 2) <= 3 and not spike.usual for spike in spikes)

    assert found >= 34
