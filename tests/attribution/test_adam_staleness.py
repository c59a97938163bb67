"""adam-staleness: a gradient far below what Adam remembers, then far above; near it, that is ruled out."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.attribution import explain
from spikediag.attribution.causes.adam_staleness import AdamStaleness
from spikediag.attribution.gradients import over_memory
from spikediag.model import Role, Run, Series, Status, Tier
from tests.attribution import cases


def norm(*bursts: int, calm: float = 0.05, height: float = 40.0) -> Series:
    """A gradient norm that is next to nothing between bursts."""
    values = calm * np.exp(cases.noise(0.2, 4))
    for position in bursts:
        values[position] = height
    return cases.series("bc/grad_norm", Role.GRAD_NORM, values)


def test_a_gradient_far_below_the_memory_of_the_last_burst_and_then_far_above_is_supported() -> None:
    stale = norm(cases.AT - 300, cases.AT - 1)
    verdicts = explain(cases.calm_case(stale)).verdicts
    found = next(v for v in verdicts if v.cause == "adam-staleness")
    assert found.status is Status.SUPPORTED
    assert found.tier is Tier.MECHANISM
    assert not found.calibrated
    assert "beta2 from 0.999 (assumed)" in str(found.advice[0].text)
    assert "at 0.0" in str(found.mechanism)


def test_a_stated_beta2_is_not_called_assumed() -> None:
    run = cases.calm_case(norm(cases.AT - 60, cases.AT - 1)).run
    stated = {**cases.CALM_FACTS, "beta2": 0.99}
    case = cases.make_case(
        cases.make_run(run.series["bc/actor_loss"].values, None, run.series["bc/grad_norm"], facts=stated)
    )
    judged = AdamStaleness().judge(case)
    assert "over 100 steps (beta2 0.99)" in str(cases.evidence(judged, "calm-below-memory").reading)


@pytest.mark.parametrize("bursts", [(cases.AT - 1,), (*range(20, cases.AT, 60), cases.AT - 1)])
def test_a_gradient_that_lies_near_the_memory_rules_it_out(bursts: tuple[int, ...]) -> None:
    """Though bursts raise the memory to twice the calm gradient, as any training's own do."""
    steady = norm(*bursts, calm=2.0, height=30.0)
    judged = AdamStaleness().judge(cases.calm_case(steady))
    assert judged.ruled_out
    assert cases.evidence(judged, "calm-below-memory").weight < 0


def test_one_that_does_not_leave_the_memory_at_the_jump_rules_it_out() -> None:
    judged = AdamStaleness().judge(cases.calm_case(norm(cases.AT - 100)))
    assert judged.ruled_out
    assert cases.evidence(judged, "far-above-memory").weight == -2


def test_one_that_leaves_it_after_the_loss_rules_it_out() -> None:
    judged = AdamStaleness().judge(cases.calm_case(norm(cases.AT - 300, cases.AT + 1)))
    assert judged.ruled_out
    assert cases.evidence(judged, "left-later") is not None


@pytest.mark.parametrize(("apart", "weight"), [(60, 0.7), (None, -0.5)])
def test_bursts_that_keep_a_distance_speak_for_it_and_crowded_ones_against(
    apart: int | None, weight: float
) -> None:
    crowded = [200, 202, 204, 700, 703, 706, 1100, 1102, 1105, cases.AT]
    at = list(range(cases.AT - 10 * 60, cases.AT + 1, apart)) if apart else crowded
    loss = cases.nll(dict.fromkeys(at, 30.0))
    run = cases.make_run(loss, cases.mse(), norm(*(p - 1 for p in at)), facts=cases.CALM_FACTS)
    judged = AdamStaleness().judge(cases.make_case(run, cases.train_at(run, at)))
    assert cases.evidence(judged, "gaps").weight == weight


def test_without_a_gradient_norm_or_with_a_sparse_one_it_is_not_checkable() -> None:
    judged = AdamStaleness().judge(cases.calm_case())
    assert not judged.checkable
    assert "clip_grad_norm_" in judged.missing[0].code
    rare = norm(cases.AT)
    rare = replace(rare, steps=rare.steps[::20], values=rare.values[::20], wall_times=rare.wall_times[::20])
    sparse = AdamStaleness().judge(cases.calm_case(rare))
    assert not sparse.checkable
    assert "more often" in str(sparse.missing[0].text)


@pytest.mark.parametrize(("optimizer", "applies"), [("SGD", False), ("AdamW", True), ("adamw_torch", True)])
def test_it_is_asked_only_of_optimizers_with_such_a_memory(optimizer: str, applies: bool) -> None:
    run = cases.make_run(cases.nll(), None, facts={"optimizer": optimizer})
    assert AdamStaleness().applies(run, run.series["bc/actor_loss"]) is applies


def test_the_memory_is_that_of_adam_step_by_step() -> None:
    steps = np.arange(700)
    values = np.exp(np.random.default_rng(5).normal(0, 1, 700))
    at, ratios = over_memory(
        Run("", "", {}), Series("g", Role.GRAD_NORM, steps, values, steps * np.nan), 0.99
    )
    second, expected = 0.0, {}
    for step, value in zip(steps, values, strict=True):
        if step:
            expected[int(step)] = value / np.sqrt(second / (1 - 0.99**step))
        second = 0.99 * second + 0.01 * value**2
    assert len(at) == 690
    np.testing.assert_allclose(ratios, [expected[int(step)] for step in at])
