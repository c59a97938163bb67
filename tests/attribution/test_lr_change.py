"""lr-change."""

from dataclasses import replace

import numpy as np
import pytest

import spikediag
from spikediag.attribution.causes.lr_change import LrChange, dose, habit, rate_changes
from spikediag.model import Kind, Role, Run
from tests.attribution import cases
from tests.attribution.learners import AT, N, burst, found, noise, weights


def rate(values: np.ndarray) -> object:
    return cases.series("bc/lr", Role.LEARNING_RATE, values)


def stepped(position: int, factor: float) -> np.ndarray:
    values = np.full(len(cases.STEPS), 3e-4)
    values[position:] *= factor
    return values


def test_a_step_up_just_before_the_jump_is_a_trigger() -> None:
    judged = LrChange().judge(cases.calm_case(rate(stepped(cases.AT - 2, 10))))
    assert judged.decisive
    assert cases.evidence(judged, "lag").weight > 1
    assert "20 steps before the jump" in str(cases.evidence(judged, "lag").reading)
    assert "10.0 times" in str(judged.mechanism)


def test_the_floor_of_a_schedule_that_restarts_is_no_rate_to_keep() -> None:
    values = np.geomspace(3e-4, 1e-6, len(cases.STEPS))
    values[cases.AT - 2 :] = 3e-4
    (advice,) = LrChange().judge(cases.calm_case(rate(values))).advice
    assert str(advice.text).startswith("Restart to less than 0.0003")
    (advice,) = LrChange().judge(cases.calm_case(rate(stepped(cases.AT - 2, 10)))).advice
    assert str(advice.text).startswith("Keep the rate at 0.0003")


@pytest.mark.parametrize(("end", "factor"), [(1.0, 8), (0.5, 40)])
def test_the_small_steps_of_a_warm_up_make_a_leap_no_commoner(end: float, factor: float) -> None:
    """Whether the rate is held or decays between them: the warm-up counts as one change."""
    values = stepped(cases.AT - 2, factor)
    values[:60] *= np.linspace(1 / 60, 1, 60)
    values[60:] *= np.linspace(1, end, len(values) - 60)
    judged = LrChange().judge(cases.calm_case(rate(values)))
    assert cases.evidence(judged, "lag").weight > 1
    assert "2 such change(s)" in str(cases.evidence(judged, "lag").reading)
    assert "rose" in str(cases.evidence(judged, "rose").reading)


@pytest.mark.parametrize("position", [200, cases.AT + 50])
def test_a_step_long_before_or_after_rules_it_out(position: int) -> None:
    assert LrChange().judge(cases.calm_case(rate(stepped(position, 10)))).ruled_out


def test_a_step_down_does_not_explain_a_jump() -> None:
    assert not LrChange().judge(cases.calm_case(rate(stepped(cases.AT - 2, 0.1)))).decisive


def test_a_constant_rate_rules_it_out() -> None:
    judged = LrChange().judge(cases.calm_case(rate(np.full(len(cases.STEPS), 3e-4))))
    assert judged.ruled_out
    assert cases.evidence(judged, "constant")


def test_a_cosine_is_no_abrupt_change() -> None:
    values = 1.5e-4 * (1 + np.cos(np.pi * cases.STEPS / 20_000)) + 1e-9
    judged = LrChange().judge(cases.calm_case(rate(values)))
    assert judged.ruled_out
    assert "in the 3,000 steps before" in str(cases.evidence(judged, "no-change-before").reading)


def test_no_more_steps_are_named_than_the_log_holds() -> None:
    epochs = np.arange(300)
    falling, noise = 1e-3 / (1 + 0.01 * epochs), np.random.default_rng(0).normal(0, 0.01, 300)
    loss = 1 + noise + 3.0 * (epochs == 120)
    curves = {"loss": (epochs, loss), "learning_rate": (epochs, falling)}
    finding = spikediag.diagnose(Run.from_arrays(curves)).lead
    assert finding is not None
    said = next(v.evidence for v in finding.verdicts if v.cause == "lr-change")[0].reading
    assert str(said).startswith("learning_rate did not change abruptly before step 120 (")


@pytest.mark.parametrize(("often", "factor", "seed"), [(0.2, 1.5, 0), (0.4, 2.0, 1), (0.9, 1.2, 2)])
def test_an_adaptive_rate_answers_to_what_happened_and_is_no_cause(
    often: float, factor: float, seed: int
) -> None:
    rng, n = np.random.default_rng(seed), len(cases.STEPS)
    logs = np.zeros(n)
    for at in range(1, n):  # up and down as it comes, within the limits of an adaptive schedule
        move = rng.choice([-1, 1]) * np.log(factor) * (rng.random() < often)
        logs[at] = np.clip(logs[at - 1] + move, np.log(1e-2), np.log(1e1))
    logs[cases.AT - 1 :] += np.log(10)
    judged = LrChange().judge(cases.calm_case(rate(1e-3 * np.exp(logs))))
    assert judged.ruled_out
    assert not judged.advice
    assert "is adaptive" in str(cases.evidence(judged, "adaptive").reading)


@pytest.mark.parametrize("period", [24, 60, 200])
def test_a_cyclic_schedule_is_not_adaptive(period: int) -> None:
    phase = np.arange(len(cases.STEPS)) % period / period
    for values in (1 - 0.9 * phase, 0.1 + np.abs(phase - 0.5)):
        assert not habit(rate(1e-3 * values)).adaptive


def test_not_logged_is_not_checkable_but_a_stated_constant_rate_is_evidence() -> None:
    assert not LrChange().judge(cases.calm_case()).checkable
    facts = {**cases.CALM_FACTS, "lr_schedule": "constant"}
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), facts=facts)
    judged = LrChange().judge(cases.make_case(run))
    assert not judged.checkable
    assert cases.evidence(judged, "constant-stated").weight < 0


def test_changes_are_found_against_the_usual_change() -> None:
    (change,) = rate_changes(rate(stepped(700, 3.0)))
    assert change.step == 7000
    assert change.factor == pytest.approx(3.0)


def test_the_end_of_a_warm_up_is_a_change() -> None:
    values = 3e-4 * np.minimum(1.0, (cases.STEPS + 10) / 14_990) ** 0.5
    judged = LrChange().judge(cases.calm_case(rate(values)))
    assert "warmed up" in str(cases.evidence(judged, "rose").reading)
    assert cases.evidence(judged, "rose").weight < 0.5  # every schedule has one
    assert judged.decisive


def test_where_steps_count_samples_a_rate_acts_for_as_many_logged_points() -> None:
    """A policy that logs every 2,048 samples, three points after its rate was raised tenfold."""
    curves = {"losses/policy_loss": burst(noise(1, -0.02, 0.01), AT, 3.0)}
    curves["charts/learning_rate"] = 3e-4 * np.where(np.arange(N) < AT - 3, 1.0, 10.0)
    steps = 2048 * np.arange(N)
    run = Run.from_arrays({tag: (steps, values) for tag, values in curves.items()})
    assert spikediag.diagnose(run).lead.primary_cause == "lr-change"


def test_spikes_that_come_only_at_the_higher_rate_follow_the_dose() -> None:
    positions = [1510, 1600, 1700, 1800]
    values = rate(stepped(1500, 5.0))
    run = cases.make_run(cases.nll(dict.fromkeys(positions, 20.0)), cases.mse(), values, facts={})
    case = cases.make_case(run, cases.train_at(run, positions))
    counted = dose(case, rate_changes(values)[0])
    assert (counted.before, counted.after) == (0, 4)
    assert counted.chance == pytest.approx(0.5**4)
    assert cases.evidence(LrChange().judge(case), "dose").weight > 0.2


@pytest.mark.parametrize("late", [1, 2, 3, 50])
def test_a_step_after_the_jump_is_no_cause_and_its_lag_is_printed_with_its_sign(late: int) -> None:
    judged = LrChange().judge(cases.calm_case(rate(stepped(cases.AT + late, 6))))
    assert judged.ruled_out
    found = cases.evidence(judged, "lag")
    assert found.observed == -10 * late
    assert f"{10 * late} steps after the jump began" in str(found.reading)


def test_a_step_between_two_sparse_points_may_have_come_first() -> None:
    """Logged every 50th point: new at step 15,300, old at 14,800; the jump at 15,000 lies between."""
    sparse = slice(30, None, 50)
    values = stepped(cases.AT, 6)[sparse]
    series = cases.series("bc/lr", Role.LEARNING_RATE, values, cases.STEPS[sparse])
    judged = LrChange().judge(cases.calm_case(series))
    assert not judged.ruled_out
    assert cases.evidence(judged, "lag").observed == -300


@pytest.mark.parametrize(("factor", "decisive"), [(0.1, True), (0.5, True), (10.0, False)])
def test_a_lasting_fall_is_explained_by_a_rate_that_is_lowered_not_by_one_that_is_raised(
    factor: float, decisive: bool
) -> None:
    loss = cases.nll()
    loss[cases.AT :] -= 8
    run = cases.make_run(loss, cases.mse(), rate(stepped(cases.AT - 1, factor)))
    spike = cases.spike_at(run, cases.AT, len(loss), Kind.LEVEL_SHIFT)
    judged = LrChange().judge(cases.make_case(run, spike))
    assert judged.decisive is decisive
    assert not judged.advice


@pytest.mark.parametrize("grown", [False, True])
def test_updates_that_went_farther_ever_since_tie_a_late_jump_to_the_rate(*, grown: bool) -> None:
    raised = np.arange(N) >= AT - 130
    kl = np.where(raised & grown, 40.0, 1.0) * np.abs(noise(3, 0.01, 0.001))
    curves = {
        "train/policy_gradient_loss": burst(noise(4, 0.0, 0.01), AT, 2.0),
        "train/approx_kl": kl,
        "train/learning_rate": np.where(raised, 1e-2, 3e-4),
    }
    finding = found(curves)
    assert ("updates-grew" in weights(finding, "lr-change")) is grown
    assert (finding.primary_cause == "lr-change") is grown


def test_a_fall_after_a_raised_rate_takes_back_what_the_loss_had_risen_by() -> None:
    values = noise(6, 1.0, 0.02)
    values[AT - 120 : AT - 60] += 6.0
    values[AT - 60 :] += 2.0
    curves = {"train/loss": values, "train/lr": np.where(np.arange(N) >= AT - 122, 3e-3, 3e-4)}
    run = spikediag.Run.from_arrays({tag: (np.arange(N), curve) for tag, curve in curves.items()})
    for finding in spikediag.diagnose(run).findings:
        assert finding.primary_cause == "lr-change"
        assert ("way-back" in weights(finding, "lr-change")) is finding.spike.is_fall


def test_a_warm_up_that_ends_does_not_make_a_loss_scatter() -> None:
    """A loss that leaves the level of chance scatters more with or without one."""
    warming = rate(3e-4 * np.minimum(1.0, (cases.STEPS + 10) / 14_990))
    run = cases.make_run(cases.nll(), cases.mse(), warming, facts=cases.CALM_FACTS)
    noisier = cases.spike_at(run, cases.AT, len(cases.STEPS), Kind.VARIANCE)
    judged = LrChange().judge(cases.make_case(run, replace(noisier, height=1.0)))
    assert cases.evidence(judged, "scatters-anyway").weight < 0
    assert not judged.decisive
