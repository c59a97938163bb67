"""What was predicted of a change, beside what was measured."""

from dataclasses import replace

import pytest

from spikediag.comparison.differences import foretold
from spikediag.model import Advice, Effect, Remedy, say
from tests.policy.cases import diagnosis

BASE = {"batch_size": 256, "dataset_size": 418, "sigma_min": 1e-5}


def predicted(*ids):
    text, effect = say(""), Effect(0.9, 0.6, 1.0, say(""), 1.0, 0.9, 1.1)
    return tuple(Remedy(i, Advice(text), effect, text, applies=True, reason=text) for i in ids)


def before():
    return replace(diagnosis(**BASE), foresee=lambda: predicted("smaller-batch", "sigma-floor"))


@pytest.mark.parametrize(
    ("changed", "remedy"),
    [
        ({"batch_size": 64}, "smaller-batch"),
        ({"sigma_min": 0.05}, "sigma-floor"),
        ({"batch_size": 32}, None),
        ({"sigma_min": 0.5}, None),
        ({"batch_size": 64, "sigma_min": 0.05}, None),
        ({"dataset_size": 2_090}, None),
        ({}, None),
    ],
)
def test_one_remedy_at_its_studied_dose_is_held_against_its_prediction(changed, remedy):
    found = foretold(before(), diagnosis(**BASE | changed), 0.25)
    assert (found and found.remedy) == remedy


@pytest.mark.parametrize(("ratio", "inside"), [(0.0, True), (0.4, True), (0.5, False)])
def test_a_measured_effect_lies_inside_the_interval_or_not(ratio, inside):
    assert foretold(before(), diagnosis(**BASE | {"batch_size": 64}), ratio).inside is inside


def test_without_a_rate_nothing_was_measured():
    assert foretold(before(), diagnosis(**BASE | {"batch_size": 64}), float("nan")) is None
