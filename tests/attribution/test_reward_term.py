"""reward-term: what decides it, and what rules it out."""

from itertools import product

import numpy as np
import pytest

from spikediag.model import Status
from tests.attribution.learners import AT, burst, found, noise, verdict, weights
from tests.conftest import some_of

LOSS = burst(np.abs(noise(1, 0.1, 0.02)), AT, 400.0, 3)
TERMS = {"Episode_Reward/tracking": noise(2, 1.5, 0.05), "Episode_Reward/joint_acc": noise(3, -0.2, 0.02)}


PREFIXES = ["Episode_Reward/", "Episode/rew_", "Train/Episode_Reward/", "rewards/", "Reward / "]
EXPLOSIONS = list(product(PREFIXES, [0, 1], [-60.0, 5e4]))


@pytest.mark.parametrize("explosion", some_of(*EXPLOSIONS[::5], slow=tuple(EXPLOSIONS)))
def test_a_term_that_explodes_in_the_iteration_or_before_is_supported(
    explosion: tuple[str, int, float],
) -> None:
    prefix, lead, height = explosion
    terms = {f"{prefix}tracking": noise(2, 1.5, 0.05)}
    terms[f"{prefix}action_rate"] = burst(noise(4, -0.4, 0.03), AT - lead, height, 3)
    total = burst(noise(5, 40.0, 1.0), AT, height, 3)
    finding = found({"Loss/value_function": LOSS, "Train/mean_reward": total, **terms})
    assert finding.primary_cause == "reward-term"
    assert f"{prefix}action_rate" in str(verdict(finding, "reward-term").mechanism)


def test_a_term_that_had_gone_as_far_before_without_a_jump_is_not_it() -> None:
    term = noise(4, -0.4, 0.03)
    term[AT - 60] = -45.0
    terms = {"Episode_Reward/tracking": noise(2, 1.5, 0.05), "Episode_Reward/rate": burst(term, AT, -60.0, 3)}
    finding = found({"Loss/value_function": LOSS, **terms})
    assert weights(finding, "reward-term")["term-before"] < 0
    assert finding.primary_cause != "reward-term"


def test_the_reward_itself_is_no_term_of_it() -> None:
    """Its usual level is no measure of the terms, and where it grows no term has exploded."""
    term = burst(noise(4, -0.01, 0.003), AT, -40.0, 3)
    finding = found({"losses/c_loss": LOSS, "rewards/step": noise(5, 20.0, 1.0), "Episode/rew_contact": term})
    assert finding.primary_cause == "reward-term"
    grown = burst(noise(5, 20.0, 0.5), AT, 260.0, len(LOSS))
    alone = found({"losses/c_loss": burst(LOSS, AT, 400.0, len(LOSS)), "rewards/step": grown})
    assert verdict(alone, "reward-term").status is not Status.SUPPORTED


def test_terms_in_their_usual_range_speak_against_it() -> None:
    finding = found({"Loss/value_function": LOSS, **TERMS})
    assert weights(finding, "reward-term") == {"terms-usual": -1.5}
    assert finding.primary_cause != "reward-term"


def test_a_term_that_was_nothing_and_is_little_has_not_exploded() -> None:
    rare = burst(np.zeros(len(LOSS)), AT, -0.2)
    finding = found({"Loss/value_function": LOSS, **TERMS, "Episode_Reward/termination": rare})
    assert weights(finding, "reward-term")["term-size"] < 0
    assert finding.primary_cause != "reward-term"


def test_a_term_that_explodes_after_the_loss_is_the_consequence() -> None:
    stays = burst(np.abs(noise(1, 0.1, 0.02)), AT, 400.0, 200)
    late = burst(noise(4, -0.4, 0.03), AT + 6, -900.0, 100)
    finding = found({"Loss/value_function": stays, "Episode_Reward/action_rate": late, **TERMS})
    assert verdict(finding, "reward-term").status is Status.RULED_OUT


def test_a_term_that_is_earned_step_by_step_has_not_exploded() -> None:
    """A curriculum pays ever more for staying upright: the loss grows with the square of the returns."""
    earned = np.where(np.arange(len(LOSS)) < AT, 0.0, np.arange(len(LOSS)) - AT) * 2.5
    terms = {
        "reward_terms/upright": noise(2, -6.0, 0.3) + earned,
        "reward_terms/torque": noise(3, -0.6, 0.02),
    }
    loss = 100 + 0.01 * earned**2 + noise(6, 0.0, 3.0)
    total = terms["reward_terms/upright"] + noise(7, 0.0, 0.5)
    finding = found({"losses/value_loss": loss, "charts/episodic_return": total, **terms})
    assert weights(finding, "reward-term")["term-climbs"] == -2
    assert verdict(finding, "reward-term").status is not Status.SUPPORTED


@pytest.mark.parametrize(("size", "named"), [(-300.0, True), (300.0, False)])
def test_what_falls_by_as_much_as_the_total_reward_is_a_term_of_it(size: float, *, named: bool) -> None:
    part = burst(noise(21, -0.4, 0.02), AT, size)
    curves = {
        "Loss/value_function": burst(np.abs(noise(22, 0.1, 0.01)), AT, 9e3),
        "Train/mean_reward": 20.0 + part + noise(23, 0.0, 0.1),
        "Episode/joint_acc": part,
    }
    finding = found(curves)
    assert (finding.primary_cause == "reward-term") is named


def test_without_terms_it_asks_for_them() -> None:
    judged = verdict(found({"Loss/value_function": LOSS, "Train/mean_reward": noise(5, 40.0)}), "reward-term")
    assert judged.status is Status.NOT_CHECKABLE
    assert "every term" in str(judged.missing[0].text)
