"""logging-change."""

from dataclasses import replace

import numpy as np
import pytest

import spikediag
from spikediag.attribution import Case, explain
from spikediag.attribution.causes.logging_change import Factor, LoggingChange
from spikediag.model import Diagnosis, Kind, Role, Run
from tests.attribution import cases


def rescaled(error_factor: float = 0.25, factor: float = 0.25) -> Case:
    """The loss is divided by four from the onset on: -17 becomes -4.3."""
    loss, error, norm = cases.nll(), cases.mse(), 2.0 * np.exp(cases.noise(0.1, 5))
    loss[cases.AT :] *= factor
    norm[cases.AT :] *= factor
    error[cases.AT :] *= error_factor
    gradient = cases.series("bc/grad_norm", Role.GRAD_NORM, norm)
    run = cases.make_run(loss, error, gradient, facts=cases.CALM_FACTS)
    return cases.make_case(run, cases.spike_at(run, cases.AT, len(loss), Kind.LEVEL_SHIFT))


def test_one_factor_in_every_tag_is_a_changed_log() -> None:
    case = rescaled()
    judged = LoggingChange().judge(case)
    assert judged.decisive
    assert abs(cases.evidence(judged, "common-factor").observed - 0.25) < 0.01
    assert explain(case).primary_cause == "logging-change"


def test_an_error_that_stays_rules_it_out() -> None:
    judged = LoggingChange().judge(rescaled(error_factor=1.0))
    assert judged.ruled_out


def test_a_transient_is_no_changed_log() -> None:
    assert LoggingChange().judge(cases.seed_case()).ruled_out


def test_a_spike_that_neither_lasted_nor_came_back_is_not_called_transient() -> None:
    run = cases.seed_case().run
    spike = replace(cases.spike_at(run), end_step=None)
    reading = str(cases.evidence(LoggingChange().judge(cases.make_case(run, spike)), "not-lasting").reading)
    assert "did not keep its own" in reading
    assert "transient" not in reading


def test_a_changed_interval_is_told() -> None:
    case = rescaled()
    loss = case.run.series["bc/actor_loss"]
    keep = np.r_[0 : cases.AT, cases.AT : len(loss) : 5]
    thinned = {
        tag: cases.series(
            tag, s.role, s.values[keep], s.steps[keep], measure=s.measure, reduction=s.reduction
        )
        for tag, s in case.run.series.items()
    }
    run = Run("runs/bc", "bc", thinned)
    spike = cases.spike_at(run, cases.AT, len(keep), Kind.LEVEL_SHIFT)
    judged = LoggingChange().judge(cases.make_case(run, spike))
    assert "from 10 to 50 steps" in str(cases.evidence(judged, "interval-changed").reading)


def summed(
    count: float, seed: int, eval_factor: float = 1.0, norm_factor: float | None = None, **facts
) -> Diagnosis:
    """A fine-tuning whose loss and gradient norm are `count` times as high from two thirds on."""
    rng, n = np.random.default_rng(seed), 450
    steps, at = np.arange(1, n + 1) * 10, 300
    loss = (1.3 + 0.6 * np.exp(-steps / 300)) * np.exp(rng.normal(0, 0.05, n))
    norm = 0.8 * np.exp(rng.normal(0, 0.2, n))
    loss[at:] *= count
    norm[at:] *= count if norm_factor is None else norm_factor
    evaluated = steps[9::10]
    held_out = 1.35 + 0.5 * np.exp(-evaluated / 300) + rng.normal(0, 0.004, len(evaluated))
    held_out[evaluated > steps[at]] *= eval_factor
    run = Run.from_arrays(
        {
            "train/loss": (steps, loss),
            "train/grad_norm": (steps, norm),
            "eval/loss": (evaluated, held_out),
        },
        **facts,
    )
    return spikediag.diagnose(run)


@pytest.mark.parametrize(("count", "seed"), [(4, 1), (8, 2), (16, 3), (32, 4)])
def test_a_sum_in_place_of_a_mean_does_not_matter_where_held_out_data_stay(count: int, seed: int) -> None:
    found = summed(count, seed)
    assert found.lead is not None
    assert found.lead.primary_cause == "logging-change"
    assert found.overall.matters is False
    assert any("higher, not worse" in str(text) for text in found.overall.because)
    assert f"{count} accumulation steps or workers are summed" in str(found.lead.primary.mechanism)
    assert any("divide the loss" in str(a.text) for a in found.lead.primary.advice)


def test_the_number_of_accumulated_batches_is_named_with_its_source() -> None:
    found = summed(6, 5, gradient_accumulation=6)
    stated = cases.evidence(found.lead.primary, "stated-count")
    assert stated.reference == 6
    assert "gradient_accumulation" in str(stated.reading)


def test_held_out_data_that_got_worse_are_no_changed_log() -> None:
    found = summed(8, 6, eval_factor=1.6)
    assert found.overall.matters
    assert found.lead.primary_cause != "logging-change"


def test_a_gradient_that_grew_by_another_factor_is_no_changed_log() -> None:
    found = summed(8, 7, norm_factor=2.5)
    assert found.lead.primary_cause != "logging-change"


def with_accuracy(fall: float) -> Diagnosis:
    """Loss and gradient norm four times as high from two thirds on, and an accuracy that falls or not."""
    rng, steps = np.random.default_rng(11), np.arange(1, 451)
    scale = np.where(steps < 300, 1.0, 4.0)
    curves = {
        "train/loss": scale * (1.3 + rng.normal(0, 0.05, 450)),
        "train/grad_norm": scale * np.exp(rng.normal(0, 0.2, 450)),
        "train/mean_token_accuracy": 0.6 + rng.normal(0, 0.02, 450) - fall * (steps >= 300),
    }
    return spikediag.diagnose(Run.from_arrays({tag: (steps, values) for tag, values in curves.items()}))


def test_an_accuracy_does_not_scale_and_so_does_not_speak_against_it() -> None:
    assert with_accuracy(0.0).lead.primary_cause == "logging-change"


def test_an_accuracy_that_falls_with_the_loss_is_no_changed_log() -> None:
    found = with_accuracy(0.3)
    assert found.lead.primary_cause != "logging-change"
    verdict = next(v for v in found.lead.verdicts if v.cause == "logging-change")
    assert "a share, got worse" in str(cases.evidence(verdict, "accuracy-moved").reading)


@pytest.mark.parametrize("waves", [True, False])
def test_a_gradient_norm_abstains_where_its_waves_hide_the_factor(*, waves: bool) -> None:
    """Loss and error fall to a third; the norm fell by another factor, unless it is wide waves."""
    rng, n = np.random.default_rng(14), len(cases.STEPS)
    loss, error = cases.nll(), cases.mse()
    scatter = np.repeat(rng.normal(0, 1.5 if waves else 0.05, n // 20), 20)
    norm = np.exp(scatter + rng.normal(0, 0.05, n))
    for values, factor in ((loss, 0.3), (error, 0.3), (norm, 0.6)):
        values[cases.AT :] *= factor
    gradient = cases.series("bc/grad_norm", Role.GRAD_NORM, norm)
    run = cases.make_run(loss, error, gradient, facts=cases.CALM_FACTS)
    case = cases.make_case(run, cases.spike_at(run, cases.AT, len(loss), Kind.LEVEL_SHIFT))
    assert (explain(case).primary_cause == "logging-change") is waves


@pytest.mark.parametrize("count", [4, 8])
def test_tags_that_drift_apart_are_compared_close_to_the_onset(count: int) -> None:
    """As a model learns its loss falls and its gradient norm grows; the factor is seen at the step alone."""
    rng, steps = np.random.default_rng(12), np.arange(1, 451)
    scale = np.where(steps < 300, 1.0, count)
    curves = {
        "train/loss": scale * 1.5 * np.exp(-0.002 * steps) * np.exp(rng.normal(0, 0.02, 450)),
        "train/grad_norm": scale * 0.3 * np.exp(0.0025 * steps) * np.exp(rng.normal(0, 0.05, 450)),
    }
    run = Run.from_arrays({tag: (steps, values) for tag, values in curves.items()})
    assert spikediag.diagnose(run).lead.primary_cause == "logging-change"


def test_a_level_near_zero_has_no_factor() -> None:
    """Its quotient is so uncertain that it would agree with any other, with none at all too."""
    near_zero = Factor("loss", Role.LOSS, -3.5, 2.6)
    assert not near_zero.agrees(Factor("mse", Role.COMPANION, 0.06, 0.06))
    assert Factor("loss", Role.LOSS, -1.31, 0.03).agrees(Factor("grad_norm", Role.GRAD_NORM, -1.39, 0.18))


@pytest.mark.parametrize("factor", [0.6, 0.8])
def test_a_factor_near_one_is_what_a_training_drifts_by(factor: float) -> None:
    case = rescaled(factor, factor)
    assert LoggingChange().judge(case).decisive is (factor < 0.7)
