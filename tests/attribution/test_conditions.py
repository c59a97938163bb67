"""Conditions, on calm runs too."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.attribution import conditions
from spikediag.model import ActionDimension, Condition, Measure, Reduction, Role, Run, Status, StepUnit
from tests.attribution import cases


def of(run: Run) -> dict[str, Condition]:
    return {c.condition: c for c in conditions(run, ())}


def calm(*others, facts=cases.SEED_FACTS, error: bool = True, **more) -> Run:
    return cases.make_run(cases.nll(), cases.mse() if error else None, *others, facts=facts, **more)


def test_the_users_run_before_any_spike() -> None:
    found = of(calm())
    assert found["batch-ratio"].status is Status.SUPPORTED
    assert found["batch-ratio"].value == pytest.approx(256 / 418)
    assert found["batch-ratio"].advice[0].code == "batch_size = 64"
    assert "12,249" in str(found["passes"].reading)
    assert found["sigma-collapse"].status is Status.SUPPORTED
    assert found["log-std"].status is Status.SUPPORTED
    assert found["companion"].status is Status.RULED_OUT


@pytest.mark.parametrize(
    ("batch", "status"),
    [(32, Status.RULED_OUT), (64, Status.RULED_OUT), (150, Status.PLAUSIBLE), (210, Status.SUPPORTED)],
)
def test_the_rule(batch: int, status: Status) -> None:
    run = calm(facts={"batch_size": batch, "dataset_size": 418})
    assert of(run)["batch-ratio"].status is status


def test_accumulation_and_workers_count() -> None:
    run = calm(facts={"batch_size": 32, "effective_batch_size": 256, "dataset_size": 418})
    assert of(run)["batch-ratio"].value == pytest.approx(256 / 418)


def test_unknown_sizes_are_not_checkable_and_say_how_to_give_them() -> None:
    found = of(calm(facts={}))
    assert found["batch-ratio"].status is Status.NOT_CHECKABLE
    assert "--batch-size N --dataset-size N" in found["batch-ratio"].advice[0].code
    assert "passes" not in found


def test_epochs_on_the_axis_are_passes() -> None:
    run = calm(step_unit=StepUnit.EPOCH, facts={"batch_size": 32, "dataset_size": 418})
    assert of(run)["passes"].value == pytest.approx(20_000)


def test_no_companion() -> None:
    assert of(calm(error=False))["companion"].status is Status.SUPPORTED


def test_a_learner_of_unknown_loss_that_logs_its_reward_is_asked_for_no_error_metric() -> None:
    reward = cases.series("train/reward", Role.REWARD, 100 + cases.noise(3, 5))
    loss = cases.series("update/loss", Role.LOSS, cases.nll())
    assert of(Run("x", "x", {"update/loss": loss}))["companion"].status is Status.SUPPORTED
    assert "companion" not in of(Run("x", "x", {"update/loss": loss, "train/reward": reward}))


def test_a_rate_of_three_points_is_not_said_never_to_decay() -> None:
    flat = cases.series("lr", Role.LEARNING_RATE, np.full(3, 3e-4), cases.STEPS[:3])
    assert "constant-rate" not in of(calm(flat))


def test_a_loss_above_the_floor_is_no_collapse() -> None:
    run = cases.make_run(cases.nll(level=0.0), cases.mse())
    assert of(run)["sigma-collapse"].status is Status.RULED_OUT


def test_a_rate_that_stays_constant_and_one_that_decays() -> None:
    flat = cases.series("lr", Role.LEARNING_RATE, np.full(len(cases.STEPS), 3e-4))
    falling = cases.series("lr", Role.LEARNING_RATE, 3e-4 * (1 - cases.STEPS / 20_000))
    assert of(calm(flat))["constant-rate"].status is Status.SUPPORTED
    assert of(calm(falling))["constant-rate"].status is Status.RULED_OUT
    stated = of(calm(facts={**cases.SEED_FACTS, "lr_schedule": "constant", "learning_rate": 3e-4}))
    assert stated["constant-rate"].status is Status.PLAUSIBLE
    assert "constant-rate" not in of(calm())


def test_a_rate_that_is_still_warmed_up_when_the_log_ends_is_not_said_never_to_decay() -> None:
    n = len(cases.STEPS)
    climbing = np.concatenate((np.zeros(n // 6), np.linspace(0, 5e-6, n - n // 6)))
    assert "constant-rate" not in of(calm(cases.series("lr", Role.LEARNING_RATE, climbing)))
    warm = np.minimum(3e-4, cases.STEPS * 3e-4 / cases.STEPS[n // 5])
    assert of(calm(cases.series("lr", Role.LEARNING_RATE, warm)))["constant-rate"].status is Status.SUPPORTED


@pytest.mark.parametrize(("floor", "advised"), [(0.05, False), (0.001, True)])
def test_a_tiny_sigma_is_not_advised_a_floor_below_the_one_it_has(floor: float, advised: bool) -> None:
    found = of(calm(facts={**cases.SEED_FACTS, "sigma_min": floor}))["sigma-collapse"]
    assert found.status is Status.SUPPORTED
    assert any(a.remedy == "sigma-floor" for a in found.advice) is advised


def test_exploding_gradients_without_and_with_clipping() -> None:
    values = 2 * np.exp(cases.noise(0.2))
    values[1000] *= 60
    norm = cases.series("grad", Role.GRAD_NORM, values)
    assert of(calm(norm))["no-clipping"].status is Status.SUPPORTED
    assert of(calm(norm, facts={"grad_clip": 1.0}))["no-clipping"].status is Status.RULED_OUT


def test_sigma_conditions_are_for_likelihoods_only() -> None:
    run = calm()
    other = cases.series("bc/actor_loss", Role.LOSS, cases.nll(), measure=Measure.VALUE)
    found = of(Run("r", "r", {**run.series, other.tag: other}, run.facts))
    assert "sigma-collapse" not in found
    assert "log-std" not in found


def test_a_raised_rate_is_no_decay() -> None:
    raised = cases.series("lr", Role.LEARNING_RATE, np.where(cases.STEPS < 12_000, 3e-4, 18e-4))
    assert of(calm(raised))["constant-rate"].status is Status.SUPPORTED


@pytest.mark.parametrize(("floor", "there"), [(-5, True), (0.01, False), (0, False), (None, False)])
def test_a_floor_of_sigma_below_zero_is_no_floor(floor: float | None, there: bool) -> None:
    facts = {**cases.SEED_FACTS, "sigma_min": floor}
    run = cases.make_run(cases.nll(), cases.mse(), facts=facts)
    found = [c for c in conditions(run, ()) if c.condition == "sigma-floor"]
    assert bool(found) is there
    if there:
        assert found[0].advice[0].code == "sigma_min: 0.0067"
        assert "config.yaml: sigma_min is -5" in str(found[0].reading)


@pytest.mark.parametrize(
    ("last", "status"), [(18.0, Status.SUPPORTED), (5.0, Status.SUPPORTED), (0.4, Status.RULED_OUT)]
)
def test_exploration_noise_that_grows_to_the_end_is_a_risk_of_the_run(last: float, status: Status) -> None:
    steps = np.arange(300)
    curves = {
        "Loss/surrogate": np.random.default_rng(0).normal(-0.01, 0.001, 300),
        "Policy/mean_noise_std": last ** (steps / 299),
    }
    run = Run.from_arrays({tag: (steps, values) for tag, values in curves.items()})
    found = of(run)["noise-grows"]
    assert found.status is status
    assert "times what it began with" in str(found.reading)
    if status is Status.SUPPORTED:
        assert "has not turned back" in str(found.reading)


def test_exploration_noise_that_came_down_again_is_none() -> None:
    steps = np.arange(300)
    rise = 18.0 ** (1 - np.abs(steps / 150 - 1)) * 1.1
    rise[250:] = 3.5
    curves = {
        "Loss/surrogate": np.random.default_rng(0).normal(-0.01, 0.001, 300),
        "Policy/mean_noise_std": rise,
    }
    run = Run.from_arrays({tag: (steps, values) for tag, values in curves.items()})
    assert of(run)["noise-grows"].status is Status.RULED_OUT


def test_a_rate_that_adapts_is_to_be_bounded_and_never_kept() -> None:
    turns = np.where(np.arange(len(cases.STEPS)) % 4 < 2, 1.5, 1 / 1.5)
    rate = cases.series("lr", Role.LEARNING_RATE, 1e-3 * np.exp(np.cumsum(np.log(turns)) % 3))
    found = conditions(cases.make_run(cases.nll(), cases.mse(), rate), ())
    adaptive = next(c for c in found if c.condition == "adaptive-rate")
    assert adaptive.status is Status.PLAUSIBLE
    assert "Bound the adaptive rate from above" in str(adaptive.advice[0].text)
    assert "constant-rate" not in {c.condition for c in found}


def dimension(index: int, **changes) -> ActionDimension:
    smooth = ActionDimension(index, "meta/stats.json", -0.9, 0.9, 0.4, 0.1, -0.8, 0.8)
    return replace(smooth, **changes)


def log_std(reduction: Reduction, level: float):
    tag = f"bc/log_std_{reduction}"
    return cases.series(tag, Role.LOG_STD, np.full(2_000, level), reduction=reduction)


def test_statistics_name_the_dimension_to_look_at() -> None:
    actions = (dimension(0), dimension(1, low=-1.0, high=1.0, sd=0.995, mean=0.1, q01=-1.0, q99=1.0))
    found = of(replace(calm(), actions=actions))["degenerate-dimension"]
    assert found.status is Status.SUPPORTED
    assert found.value == 1
    assert "Look at action dimension 1 (meta/stats.json): it has two values only" in str(found.reading)
    assert found.advice[0].code


def test_statistics_without_one_rule_it_out() -> None:
    found = of(replace(calm(), actions=(dimension(0), dimension(1))))["degenerate-dimension"]
    assert found.status is Status.RULED_OUT


@pytest.mark.parametrize(
    ("stated", "low", "status"),
    [
        (True, -1.0, Status.SUPPORTED),
        ("true", -0.9, Status.RULED_OUT),
        (True, None, Status.PLAUSIBLE),
        (False, -1.0, None),
        (None, -1.0, None),
    ],
)
def test_a_squashed_policy_with_targets_at_the_bound_is_fragile(
    stated: object, low: float | None, status: Status | None
) -> None:
    actions = () if low is None else (dimension(0), dimension(1, low=low))
    run = replace(calm(facts={**cases.SEED_FACTS, "tanh_squash": stated}), actions=actions)
    found = of(run).get("tanh-squash")
    assert (found and found.status) is status
    if status is Status.SUPPORTED:
        assert "dimension 1 reaches 1 (meta/stats.json)" in str(found.reading)
        assert "-13.1 nats at 0.999999" in str(found.reading)
        assert found.advice[0].code == "actions = actions.clip(-0.99, 0.99)"
        assert "is 77 sigmas of 0.03" in str(found.advice[0].text)


def test_a_squashed_actor_that_is_no_likelihood_has_no_such_targets() -> None:
    steps, rng = np.arange(300), np.random.default_rng(0)
    curves = {
        "train/actor_loss": (steps, rng.normal(-3, 0.1, 300)),
        "train/critic_loss": (steps, rng.random(300)),
    }
    assert "tanh-squash" not in of(Run.from_arrays(curves, tanh_squash="true"))


@pytest.mark.parametrize(("smallest", "status"), [(-6.4, Status.PLAUSIBLE), (-4.0, Status.RULED_OUT)])
def test_a_smallest_log_std_far_below_the_mean_one_tells_of_one(smallest, status) -> None:
    run = calm(log_std(Reduction.MIN, smallest), log_std(Reduction.MEAN, -3.6))
    assert of(run)["degenerate-dimension"].status is status


def test_without_statistics_and_log_std_the_line_that_would_tell_is_given() -> None:
    found = of(calm())["degenerate-dimension"]
    assert found.status is Status.NOT_CHECKABLE
    assert found.advice[0].code
