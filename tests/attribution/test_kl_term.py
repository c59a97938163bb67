"""kl-term: what decides it, and what speaks against it."""

import numpy as np
import pytest

from spikediag.model import Status
from tests.attribution.learners import AT, N, found, noise, verdict, weights

CLIMB = np.clip((np.arange(N) - AT) / 40, 0, None)
KL = 0.03 + np.abs(noise(2, 0, 0.01)) + CLIMB


@pytest.mark.parametrize("beta", [0.02, 0.04, 0.1, 0.2])
@pytest.mark.parametrize(("loss", "kl"), [("train/loss", "train/kl"), ("train/policy_loss", "objective/kl")])
def test_a_loss_that_is_a_multiple_of_the_kl_is_that_term(beta: float, loss: str, kl: str) -> None:
    curves = {loss: beta * KL + noise(3, 0, 0.01 * beta), kl: KL, "train/reward": noise(4, 0.5, 0.05)}
    finding = found(curves)
    assert finding.primary_cause == "kl-term"
    assert f"{beta:.3g} times {kl}" in str(verdict(finding, "kl-term").mechanism)


def test_a_kl_that_rises_otherwise_is_no_multiple() -> None:
    curves = {"train/loss": 0.1 * CLIMB**2 + noise(3, 0.01, 0.002), "train/kl": KL, "train/reward": noise(4)}
    finding = found(curves)
    assert weights(finding, "kl-term") == {"no-multiple": -1.5}
    assert finding.primary_cause != "kl-term"


def test_a_loss_that_is_thousands_of_times_the_kl_is_no_penalty() -> None:
    curves = {"train/loss": 5e3 * KL + noise(3), "train/kl": KL, "train/reward": noise(4)}
    assert found(curves).primary_cause != "kl-term"


def test_a_round_coefficient_counts() -> None:
    def weighed(beta: float) -> dict[str, float]:
        return weights(found({"train/loss": beta * KL, "train/kl": KL, "train/reward": noise(4)}), "kl-term")

    assert "round-factor" in weighed(0.05)
    assert "round-factor" not in weighed(0.0537)


def test_a_loss_without_a_kl_beside_it_is_not_spoken_of() -> None:
    finding = found({"train/loss": CLIMB + noise(3, 0, 0.01), "eval/accuracy": noise(4, 0.5, 0.01)})
    assert "kl-term" not in {v.cause for v in finding.verdicts}
    assert Status.SUPPORTED not in {v.status for v in finding.verdicts}


def test_no_warm_up_beside_it_takes_its_answer() -> None:
    rate = 1e-5 * np.clip((np.arange(N) + 1 - AT + 20) / 20, 0.05, 1)
    curves = {"train/loss": 0.1 * KL, "train/kl": KL, "train/reward": noise(4, 0.5, 0.05)}
    assert found(curves | {"train/learning_rate": rate}).primary_cause == "kl-term"


def test_a_burst_that_is_the_penalty_while_it_stands_high_is_that_term() -> None:
    """Between bursts the policy's own term hides it."""
    kl = np.abs(noise(31, 0.05, 0.008))
    kl[AT:] += 6 * np.exp(-np.arange(N - AT) / 8)
    finding = found(
        {"train/loss": 0.04 * kl + noise(32, 0.0, 3e-3), "train/kl": kl, "train/reward": noise(33)}
    )
    assert finding.primary_cause == "kl-term"
