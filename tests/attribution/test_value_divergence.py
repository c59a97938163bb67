"""value-divergence: what decides it, and what rules it out."""

import numpy as np
import pytest

from spikediag.model import Status
from tests.attribution.learners import AT, N, burst, found, noise, verdict, weights

RUN = np.clip(np.arange(N) - AT, 0, None)


@pytest.mark.parametrize("q", ["train/q_mean", "critic/predicted_qs", "losses/qf1_values", "q_values"])
def test_values_that_run_away_with_the_critic_are_supported(q: str) -> None:
    critic = np.abs(noise(1, 0.5, 0.05)) * np.exp(0.08 * RUN)
    finding = found({"train/critic_loss": critic, q: noise(2, 20, 0.5) * np.exp(0.05 * RUN)})
    assert finding.primary_cause == "value-divergence"
    assert {"q-grew", "grows"} <= set(weights(finding, "value-divergence"))


@pytest.mark.parametrize(("seed", "rate"), [(4, 0.01), (5, 0.01)])
def test_a_loss_whose_scatter_grows_with_its_level_grew_from_where_it_stood(seed: int, rate: float) -> None:
    """The scatter of the divergence itself is no measure of what it grew from."""
    scatter = np.exp(np.random.default_rng(seed).normal(0, 0.3, N))
    q = noise(2, 10, 0.3) * 10 ** (rate / 2 * RUN)
    finding = found({"train/loss_critic": 2 * 10 ** (rate * RUN) * scatter, "train/q1_mean": q})
    assert finding.primary_cause == "value-divergence"


@pytest.mark.parametrize("height", [400.0, 5e4])
def test_an_actor_that_mirrors_q_is_supported(height: float) -> None:
    up = height * np.clip(RUN / 50, 0, 1)
    curves = {"train/actor_loss": noise(1, -50, 1.0) + up, "train/q_mean": noise(2, 50, 1.0) - up}
    finding = found(curves)
    assert finding.primary_cause == "value-divergence"
    assert weights(finding, "value-divergence")["mirrors-q"] > 1


def test_a_burst_beside_quiet_values_is_none() -> None:
    finding = found(
        {"train/critic_loss": burst(np.abs(noise(1, 0.5, 0.05)), AT, 9.0), "train/q_mean": noise(2, 20, 0.5)}
    )
    assert set(weights(finding, "value-divergence")) == {"values-usual", "came-back"}
    assert not verdict(finding, "value-divergence").open


def test_growth_alone_is_plausible_and_asks_for_q() -> None:
    critic = np.abs(noise(1, 0.5, 0.05)) * np.exp(0.08 * RUN)
    judged = verdict(found({"train/critic_loss": critic}), "value-divergence")
    assert judged.status is Status.PLAUSIBLE
    assert "largest Q" in str(judged.missing[0].text)


def test_a_burst_without_a_logged_q_cannot_be_checked() -> None:
    judged = verdict(
        found({"train/critic_loss": burst(np.abs(noise(1, 0.5, 0.05)), AT, 9.0)}), "value-divergence"
    )
    assert judged.status is Status.NOT_CHECKABLE


def test_a_likelihood_has_no_values() -> None:
    finding = found({"bc/actor_loss": burst(noise(1, -9, 0.3), AT, 30.0), "bc/mse": noise(2, 0.1, 0.001)})
    assert "value-divergence" not in {v.cause for v in finding.verdicts}


def test_values_within_the_returns_have_not_run_away() -> None:
    """Minus Q falls as the policy learns: Q is what it collects."""
    up = 12 * np.clip(RUN / 50, 0, 1)
    curves = {
        "train/actor_loss": noise(1, 0, 0.3) - up,
        "train/q_mean": noise(2, 0, 0.3) + up,
        "rollout/ep_rew_mean": noise(3, 30, 1.0),
    }
    judged = verdict(found(curves), "value-divergence")
    assert "returns collected by then" in str(judged.evidence[1].reading) + str(judged.evidence[0].reading)
    assert judged.status is not Status.SUPPORTED


@pytest.mark.parametrize("returns", [30, -30])
def test_only_returns_of_the_sign_of_the_values_allow_them(returns: float) -> None:
    up = 12 * np.clip(RUN / 50, 0, 1)
    curves = {
        "train/actor_loss": noise(1, 0, 0.3) - up,
        "train/q_mean": noise(2, 0, 0.3) + up,
        "rollout/ep_rew_mean": noise(3, returns, 1.0),
    }
    assert ("within-returns" in weights(found(curves), "value-divergence")) is (returns > 0)
