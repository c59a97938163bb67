"""A preset that says what nobody reads fails when it is loaded."""

import re

import pytest

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
