"""loss-scale."""

import numpy as np

from spikediag.attribution.causes.loss_scale import LossScale
from spikediag.model import Role, Series
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
