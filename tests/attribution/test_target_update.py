"""target-update: what decides it, and what rules it out."""

import numpy as np
import pytest

from spikediag.attribution.periods import beat
from spikediag.model import Role, Series, Status
from tests.attribution.learners import AT, burst, found, noise, verdict


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


def test_a_stated_period_is_named_with_its_source() -> None:
    finding = found({"critic_loss": updated(100, 6, 3)}, target_update_interval=100)
    stated = next(e for e in verdict(finding, "target-update").evidence if e.what == "stated")
    assert stated.observed == 100


def test_a_jump_between_the_updates_is_not_one_of_them() -> None:
    values = burst(updated(100, 6, 3), 337, 60.0)
    assert verdict(found({"critic_loss": values}), "target-update").status is Status.RULED_OUT


@pytest.mark.parametrize("tail", ["normal", "lognormal", "t"])
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
