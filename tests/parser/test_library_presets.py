"""A preset that says what nobody reads fails when it is loaded."""

import re

import numpy as np
import pytest

from spikediag.model import StepUnit
from spikediag.parser import run_from_arrays
from spikediag.parser.library_presets import _preset, presets

RULE = {"tag": "loss", "role": "loss"}


@pytest.mark.parametrize("preset", presets().values(), ids=lambda preset: preset.name)
def test_every_rule_is_a_regular_expression(preset) -> None:
    assert all(re.compile(rule.tag) for rule in preset.rules)


@pytest.mark.parametrize(
    "table",
    [
        {"name": "x"},
        {"name": "x", "rule": [RULE], "recognize": ["loss"]},
        {"name": "x", "rule": [{**RULE, "convert": "ln"}]},
        {"name": "x", "rule": [{**RULE, "transform": "log"}]},
        {"name": "x", "rule": [{**RULE, "role": "lossy"}]},
        {"name": "x", "rule": [RULE], "step_unit": "iterations"},
        {"name": "x", "rule": [RULE], "log_lines": {"mse": "writer.add_scalar(...)"}},
    ],
    ids=["no rules", "table", "key", "transform", "role", "unit", "log line"],
)
def test_what_no_preset_knows_is_an_error(table) -> None:
    assert _preset({"name": "x", "rule": [RULE]}).rules[0].fits("loss")
    with pytest.raises(ValueError, match=r"."):
        _preset(table)


@pytest.mark.parametrize(
    ("tags", "unit"),
    [
        ("train/value_loss,train/policy_gradient_loss,rollout/ep_rew_mean,time/fps", StepUnit.ENV_STEP),
        ("losses/qf1_loss,losses/actor_loss,charts/episodic_return", StepUnit.ENV_STEP),
        ("losses/td_loss,charts/SPS", StepUnit.ENV_STEP),
        ("losses/a_loss,losses/c_loss,info/last_lr,rewards/step", StepUnit.ENV_STEP),
        (
            "Losses/Value Loss,Losses/Policy Loss,Environment/Cumulative Reward",
            StepUnit.ENV_STEP,
        ),
        ("losses/actor_loss,losses/mse,charts/learning_rate", StepUnit.STEP),
        ("Loss/value_function,Loss/surrogate,Train/mean_reward", StepUnit.ITERATION),
    ],
)
def test_steps_of_an_environment_are_no_updates(tags: str, unit: StepUnit) -> None:
    run = run_from_arrays({tag: (np.arange(40), np.linspace(-1, -2, 40)) for tag in tags.split(",")}, {})
    assert run.step_unit is unit
    assert (run.updates() is None) == (unit is not StepUnit.STEP)
