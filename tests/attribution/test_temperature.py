"""temperature: what decides it, and what rules it out."""

import numpy as np
import pytest

from spikediag.model import Status
from tests.attribution.learners import AT, N, burst, found, noise, verdict

RUN = np.clip(np.arange(N) - AT, 0, None)
LOSS = np.abs(noise(1, 5, 0.5)) * np.exp(0.12 * RUN)


@pytest.mark.parametrize(
    ("loss", "tag"),
    [
        ("train/critic_loss", "train/ent_coef"),
        ("losses/qf_loss", "losses/alpha"),
        ("critic_loss", "temperature"),
        ("metrics/critic_loss", "metrics/temp"),
    ],
)
@pytest.mark.parametrize("rate", [0.03, 0.1])
def test_a_temperature_that_climbs_with_the_losses_is_supported(loss: str, tag: str, rate: float) -> None:
    climbing = 0.5 * np.exp(rate * RUN + 0.1 * np.sin(np.arange(N)) * rate)
    finding = found({loss: LOSS, tag: climbing})
    assert finding.primary_cause == "temperature"
    assert "climbed from" in str(verdict(finding, "temperature").mechanism)


def test_a_log_of_35_points_is_enough() -> None:
    at = np.arange(35)
    alpha = 0.5 * np.exp(0.8 * at)
    critic = 2.5e3 * np.exp(1.2 * at)
    critic[0] = 2.5e3
    finding = found({"train/critic_loss": critic, "train/actor_loss": -critic / 50, "train/ent_coef": alpha})
    assert finding.primary_cause == "temperature"


def test_the_exponential_of_its_logarithm_counts() -> None:
    finding = found({"train/critic_loss": LOSS, "train/log_ent_coef": np.log(0.5) + 0.1 * RUN})
    assert finding.primary_cause == "temperature"


def test_a_slow_climb_is_steady_though_noise_hides_it_from_point_to_point() -> None:
    climbing = 0.5 * np.exp(0.03 * RUN) * np.exp(0.05 * np.random.default_rng(3).normal(size=N))
    assert np.mean(np.diff(climbing[AT:]) > 0) < 0.7
    assert found({"train/critic_loss": LOSS, "train/ent_coef": climbing}).primary_cause == "temperature"


def test_one_that_stays_is_ruled_out() -> None:
    finding = found({"train/critic_loss": LOSS, "train/ent_coef": np.abs(noise(2, 0.2, 0.01))})
    assert verdict(finding, "temperature").status is Status.RULED_OUT


def test_one_that_is_tuned_slowly_says_nothing_of_a_burst() -> None:
    tuned = 0.01 * np.exp(0.05 * np.arange(N))
    finding = found({"train/critic_loss": burst(np.abs(noise(1, 5, 0.5)), AT, 80.0), "train/ent_coef": tuned})
    assert finding.primary_cause != "temperature"


def test_one_that_climbs_after_the_loss_has_jumped_is_ruled_out() -> None:
    stays = burst(np.abs(noise(1, 5, 0.5)), AT, 80.0, N)
    stays[-1] += 20
    late = 0.5 * np.exp(0.1 * np.clip(np.arange(N) - AT - 60, 0, None))
    finding = found({"train/critic_loss": stays, "train/ent_coef": late})
    assert verdict(finding, "temperature").status is Status.RULED_OUT


def test_a_learner_without_one_is_not_spoken_of() -> None:
    assert "temperature" not in {v.cause for v in found({"train/critic_loss": LOSS}).verdicts}


def test_minus_q_may_fall_with_it() -> None:
    climbing = 0.5 * np.exp(0.05 * RUN + 0.002 * np.sin(np.arange(N)))
    finding = found({"train/actor_loss": noise(1, -20, 0.5) - climbing + 0.5, "train/ent_coef": climbing})
    assert finding.spike.is_fall
    assert finding.primary_cause == "temperature"
