"""grad-explosion."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.attribution.causes.grad_explosion import GradExplosion
from spikediag.attribution.gradients import over_memory
from spikediag.model import Kind, Lag, Role, Run, Series, Witness, Witnesses
from tests.attribution import cases


def norm(*positions: int, factor: float = 50.0) -> Series:
    values = 2.0 * np.exp(cases.noise(0.2, 4))
    values[list(positions)] *= factor
    return cases.series("bc/grad_norm", Role.GRAD_NORM, values)


def test_a_gradient_that_leaps_first_is_decisive() -> None:
    judged = GradExplosion().judge(cases.calm_case(norm(cases.AT - 1)))
    assert judged.decisive
    assert cases.evidence(judged, "rose-first").observed == 10
    assert cases.evidence(judged, "adam-lags")


@pytest.mark.parametrize("points", [1, 200])
def test_one_update_throws_a_loss_at_once_and_makes_it_climb_never(points: int) -> None:
    n = len(cases.STEPS)
    loss = cases.nll() + 20.0 * np.clip((np.arange(n) - cases.AT + 1) / points, 0, 1)
    run = cases.make_run(loss, cases.mse(), norm(cases.AT - 1), facts=cases.CALM_FACTS)
    judged = GradExplosion().judge(cases.make_case(run, cases.spike_at(run, cases.AT, n, Kind.LEVEL_SHIFT)))
    assert judged.decisive is (points == 1)
    assert any(e.what == "climbed" for e in judged.evidence) is (points > 1)


def test_a_gradient_that_leaps_with_the_loss_decides_nothing() -> None:
    judged = GradExplosion().judge(cases.calm_case(norm(cases.AT)))
    assert not judged.decisive
    assert cases.evidence(judged, "rose-with").weight == 0
    assert cases.evidence(judged, "size").weight == 0  # as large as the loss is


def test_a_gradient_in_its_usual_range_rules_it_out() -> None:
    assert GradExplosion().judge(cases.calm_case(norm())).ruled_out


def test_not_logged_is_not_checkable() -> None:
    judged = GradExplosion().judge(cases.calm_case())
    assert not judged.checkable
    assert "clip_grad_norm_" in judged.missing[0].code


def test_staleness_is_one_for_a_steady_gradient_and_the_factor_for_a_leap() -> None:
    steady = cases.series("g", Role.GRAD_NORM, np.full(len(cases.STEPS), 2.0))
    assert ratio_at(steady, 15_000) == pytest.approx(1.0)
    leap = np.full(len(cases.STEPS), 2.0)
    leap[cases.AT] = 46.0
    assert ratio_at(cases.series("g", Role.GRAD_NORM, leap), 15_000) == pytest.approx(23.0)


def ratio_at(norm: Series, step: int) -> float:
    steps, ratios = over_memory(Run("", "", {}), norm, 0.999)
    return float(ratios[steps == step][0])


def test_a_gradient_that_leapt_after_the_loss_is_the_consequence() -> None:
    judged = GradExplosion().judge(cases.calm_case(norm(cases.AT + 1)))
    assert judged.ruled_out
    assert "10 steps after the loss" in str(cases.evidence(judged, "rose-after").reading)


def test_a_lead_of_a_gradient_that_leaps_as_far_anyway_decides_nothing() -> None:
    leaping = norm(cases.AT - 160, cases.AT - 120, cases.AT - 1)
    usual, none = cases.calm_case(leaping), Witnesses(asked=1)
    judged = GradExplosion().judge(replace(usual, witnesses=none))
    assert not judged.decisive
    assert cases.evidence(judged, "leaps-elsewhere").weight < 0
    lag = Lag(10.0, 0.0, 20.0)
    witness = Witness(leaping.tag, Role.GRAD_NORM, 2.0, 100.0, 50.0, lag, 0, 80, 1e-6)
    assert GradExplosion().judge(replace(usual, witnesses=replace(none, moved=(witness,)))).decisive


def test_a_lead_of_a_gradient_that_never_was_nearly_as_large_counts_though_rarer_leaps_tell_little() -> None:
    case = replace(cases.calm_case(norm(cases.AT - 1)), witnesses=Witnesses(asked=1))
    assert GradExplosion().judge(case).decisive
