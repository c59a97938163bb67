"""The rate of spikes: what is predicted from settings, from a count, and under a remedy."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from spikediag.rates import FARTHEST, Observed, Rates, Settings, fitted
from tests.rates.rates_by_hand import rates

STUDIED = Settings(
    batch_size=256,
    dataset_size=418,
    updates=6_000,
    learning_rate=3e-4,
    sigma_floor=1e-5,
    degenerate=True,
)


def assert_covers_four_in_five(interval, drawn):
    """Counts are whole numbers: with its ends an interval covers at least four in five, without at most."""
    assert np.mean((drawn > interval.low) & (drawn < interval.high)) < 0.81
    assert np.mean((drawn >= interval.low) & (drawn <= interval.high)) > 0.79


def test_more_spikes_are_expected_where_more_were_seen():
    few, many = (rates().expected(STUDIED, 6_000, Observed(n, 6_000)) for n in (1, 30))
    assert few.median < many.median
    assert many.low < 30 < many.high


def test_the_interval_of_a_count_covers_four_in_five():
    """Recipes and counts drawn from the model itself, so that only the sums are tested."""
    model, draw = rates(), np.random.default_rng(0)
    middle = model.intercept + float(model.weights @ [STUDIED.features()[n] or 0.0 for n in model.names])
    interval = model.expected(STUDIED, 6_000)
    mean = np.exp(middle + model.between * draw.normal(size=20_000)) * 6_000
    counts = draw.negative_binomial(model.size, model.size / (model.size + mean))
    assert_covers_four_in_five(interval, counts)


def test_the_interval_of_an_effect_covers_four_in_five():
    model, draw = rates(), np.random.default_rng(1)
    log_rate, weights = model.log_rate(STUDIED, Observed(12, 6_000))
    interval = model.effect("sigma-floor", STUDIED, 6_000, Observed(12, 6_000))
    mean = 2 * 6_000 * np.exp(draw.choice(log_rate, p=weights, size=40_000))
    shift = model.shifts["sigma-floor"]
    after = mean * np.exp(shift.mean + math.hypot(shift.sd, shift.spread) * draw.normal(size=len(mean)))
    size = 2 * model.size
    before, left = (draw.negative_binomial(size, size / (size + m)) for m in (mean, after))
    effect = 1 - left[before > 0] / before[before > 0]
    assert_covers_four_in_five(interval, effect)
    assert interval.median == pytest.approx(np.median(effect), abs=0.03)


def test_what_makes_things_worse_prevents_less_than_nothing():
    assert rates().effect("more-data", STUDIED, 6_000, Observed(12, 6_000)).median < 0


def test_outside_what_was_studied_the_interval_is_wider():
    inside = rates().effect("grad-clip", STUDIED, 6_000, Observed(12, 6_000))
    outside = replace(STUDIED, batch_size=1_024)
    wide = rates().effect("grad-clip", outside, 6_000, Observed(12, 6_000))
    assert wide.high - wide.low > inside.high - inside.low
    assert 0 < rates().beyond(outside)["batch"] < FARTHEST
    assert rates().beyond(STUDIED) == {}


def test_what_is_not_known_widens_what_is_expected():
    known, unknown = (np.ptp(rates().log_rate(s)[0]) for s in (STUDIED, replace(STUDIED, batch_size=None)))
    assert known < unknown


def test_a_model_that_was_never_fitted_is_none(tmp_path):
    assert fitted(tmp_path / "none.json") is None


def test_a_fitted_model_is_read_as_it_was_written(tmp_path):
    model = rates()
    arrays = {n: getattr(model, n).tolist() for n in ("weights", "covariance", "means", "sds", "ranges")}
    plain = {n: getattr(model, n) for n in ("intercept", "names", "between", "size", "recipes", "trainings")}
    shifts = {remedy: vars(shift) for remedy, shift in model.shifts.items()}
    (tmp_path / "rates.json").write_text(json.dumps({**plain, **arrays, "shifts": shifts}))
    again = fitted(tmp_path / "rates.json")
    assert isinstance(again, Rates)
    assert again.shifts["sigma-floor"] == model.shifts["sigma-floor"]
    assert again.effect("beta2", STUDIED, 6_000, None) == model.effect("beta2", STUDIED, 6_000, None)


@pytest.mark.parametrize(
    ("settings", "feature", "value"),
    [
        (Settings(sigma_floor=1e-5), "floor", 0.0),
        (Settings(sigma_floor=0.05), "floor", math.log(25)),
        (Settings(clip=math.inf), "clip", 0.0),
        (Settings(clip=1.0), "clip", math.log(30)),
        (Settings(beta2=0.95), "memory", math.log(0.02)),
        (Settings(batch_size=256), "batch", math.log(2)),
        (Settings(decays=True), "decay", 1.0),
        (Settings(), "degenerate", None),
    ],
)
def test_a_setting_is_a_feature(settings, feature, value):
    found = settings.features()[feature]
    assert found is value if value is None else found == pytest.approx(value)
