"""degenerate-dimension: one dimension that carries the jump, told by a log of each; suspected without."""

from collections.abc import Mapping

import numpy as np
import pytest

from spikediag.attribution import explain
from spikediag.attribution.causes.degenerate_dimension import DegenerateDimension
from spikediag.model import Reduction, Role, Series, Status, Transform
from tests.attribution import cases
from tests.attribution.learners import found

LOG_STDS = {0: -1.5, 1: -1.7, 2: -1.4, 3: -1.6}


def priced(jumps: Mapping[int, float], name: str = "bc/nll/{}") -> tuple[Series, ...]:
    """The likelihood of four dimensions, each with its part of the jump."""
    parts = []
    for dimension in range(4):
        values = cases.noise(0.1, 10 + dimension) - 3.0
        values[cases.AT : cases.AT + 3] += jumps.get(dimension, 0.0)
        parts.append(cases.series(name.format(dimension), Role.OTHER, values))
    return tuple(parts)


def spread(levels: Mapping[int, float], name: str = "bc/log_std_{}", **more) -> tuple[Series, ...]:
    return tuple(
        cases.series(name.format(k), Role.OTHER, v + cases.noise(0.02, 20 + k), **more)
        for k, v in levels.items()
    )


@pytest.mark.parametrize("name", ["bc/nll/{}", "bc/nll_dim_{}", "neg_logp[{}]", "train/nll/action_{}"])
def test_the_dimension_that_carries_the_jump_is_named(name: str) -> None:
    verdicts = explain(cases.calm_case(*priced({2: 28.0, 1: 0.4}, name))).verdicts
    verdict = next(v for v in verdicts if v.cause == "degenerate-dimension")
    assert verdict.status is Status.SUPPORTED
    assert not verdict.calibrated
    assert "dimension 2" in str(verdict.advice[0].text)
    assert "actions[:, 2]" in verdict.advice[0].code
    assert "Dimension 2 carries it" in str(verdict.mechanism)


def test_a_sigma_far_below_the_others_points_to_it() -> None:
    judged = DegenerateDimension().judge(cases.calm_case(*spread({**LOG_STDS, 3: -5.0})))
    assert judged.decisive
    assert cases.evidence(judged, "sigma-gap").observed == pytest.approx(3.5, abs=0.1)
    assert "bc/log_std_3" in str(cases.evidence(judged, "sigma-gap").reading)


def test_sigma_itself_is_read_by_its_logarithm() -> None:
    plain = tuple(
        cases.series(f"bc/std/{k}", Role.OTHER, np.exp(v + cases.noise(0.02, 20 + k)))
        for k, v in {**LOG_STDS, 0: -4.5}.items()
    )
    judged = DegenerateDimension().judge(cases.calm_case(*plain))
    assert "Dimension 0 carries it" in str(judged.mechanism)


def test_a_jump_that_all_dimensions_share_rules_it_out() -> None:
    logged = (*priced({0: 7.0, 1: 8.0, 2: 6.0, 3: 7.0}), *spread(LOG_STDS))
    judged = DegenerateDimension().judge(cases.calm_case(*logged))
    assert judged.ruled_out
    assert cases.evidence(judged, "one-carries").weight < 0
    assert cases.evidence(judged, "sigma-gap").weight < 0


@pytest.mark.parametrize(("low", "weight"), [(-6.0, 0.3), (-1.8, -0.5)])
def test_the_smallest_log_std_of_a_batch_is_a_weak_sign_only(low: float, weight: float) -> None:
    mean = cases.series("bc/log_std", Role.LOG_STD, cases.noise(0.02, 7) - 1.5, reduction=Reduction.MEAN)
    least = cases.series("bc/log_std_min", Role.LOG_STD, cases.noise(0.02, 8) + low, reduction=Reduction.MIN)
    judged = DegenerateDimension().judge(cases.calm_case(mean, least))
    assert cases.evidence(judged, "smallest-far-below").weight == weight
    assert not judged.checkable


def test_without_any_of_it_the_line_is_given_that_would_tell() -> None:
    judged = DegenerateDimension().judge(cases.calm_case())
    assert not judged.checkable
    assert 'f"nll/{k}"' in judged.missing[0].code


def test_it_is_asked_of_no_loss_without_a_sigma_and_of_no_single_dimension() -> None:
    values = np.abs(np.random.default_rng(1).normal(5, 0.2, 600))
    values[400] += 40
    assert "degenerate-dimension" not in {v.cause for v in found({"train/critic_loss": values}).verdicts}
    run = cases.make_run(cases.nll(), cases.mse(), facts={"action_dim": 1})
    assert not DegenerateDimension().applies(run, run.series["bc/actor_loss"])


def test_a_transformed_series_keeps_what_was_logged() -> None:
    logged = cases.series("bc/std/1", Role.LOG_STD, np.full(len(cases.STEPS), 0.1), transform=Transform.LN)
    judged = DegenerateDimension().judge(cases.calm_case(logged))
    assert not judged.checkable
