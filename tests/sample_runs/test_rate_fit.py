"""What the model of the spike rate is fitted on, without its sampler."""

from dataclasses import replace

import numpy as np
import pytest

from sample_runs.lab import rate_fit
from sample_runs.lab.randomised_study import FIRST, REMEDIES, UNCHANGED, is_test
from tests.sample_runs.trained import trained


def trainings():
    """Two recipes; the second is trained again, unchanged and under two remedies."""
    again = [trained(1, remedy, seed) for remedy in (UNCHANGED, "beta2", "sigma-floor") for seed in (1, 2)]
    return [trained(0), trained(1, spikes=8), *again]


def test_a_remedied_training_has_the_features_of_its_recipe_and_the_shift_of_its_remedy():
    data = rate_fit.table(trainings())
    np.testing.assert_array_equal(data.features[1], data.features[-1])
    ids = list(REMEDIES)
    beta2, floor = ids.index("beta2"), ids.index("sigma-floor")
    assert data.remedy.tolist() == [-1] * 4 + [beta2, beta2, floor, floor]
    assert data.pair.tolist() == [-1] * 4 + [0, 0, 1, 1]
    assert data.remedy_of.tolist() == [beta2, floor]
    assert data.recipe.tolist() == [0] + [1] * 7


def test_a_training_that_stopped_being_a_number_is_left_out():
    kept = rate_fit.usable([*trainings(), replace(trained(1, "beta2", 3), loss=float("nan"))])
    assert kept == trainings()


def test_without_its_first_training_a_recipe_is_left_out():
    assert rate_fit.usable(trainings()[2:]) == []


def test_the_cost_of_a_remedy_is_held_against_the_same_seed_unchanged():
    rows = [replace(t, mse=0.2) if t.remedy == "beta2" else t for t in trainings()]
    assert rate_fit._ends(rows, "beta2") == {
        "error": pytest.approx(2.0),
        "error_low": pytest.approx(2.0),
        "error_high": pytest.approx(2.0),
        "loss": 0.0,
        "recipes": 1,
    }


def test_what_is_kept_for_testing_is_not_fitted_on(monkeypatch, tmp_path):
    fitted = []
    monkeypatch.setattr(rate_fit, "posterior", lambda data: {})
    monkeypatch.setattr(rate_fit, "summary", lambda chosen, _draws, _data: fitted.extend(chosen) or {})
    rate_fit.fit([trained(n) for n in range(6)], tmp_path / "rates.json")
    assert [t.recipe for t in fitted] == [n for n in range(6) if not is_test(n)]
    assert all(t.remedy == FIRST for t in fitted)
