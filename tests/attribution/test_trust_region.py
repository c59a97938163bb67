"""trust-region: what decides it, and what rules it out."""

import numpy as np
import pytest

from spikediag.model import Status
from tests.attribution.learners import AT, N, burst, found, noise, verdict, weights

LOSS = burst(noise(1, -0.02, 0.01), AT, 3.0)


@pytest.mark.parametrize(
    ("loss", "kl", "clip"),
    [
        ("train/policy_gradient_loss", "train/approx_kl", "train/clip_fraction"),
        ("losses/policy_loss", "losses/approx_kl", "losses/clipfrac"),
        ("ppo/loss/policy", "ppo/policy/approxkl", "ppo/policy/clipfrac"),
        ("actor/pg_loss", "actor/ppo_kl", "actor/pg_clipfrac"),
        ("losses/a_loss", "info/kl", "info/clip_frac"),
        ("Loss / Policy loss", "Policy / KL divergence", "Policy / Clip fraction"),
    ],
)
@pytest.mark.parametrize("lead", [0, 1, 3])
def test_a_divergence_that_leaps_with_the_loss_or_before_it_is_supported(
    loss: str, kl: str, clip: str, lead: int
) -> None:
    curves = {
        loss: LOSS,
        kl: burst(np.abs(noise(2, 0.01, 0.003)), AT - lead, 0.9, lead + 1),
        clip: burst(np.abs(noise(3, 0.1, 0.02)), AT - lead, 0.5, lead + 1),
    }
    finding = found(curves)
    assert finding.primary_cause == "trust-region"
    assert set(weights(finding, "trust-region")) == {"policy-moved", "policy-distance", "clipped-share"}


def test_one_that_leaps_after_the_loss_is_the_consequence() -> None:
    stays = burst(noise(1, -0.02, 0.01), AT, 3.0, 200)
    kl = burst(np.abs(noise(2, 0.01, 0.003)), AT + 5, 0.9, 100)
    finding = found({"train/policy_gradient_loss": stays, "train/approx_kl": kl})
    assert verdict(finding, "trust-region").status is Status.RULED_OUT


def test_one_in_its_usual_range_speaks_against_it() -> None:
    finding = found({"train/policy_gradient_loss": LOSS, "train/approx_kl": np.abs(noise(2, 0.01, 0.003))})
    assert weights(finding, "trust-region") == {"policy-usual": -1.5}
    assert not verdict(finding, "trust-region").open


def test_one_that_leaps_every_few_updates_decides_nothing() -> None:
    kl = np.abs(noise(2, 0.01, 0.003))
    kl[::8] += 0.9
    finding = found({"train/policy_gradient_loss": LOSS, "train/approx_kl": kl})
    assert finding.primary_cause != "trust-region"


@pytest.mark.parametrize("raised", [False, True])
def test_a_divergence_that_stays_far_away_explains_what_jumps_on_the_way(*, raised: bool) -> None:
    """It has no onset at the jump; where the learning rate was raised, that comes first."""
    away = np.arange(N) >= AT - 60
    kl = np.where(away, 40.0, 1.0) * np.abs(noise(3, 0.01, 0.001))
    rate = np.where(away & raised, 3e-3, 3e-4)
    curves = {"train/policy_gradient_loss": burst(noise(4, 0.0, 0.01), AT, 2.0), "train/approx_kl": kl}
    judged = verdict(found(curves | {"train/learning_rate": rate}), "trust-region")
    assert "policy-away" in {e.what for e in judged.evidence}
    assert (judged.status is Status.SUPPORTED) is not raised


def test_a_divergence_that_had_left_its_range_before_new_noise_explains_it_though_it_moves_on() -> None:
    grown, crept = np.arange(N) >= AT, np.clip((np.arange(N) - (AT - 30)) / 34, 0, 1)
    kl = 0.005 * np.exp(noise(2, 0, 0.5)) * (1 + 30 * crept)
    kl[AT + 20 : AT + 24] += 3.0
    finding = found({"train/policy_gradient_loss": noise(1) * np.where(grown, 10, 1), "train/approx_kl": kl})
    assert finding.primary_cause == "trust-region"
    assert "policy-away" in weights(finding, "trust-region")


def test_a_divergence_that_left_its_range_just_before_new_noise_leads_though_it_went_farther_later() -> None:
    kl = np.abs(noise(2, 0.005, 0.001))
    kl[AT - 3 :] *= 12
    kl[AT + 12 :] *= 5
    loss = noise(1) * np.where(np.arange(N) >= AT, 10, 1)
    finding = found({"train/policy_gradient_loss": loss, "train/approx_kl": kl})
    assert finding.primary_cause == "trust-region"
    assert finding.witnesses.moved[0].lag.leads
    assert str(finding.primary.mechanism).startswith("Updates took the policy far")


def test_without_it_the_line_that_logs_it_is_given() -> None:
    finding = found({"train/policy_gradient_loss": LOSS})
    judged = verdict(finding, "trust-region")
    assert judged.status is Status.NOT_CHECKABLE
    assert "approx_kl" in (judged.missing[0].code or "")


def test_a_likelihood_has_no_trust_region() -> None:
    finding = found({"bc/actor_loss": burst(noise(1, -9, 0.3), AT, 30.0), "bc/mse": noise(2, 0.1, 0.001)})
    assert "trust-region" not in {v.cause for v in finding.verdicts}


def test_values_that_must_be_learnt_anew_after_it_are_its_consequence() -> None:
    curves = {
        "losses/value_loss": burst(np.abs(noise(1, 0.5, 0.05)), AT + 1, 9.0, 3),
        "losses/approx_kl": burst(np.abs(noise(2, 0.01, 0.003)), AT, 0.9),
    }
    assert found(curves).primary_cause == "trust-region"


@pytest.mark.parametrize(
    ("loss", "known"), [("train/policy_gradient_loss", True), ("ppo/loss/policy", False)]
)
def test_a_probability_is_given_where_the_loss_is_known_to_be_a_surrogate(loss: str, known: bool) -> None:
    """The labelled trainings have it with surrogates and with value losses."""
    finding = found({loss: LOSS, "train/approx_kl": burst(np.abs(noise(2, 0.01, 0.003)), AT, 0.9)})
    judged = verdict(finding, "trust-region")
    assert judged.calibrated == known
    assert known or "other kinds of loss than ppo/loss/policy" in str(judged.uncalibrated)
