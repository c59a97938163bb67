"""Laws of the whole engine: what must hold for any series."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikediag.detectors import detect
from spikediag.detectors.signal import CALIBRATED
from spikediag.model import Spike
from tests.conftest import some_of
from tests.detectors.builders import NOISES, planted, series_of


def shape(spike: Spike) -> tuple[object, ...]:
    return (spike.kind, spike.start, spike.stop, spike.peak, spike.count, spike.members)


@pytest.fixture(params=some_of(2, slow=(0, 1, 3, 4, 5)))
def busy(request: pytest.FixtureRequest) -> np.ndarray:
    """Noise with a burst, a train, a step and a climb."""
    rng = np.random.default_rng([11, request.param])
    values = -15 + NOISES[("white", "ar", "student")[request.param % 3]](rng, 8000)
    values[1500:1506] += 39
    values[1800:3000:100] += rng.uniform(15, 25, size=12)
    values[3800:] += 6
    values[4600:] += 8 * np.minimum(1, np.arange(3400) / 400)
    return values


@pytest.mark.parametrize(("scale", "shift"), [(1e-6, 0.0), (1.0, 1e4), (1234.5, -77.0)])
def test_scale_and_shift_change_no_finding(busy: np.ndarray, scale: float, shift: float) -> None:
    plain, moved = detect(series_of(busy)), detect(series_of(scale * busy + shift))

    assert plain
    assert [shape(s) for s in plain] == [shape(s) for s in moved]
    for before, after in zip(plain, moved, strict=True):
        assert after.height == pytest.approx(scale * before.height, rel=1e-5)
        assert after.sigmas == pytest.approx(before.sigmas, rel=1e-5)
        assert after.baseline == pytest.approx(scale * before.baseline + shift, rel=1e-5)
        assert after.expected_by_chance == pytest.approx(before.expected_by_chance, rel=1e-3)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), exponent=st.integers(-12, 12))
def test_powers_of_two_change_nothing_at_all(seed: int, exponent: int) -> None:
    values = planted(np.random.default_rng(seed).normal(size=1500), 30.0, at=900, length=5)

    plain, scaled = detect(series_of(values)), detect(series_of(values * 2.0**exponent))

    assert [(shape(s), s.sigmas, s.expected_by_chance) for s in plain] == [
        (shape(s), s.sigmas, s.expected_by_chance) for s in scaled
    ]


def test_appending_calm_points_changes_no_earlier_finding(busy: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    level = np.median(busy[-300:])
    calm = level + np.std(busy[-300:]) * rng.normal(size=6000)
    before = detect(series_of(busy))

    for extra in (200, 1000, 6000):
        after = detect(series_of(np.concatenate([busy, calm[:extra]])))
        n = len(busy)
        assert [shape(s)[:2] for s in after] == [shape(s)[:2] for s in before]
        for old, new in zip(before, after, strict=True):
            assert new.stop == (old.stop if old.stop < n else n + extra)
            assert (new.peak, new.height, new.sigmas) == (old.peak, old.height, old.sigmas)
            assert new.expected_by_chance == old.expected_by_chance


def test_a_prefix_that_ends_after_a_spike_shows_it_as_the_whole_does(busy: np.ndarray) -> None:
    busy[1600:] -= busy[1600:] - busy[400:1000].mean()  # a constant continuation: nothing else happens
    whole = detect(series_of(busy))

    assert [shape(s) for s in whole[:1]] == [shape(s) for s in detect(series_of(busy[:1600]))]


def test_relabelling_the_steps_moves_no_position(busy: np.ndarray) -> None:
    plain = detect(series_of(busy))
    relabelled = detect(series_of(busy, steps=np.arange(len(busy)) ** 2 + 7))

    assert [shape(s) for s in plain] == [shape(s) for s in relabelled]
    assert [s.onset_step for s in relabelled] == [s.start**2 + 7 for s in plain]


def test_the_input_is_left_alone(busy: np.ndarray) -> None:
    series = series_of(busy)

    detect(series, falls=True)

    assert np.array_equal(series.values, busy)


def test_missing_values_do_not_hide_or_move_a_spike(busy: np.ndarray) -> None:
    holes = busy.copy()
    holes[200:210] = np.nan
    holes[1000] = np.inf

    gaps, spiky, *_ = detect(series_of(holes))

    assert [(m.start, m.stop) for m in gaps.members] == [(200, 210), (1000, 1001)]
    assert (1500, 1506) in spiky.spans


def test_a_fall_is_the_mirror_image_of_a_rise(busy: np.ndarray) -> None:
    up = detect(series_of(busy))
    down = [s for s in detect(series_of(-busy), falls=True) if s.height < 0]

    assert [shape(s) for s in down] == [shape(s) for s in up if s.kind not in {"variance", "non_finite"}]
    assert [s.height for s in down] == [-s.height for s in up]


def test_fewer_false_findings_accepted_means_fewer_findings(busy: np.ndarray) -> None:
    strict, usual = detect(series_of(busy), alpha=1e-9), detect(series_of(busy))

    assert sum(len(s.excursions) for s in strict) <= sum(len(s.excursions) for s in usual)
    assert all(s.expected_by_chance >= CALIBRATED for s in usual)
