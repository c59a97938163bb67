"""loss-scale."""

from pathlib import Path

import numpy as np
import pytest

import spikediag
from spikediag import attribution
from spikediag.attribution.causes.loss_scale import LossScale
from spikediag.model import Role, Series, Status
from tests.attribution import cases


def scale(*falls: int) -> Series:
    values = np.full(len(cases.STEPS), 65_536.0)
    for position in falls:
        values[position:] *= 0.5
    return cases.series("train/loss_scale", Role.LOSS_SCALE, values)


def test_a_fall_at_the_onset_is_a_trigger() -> None:
    judged = LossScale().judge(cases.calm_case(scale(cases.AT)))
    assert judged.decisive
    assert "65536 to 32768 at step 15,000" in str(judged.evidence[0].reading)


def test_a_constant_scale_and_a_distant_fall_rule_it_out() -> None:
    assert LossScale().judge(cases.calm_case(scale())).ruled_out
    assert LossScale().judge(cases.calm_case(scale(700))).ruled_out


def test_falls_all_along_tell_little() -> None:
    often = LossScale().judge(cases.calm_case(scale(*range(100, 2000, 10))))
    once = LossScale().judge(cases.calm_case(scale(cases.AT)))
    assert often.evidence[0].weight < once.evidence[0].weight - 2


def test_not_logged_is_not_checkable_unless_the_precision_needs_none() -> None:
    assert not LossScale().judge(cases.calm_case()).checkable
    facts = {**cases.CALM_FACTS, "precision": "bf16-mixed"}
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), facts=facts)
    assert LossScale().judge(cases.make_case(run)).ruled_out


@pytest.mark.parametrize(
    ("config", "status"),
    [
        ({"mixed_precision": "bf16"}, Status.RULED_OUT),
        ({"mixed_precision": "no"}, Status.RULED_OUT),
        ({"precision": "32-true"}, Status.RULED_OUT),
        ({"trainer": {"precision": "bf16-mixed"}}, Status.RULED_OUT),
        ({"torch_dtype": "bfloat16"}, Status.RULED_OUT),
        ({"mixed_precision": "fp16"}, Status.NOT_CHECKABLE),
    ],
)
def test_a_precision_that_is_stated_beside_the_run_decides(
    tmp_path: Path, config: dict[str, object], status: Status
) -> None:
    run = spikediag.read_run(
        cases.written(tmp_path / "run", cases.nll({cases.AT: 39}), cases.mse(), **config)
    )
    verdicts = attribution.explain(cases.make_case(run)).verdicts
    (verdict,) = (v for v in verdicts if v.cause == "loss-scale")
    assert verdict.status is status
    assert bool(verdict.missing) == (status is Status.NOT_CHECKABLE)
    if status is Status.RULED_OUT:
        assert "config.json" in str(verdict.evidence[0].reading)


def test_jax_has_no_loss_scale_where_no_precision_is_stated(tmp_path: Path) -> None:
    folder = cases.written(tmp_path / "run", cases.nll({cases.AT: 39}), cases.mse(), seed=1)
    (finding,) = spikediag.diagnose(folder).findings
    assert all(verdict.cause != "loss-scale" for verdict in finding.verdicts)


@pytest.mark.parametrize("late", [1, 2, 3])
def test_a_fall_after_the_jump_is_no_cause(late: int) -> None:
    assert LossScale().judge(cases.calm_case(scale(cases.AT + late))).ruled_out


@pytest.mark.parametrize(
    ("config", "status"),
    [
        ({"mixed_precision": False}, Status.RULED_OUT),
        ({"precision": 32}, Status.RULED_OUT),
        ({"precision": 32.0}, Status.RULED_OUT),
        ({"precision": 64}, Status.RULED_OUT),
        ({"precision": 16}, Status.NOT_CHECKABLE),
        ({"mixed_precision": True}, Status.NOT_CHECKABLE),
        ({"mixed_precision": "fp16", "dtype": "float32"}, Status.NOT_CHECKABLE),
    ],
)
def test_a_precision_may_be_stated_as_a_number_or_a_switch(
    tmp_path: Path, config: dict[str, object], status: Status
) -> None:
    test_a_precision_that_is_stated_beside_the_run_decides(tmp_path, config, status)
