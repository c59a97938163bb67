"""target-update: what decides it, and what rules it out."""

import numpy as np
import pytest

import spikediag
from spikediag.attribution.causes.target_update import TargetUpdate
from spikediag.attribution.periods import beat, tallest_rises
from spikediag.model import Role, Series, Status
from tests.attribution import cases
from tests.attribution.learners import AT, burst, found, noise, verdict
from tests.conftest import some_of


def updated(period: int, updates: int, seed: int, size: float = 5.0) -> np.ndarray:
    """A critic's loss that leaps one point after every update and decays until the next."""
    rng = np.random.default_rng(seed)
    values = np.abs(rng.normal(1, 0.3, period * updates + period // 2))
    for at in range(period, len(values), period):
        after = np.arange(min(20, len(values) - at - 1))
        values[at + 1 : at + 1 + len(after)] += size * rng.uniform(0.7, 1.3) * np.exp(-after / 5)
    return values


@pytest.mark.parametrize(("period", "seed"), [(60, 0), (120, 1), (300, 2)])
def test_tallest_rises_at_one_phase_are_supported(period: int, seed: int) -> None:
    finding = found({"critic_loss": updated(period, 7, seed, size=12.0)})
    assert finding.primary_cause == "target-update"
    assert f"every {period:,} steps" in str(verdict(finding, "target-update").mechanism)


@pytest.mark.parametrize("seed", [21, 38])
def test_a_train_whose_onsets_are_seen_late_keeps_its_beat_and_is_no_heavy_tail(seed: int) -> None:
    """Noise that goes with the level hides where each leap began; the tallest rises keep the period."""
    rng, x, period = np.random.default_rng([seed, 1]), np.arange(2540), 500
    critic = 0.1 * np.exp(rng.normal(0, 0.45, len(x)))
    critic *= 1 + rng.uniform(2, 40) * np.exp(-(x % period) / rng.uniform(8, 60)) * (x >= period)
    curves = {"critic_loss": critic, "actor_loss": rng.normal(-5, 0.5, len(x))}
    run = spikediag.Run.from_arrays({tag: (10 * x, values) for tag, values in curves.items()})
    causes = {f.primary_cause for f in spikediag.diagnose(run).findings if f.spike.tag == "critic_loss"}
    assert causes == {"target-update"}


def test_a_stated_period_is_named_with_its_source() -> None:
    finding = found({"critic_loss": updated(100, 6, 3)}, target_update_interval=100)
    stated = next(e for e in verdict(finding, "target-update").evidence if e.what == "stated")
    assert stated.observed == 100


def test_a_jump_between_the_updates_is_not_one_of_them() -> None:
    values = burst(updated(100, 6, 3), 337, 60.0)
    assert verdict(found({"critic_loss": values}), "target-update").status is Status.RULED_OUT


@pytest.mark.parametrize("tail", some_of("lognormal", slow=("normal", "t")))
def test_noise_keeps_no_beat(tail: str) -> None:
    rng = np.random.default_rng(7)
    draw = {
        "normal": lambda: rng.normal(size=500),
        "lognormal": lambda: rng.lognormal(0, 1.5, 500),
        "t": lambda: rng.standard_t(2, 500),
    }[tail]
    steps = np.arange(500)
    found_in = [
        (told := beat(Series("critic_loss", Role.LOSS, steps, draw(), np.full(500, np.nan)), ())) is not None
        and told.chance < 1e-3
        for _ in range(20)
    ]
    assert sum(found_in) == 0


def test_a_log_of_one_update_cannot_be_checked_and_asks_for_the_period() -> None:
    values = burst(np.linspace(3, 1, 120), 80, 40.0)
    judged = verdict(found({"critic_loss": values}), "target-update")
    assert judged.status is Status.NOT_CHECKABLE
    assert "target_update_interval" in (judged.missing[0].code or "")


def test_a_policy_gradient_has_no_target_network() -> None:
    finding = found({"train/policy_gradient_loss": burst(noise(1, 0, 0.01), AT, 3.0)})
    assert "target-update" not in {v.cause for v in finding.verdicts}


def once(at: int, n: int = 430, seed: int = 5) -> np.ndarray:
    """A critic that settles, leaps at one step and comes down slowly."""
    rng = np.random.default_rng(seed)
    values = np.exp(-np.arange(n) / 60) + np.abs(rng.normal(0.01, 0.003, n))
    values[at:] += 40 * np.exp(-np.arange(n - at) / 90)
    return values


def test_a_jump_on_the_beat_of_another_loss_of_the_run_is_one_of_its_updates() -> None:
    curves = {"critic_loss": updated(150, 7, 4, size=12.0)}
    curves["qf2_loss"] = once(301, len(curves["critic_loss"]))
    steps = np.arange(len(curves["qf2_loss"]))
    run = spikediag.Run.from_arrays({tag: (steps, values) for tag, values in curves.items()})
    case = next(f for f in spikediag.diagnose(run).findings if f.spike.tag == "qf2_loss")
    judged = verdict(case, "target-update")
    assert "rises of critic_loss come every 150 steps" in str(judged.evidence[0].reading)
    assert judged.status is Status.SUPPORTED


@pytest.mark.parametrize(("at", "period"), [(251, 250), (320, 160), (301, 100)])
def test_one_leap_where_the_stated_update_lies_is_suspected(at: int, period: int) -> None:
    judged = verdict(found({"critic_loss": once(at)}, target_update_interval=period), "target-update")
    assert judged.open
    assert "right where the target network is replaced" in str(judged.evidence[0].reading)


def test_one_leap_between_the_stated_updates_is_not() -> None:
    judged = verdict(found({"critic_loss": once(330)}, target_update_interval=250), "target-update")
    assert "at-update" not in {e.what for e in judged.evidence}
    assert not judged.open


@pytest.mark.parametrize("at", [201, 300, 301])
def test_one_leap_right_after_a_round_step_is_suspected_and_the_period_asked_for(at: int) -> None:
    judged = verdict(found({"critic_loss": once(at)}), "target-update")
    assert judged.status is Status.PLAUSIBLE
    assert "is suspected" in str(judged.evidence[0].reading)
    assert "target_update_interval" in (judged.missing[0].code or "")


def test_rises_are_told_by_where_they_begin() -> None:
    values = updated(100, 6, 3, size=30.0)
    values[202] = 1.3 * values[201]  # the tallest point comes after the update
    rises = tallest_rises(Series("critic_loss", Role.LOSS, np.arange(len(values)), values, values), values)
    assert {101, 201, 301} <= set(rises.tolist())


@pytest.mark.parametrize(("fall", "soon"), [(801, True), (808, True), (860, False)])
def test_a_lasting_fall_of_an_actor_follows_an_update_of_its_critic_or_does_not(
    fall: int, *, soon: bool
) -> None:
    critic, rng = updated(200, 6, 3, size=30.0), np.random.default_rng(7)
    actor = rng.normal(160.0, 2.0, len(critic))
    actor[fall:] -= 40.0
    steps = np.arange(len(critic))
    run = spikediag.Run.from_arrays({"critic_loss": (steps, critic), "actor_loss": (steps, actor)})
    lead = next(f for f in spikediag.diagnose(run).findings if f.spike.tag == "actor_loss")
    assert verdict(lead, "target-update").open is soon


def test_updates_at_whole_multiples_need_four_only_where_the_noise_goes_with_the_level() -> None:
    rng = np.random.default_rng(12)
    x = np.arange(2400)
    level = 1 + 40 * np.exp(-(x % 500) / 90) * (x >= 500)
    lead = found({"critic_loss": level * np.exp(rng.normal(0, 0.35, len(x)))})
    assert verdict(lead, "target-update").status is Status.SUPPORTED


def test_a_second_loss_that_moved_at_the_same_point_speaks_for_new_targets() -> None:
    value = noise(4, -200.0, 1.0)
    value[301:] -= 60.0
    judged = verdict(found({"q_loss": once(301), "v_loss": value[: len(once(301))]}), "target-update")
    assert "moved-together" in {e.what for e in judged.evidence}


@pytest.mark.parametrize("risen", [40.0, 0.0])
def test_a_fall_long_after_an_update_may_take_back_what_the_loss_had_risen_by_there(risen: float) -> None:
    critic, rng = updated(200, 6, 3, size=30.0), np.random.default_rng(7)
    steps, actor = np.arange(len(critic)), rng.normal(160.0, 2.0, len(critic))
    actor[860:] -= 40.0
    falls = spikediag.Run.from_arrays({"critic_loss": (steps, critic), "actor_loss": (steps, actor)})
    spike = next(f.spike for f in spikediag.diagnose(falls).findings if f.spike.tag == "actor_loss")
    actor[:801] -= risen
    run = spikediag.Run.from_arrays({"critic_loss": (steps, critic), "actor_loss": (steps, actor)})
    judged = TargetUpdate().judge(cases.make_case(run, spike))
    assert judged.decisive is (risen > 0)
    assert ("way-back" in {e.what for e in judged.evidence}) is (risen > 0)
