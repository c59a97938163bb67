"""log-std-drift."""

from dataclasses import replace

import numpy as np
import pytest

import spikediag
from spikediag.attribution import Case, explain
from spikediag.attribution.causes.log_std_drift import LogStdDrift
from spikediag.model import Kind, LossKind, Reduction, Role, Series, Tier, Transform
from tests.attribution import cases


def log_std(drop: float = 0.0, level: float = -2.5) -> Series:
    values = level - 0.5 * cases.STEPS / cases.STEPS[-1] + cases.noise(0.01, 3)
    values[cases.AT :] -= drop
    return cases.series("bc/log_std_mean", Role.LOG_STD, values, reduction=Reduction.MEAN)


def test_a_drop_at_the_onset_is_a_trigger_with_the_share_of_the_jump() -> None:
    """With d = 7 and Q = 7, sigma smaller by e costs 7 (e^2 - 1) / 2 - 7 = 15.4 nats."""
    sigma = log_std(1.0)
    surprise = np.where(cases.STEPS[cases.AT] <= cases.STEPS, np.e**2, 1.0)
    loss = 7 * (sigma.natural.values + 0.9189385) + 3.5 * surprise + cases.noise(0.3)
    run = cases.make_run(loss, cases.mse(), sigma, facts=cases.CALM_FACTS)
    case = cases.make_case(run, cases.spike_at(run, cases.AT, len(loss), Kind.LEVEL_SHIFT))
    judged = LogStdDrift().judge(case)
    assert judged.tier is Tier.TRIGGER
    assert judged.decisive
    assert cases.evidence(judged, "sigma-share").weight > 0.5
    assert explain(case).primary_cause == "log-std-drift"


def test_a_log_std_that_stays_is_no_trigger() -> None:
    judged = LogStdDrift().judge(cases.calm_case(log_std()))
    assert cases.evidence(judged, "no-drop").weight == 0
    assert judged.tier is Tier.CONDITION  # the loss is below the isotropic floor: a slow collapse


def test_not_logged_is_not_checkable_and_names_the_line_to_add() -> None:
    judged = LogStdDrift().judge(cases.seed_case())
    assert not judged.checkable
    assert "log_std" in judged.missing[0].code
    assert cases.evidence(judged, "ratio-first").weight < 0


def test_the_librarys_own_line_is_preferred() -> None:
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), log_lines={"log_std": 'info["log_std"] = x'})
    assert LogStdDrift().judge(cases.make_case(run)).missing[0].code == 'info["log_std"] = x'


@pytest.mark.parametrize("taken", [False, True])
def test_errors_of_several_sigmas_are_a_collapse_that_the_loss_alone_does_not_show(*, taken: bool) -> None:
    """Q = 28 in seven dimensions: errors of two sigmas; the loss lies above the isotropic floor.

    A logged mean of sigma says so too: its logarithm is no smaller than the mean of the logarithms.
    """
    sigma = log_std(level=-1.0)
    if taken:
        sigma = replace(sigma, values=np.exp(sigma.values), transform=Transform.LN)
    loss = 7 * (sigma.natural.values + 0.9189385) + 14.0 + cases.noise(0.3)
    loss[cases.AT] += 30
    run = cases.make_run(loss, cases.mse(), sigma, facts=cases.CALM_FACTS)
    judged = LogStdDrift().judge(cases.make_case(run))
    assert cases.evidence(judged, "overconfident").observed == pytest.approx(4, rel=0.1)
    assert judged.tier is Tier.CONDITION
    assert judged.decisive


def test_a_smallest_sigma_at_its_clip_is_told() -> None:
    lowest = cases.series(
        "bc/log_std_min", Role.LOG_STD, np.full(len(cases.STEPS), -5.0), reduction=Reduction.MIN
    )
    facts = {**cases.CALM_FACTS, "log_std_min": -5.0}
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), log_std(), lowest, facts=facts)
    assert cases.evidence(LogStdDrift().judge(cases.make_case(run)), "at-floor")


def test_a_logged_sigma_that_dropped_is_told_as_the_logarithm_that_was_taken() -> None:
    sigma = log_std(1.0)
    taken = cases.series(
        "Policy/std", Role.LOG_STD, np.exp(sigma.values), reduction=Reduction.MEAN, transform=Transform.LN
    )
    case = cases.calm_case(taken)
    judged = LogStdDrift().judge(case)
    assert str(judged.mechanism).startswith("ln Policy/std fell by 1.0")
    assert case.drivers is None


def test_a_drop_that_made_little_of_the_jump_is_told_and_decides_nothing() -> None:
    """Sigma drops by a factor e for one point while the error alone makes the jump."""
    sigma = log_std()
    values = sigma.values.copy()
    values[cases.AT] -= 0.3
    sigma = cases.series("bc/log_std_mean", Role.LOG_STD, values, reduction=Reduction.MEAN)
    error = cases.mse({cases.AT: 1.0})
    surprise = 7 * error / np.median(error)
    loss = 7 * (sigma.natural.values + 0.9189385) + surprise / 2 + cases.noise(0.1)
    run = cases.make_run(loss, error, sigma, facts=cases.CALM_FACTS)
    judged = LogStdDrift().judge(cases.make_case(run))
    assert judged.tier is Tier.TRIGGER
    assert cases.evidence(judged, "sigma-share").weight < -1
    assert not judged.decisive


@pytest.mark.parametrize("late", [1, 2])
def test_a_drop_after_the_jump_is_no_cause(late: int) -> None:
    loss = cases.nll({cases.AT: 22, cases.AT + 1: 30, cases.AT + 2: 39, cases.AT + 3: 23})
    values = -0.5 + cases.noise(0.01, 3)
    values[cases.AT + late :] -= 1.5
    series = cases.series("bc/log_std", Role.LOG_STD, values, reduction=Reduction.MEAN)
    run = cases.make_run(loss, cases.mse(level=3.0), series, facts=cases.CALM_FACTS)
    judged = LogStdDrift().judge(cases.make_case(run, cases.spike_at(run, cases.AT, cases.AT + 4)))
    assert judged.tier is Tier.CONDITION or judged.ruled_out
    assert f"dropped {10 * late} steps after the jump" in str(cases.evidence(judged, "no-drop").reading)


@pytest.mark.parametrize("late", [0, 5])
def test_of_a_lasting_rise_only_a_drop_that_came_no_later_is_the_cause(late: int) -> None:
    loss = cases.nll(dict.fromkeys(range(cases.AT, len(cases.STEPS)), 39.0))
    values = -0.5 + cases.noise(0.01, 3)
    values[cases.AT + late :] -= 1.5
    series = cases.series("bc/log_std", Role.LOG_STD, values, reduction=Reduction.MEAN)
    run = cases.make_run(loss, cases.mse(), series, facts=cases.CALM_FACTS)
    spike = cases.spike_at(run, cases.AT, len(loss), Kind.LEVEL_SHIFT)
    judged = LogStdDrift().judge(cases.make_case(run, spike))
    assert (cases.evidence(judged, "dropped") is not None) == (late == 0)


@pytest.mark.parametrize("tag", ["critic/critic_loss", "train/diffusion_loss", "train/loss"])
def test_a_loss_that_has_no_sigma_is_not_asked_for_one(tag: str) -> None:
    values = 0.5 + cases.noise(0.03)
    values[cases.AT : cases.AT + 6] += 4
    found = spikediag.diagnose(spikediag.Run.from_arrays({tag: (cases.STEPS, values)}))
    assert found.findings
    said = [str(found.overall.summary)]
    for verdict in found.findings[0].verdicts:
        said += [str(a.text) for a in (*verdict.missing, *verdict.advice)]
        said += [str(e.reading) for e in verdict.evidence]
    assert not [text for text in said if "sigma" in text or "log-std" in text]


def test_a_loss_that_runs_down_with_sigma_is_its_logarithm() -> None:
    """A term that pays for a small sigma: the loss has no lower end, and the error stays."""
    down = np.linspace(0, 5, len(cases.STEPS)) * (np.arange(len(cases.STEPS)) >= cases.AT)
    sigma = cases.series(
        "bc/log_std_mean", Role.LOG_STD, -0.5 - down + cases.noise(0.01, 3), reduction=Reduction.MEAN
    )
    run = cases.make_run(-9 - 30 * down + cases.noise(0.3), cases.mse(), sigma, facts=cases.CALM_FACTS)
    spike = cases.spike_at(run, cases.AT, len(cases.STEPS), Kind.DIVERGENCE)
    judged = LogStdDrift().judge(cases.make_case(run, replace(spike, height=-150.0)))
    assert judged.decisive
    assert "while the loss went down" in str(cases.evidence(judged, "followed-down").reading)
    assert "whatever the error does" in str(judged.mechanism)


def test_a_surrogate_does_not_divide_by_sigma() -> None:
    run = cases.make_run(cases.nll(), cases.mse(), log_std(), facts=cases.CALM_FACTS)
    loss = replace(run.series["bc/actor_loss"], kind=LossKind.POLICY_GRADIENT)
    assert not LogStdDrift().applies(run, loss)
    assert LogStdDrift().applies(run, run.series["bc/actor_loss"])


def sinking(sank: float, later: int = 0) -> Case:
    """A loss that climbs for 400 points from the onset on, and a sigma that sinks as long.

    Args:
        sank: Nats by which sigma has sunk at the end.
        later: Points after the onset at which sigma begins to sink.
    """
    n = len(cases.STEPS)
    ramp = np.clip((np.arange(n) - cases.AT) / 400, 0, 1)
    lag = np.clip((np.arange(n) - cases.AT - later) / 400, 0, 1)
    sigma = replace(log_std(), values=log_std().values - sank * lag)
    surprise = 7 * np.exp(2 * sank * ramp)
    loss = 7 * (sigma.natural.values + 0.9189385) + 0.5 * surprise + cases.noise(0.3)
    run = cases.make_run(loss, cases.mse(), sigma, facts=cases.CALM_FACTS)
    return cases.make_case(run, cases.spike_at(run, cases.AT, n, Kind.DRIFT))


def test_a_sigma_that_sinks_along_a_climb_is_what_happened() -> None:
    judged = LogStdDrift().judge(sinking(1.0))
    assert judged.tier is Tier.TRIGGER
    assert judged.decisive
    assert explain(sinking(1.0)).primary_cause == "log-std-drift"


def test_a_sigma_that_sinks_a_little_is_not() -> None:
    assert not any(e.what == "sank" for e in LogStdDrift().judge(sinking(0.2)).evidence)


def test_a_sigma_that_sinks_after_the_climb_is_not() -> None:
    judged = LogStdDrift().judge(sinking(1.0, later=350))
    assert not any(e.what == "sank" for e in judged.evidence)


def test_an_error_that_stays_higher_after_a_burst_speaks_against_a_small_sigma() -> None:
    error = cases.mse()
    error[cases.AT :] += 0.1
    run = cases.make_run(cases.nll({cases.AT: 39}), error, log_std(), facts=cases.CALM_FACTS)
    judged = LogStdDrift().judge(cases.make_case(run))
    assert cases.evidence(judged, "error-stays").weight < 0
    calm = LogStdDrift().judge(cases.calm_case(log_std()))
    assert not any(e.what == "error-stays" for e in calm.evidence)


@pytest.mark.parametrize("climbs", [True, False])
def test_a_loss_that_climbed_as_sigma_sank_says_that_sigma_is_below_its_best(*, climbs: bool) -> None:
    """Sigma sinks by half a nat in the 500 points before the burst, and the loss falls or climbs by two."""
    before = np.clip((np.arange(len(cases.STEPS)) - cases.AT + 500) / 500, 0, 1)
    sigma = replace(log_std(), values=log_std().values - 0.5 * before)
    loss = cases.nll({cases.AT: 39}) + (4.0 if climbs else -2.0) * before
    run = cases.make_run(loss, cases.mse(), sigma, facts=cases.CALM_FACTS)
    judged = LogStdDrift().judge(cases.make_case(run))
    assert any(e.what == "outran" for e in judged.evidence) is climbs
