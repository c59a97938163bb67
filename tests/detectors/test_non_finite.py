"""non_finite: NaN or infinite."""

import math

import numpy as np
import pytest

from spikediag.detectors import detect
from spikediag.model import Kind
from tests.detectors.builders import NOISES, series_of


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_such_value_is_enough(bad: float) -> None:
    values = -15 + NOISES["white"](np.random.default_rng(1), 1000)
    values[600] = bad

    (spike,) = detect(series_of(values))

    assert spike.kind is Kind.NON_FINITE
    assert (spike.start, spike.stop, spike.end_step) == (600, 601, 6010)
    assert spike.baseline == pytest.approx(-15, abs=0.5)
    assert spike.expected_by_chance == 0
    assert math.isinf(spike.height)
    assert spike.peak_value == bad or math.isnan(bad)


def test_stretches_are_one_finding_that_lists_them() -> None:
    values = NOISES["white"](np.random.default_rng(2), 1000)
    values[300:305] = np.nan
    values[700:] = np.inf

    (spike,) = detect(series_of(values))

    assert spike.count == 2
    assert [(m.start, m.stop) for m in spike.members] == [(300, 305), (700, 1000)]
    assert (spike.stop, spike.end_step) == (1000, None)


def test_a_series_without_one_finite_value() -> None:
    (spike,) = detect(series_of(np.full(10, np.nan)))

    assert math.isnan(spike.baseline)
    assert (spike.start, spike.stop) == (0, 10)


def test_it_is_reported_once_when_falls_are_asked_for() -> None:
    assert len(detect(series_of(np.full(10, np.inf)), falls=True)) == 1


def test_one_inside_a_spike_hides_neither() -> None:
    values = NOISES["white"](np.random.default_rng(3), 2000)
    values[1500:1900] += 39
    values[1700] = np.nan

    kinds = {s.kind for s in detect(series_of(values))}

    assert kinds == {Kind.TRANSIENT, Kind.NON_FINITE}


def test_values_that_are_missing_now_and_then_are_not_lost() -> None:
    values = NOISES["white"](np.random.default_rng(4), 1000)
    values[3::4] = np.nan

    (spike,) = detect(series_of(values))

    assert spike.count == 250
    assert spike.recovered
