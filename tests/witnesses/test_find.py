"""What else moved at a jump, how unusual that is, and what moved first."""

import math

import numpy as np
import pytest

import spikediag
from spikediag.model import Measure, Role, Run, Series, Transform, Witnesses

N, AT = 1_500, 1_000
STEPS = 10 * np.arange(N)


def noise(seed: int, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, N)


def one(tag: str, values: np.ndarray, role: Role = Role.OTHER, steps: np.ndarray = STEPS, **more) -> Series:
    return Series(tag, role, steps, values, np.full(len(steps), np.nan), **more)


def leap(position: int, height: float, seed: int, length: int = 1, noisy: float = 1.0) -> np.ndarray:
    values = noise(seed, noisy)
    values[position : position + length] += height
    return values


def beside(*others: Series, loss: np.ndarray | None = None) -> Witnesses:
    """What all others did at the one jump of a loss, by 60 at step 10,000 unless given."""
    values = leap(AT, 60.0, 1) if loss is None else loss
    run = Run("r", "r", {s.tag: s for s in (one("loss", values, Role.LOSS), *others)})
    (finding,) = spikediag.diagnose(run).findings
    return finding.witnesses


def test_a_series_that_moved_two_points_before_leads() -> None:
    (witness,) = beside(one("approx_kl", leap(AT - 2, 30.0, 2, length=3))).moved
    assert witness.lag.leads
    assert (witness.lag.steps, witness.lag.low, witness.lag.high) == (20, 10, 30)
    assert witness.change == pytest.approx(30, abs=3)
    assert (witness.moved, witness.windows > 40) == (0, True)
    assert 1e-6 <= witness.chance < 0.01


def test_one_that_moved_at_the_same_logged_point_neither_leads_nor_follows() -> None:
    (witness,) = beside(one("clip_fraction", leap(AT, -30.0, 2))).moved
    assert (witness.lag.steps, witness.lag.low, witness.lag.high) == (0, -10, 10)
    assert not witness.lag.leads
    assert not witness.lag.follows
    assert witness.sigmas < -20


def test_one_that_moved_while_a_lasting_rise_was_under_way_follows() -> None:
    stays = leap(AT, 60.0, 1, length=N)
    (witness,) = beside(one("reward", leap(AT + 5, -20.0, 2, length=N)), loss=stays).moved
    assert witness.lag.follows
    assert witness.lag.steps == -50


def test_one_that_left_its_noise_before_a_rise_that_lasts_leads_though_it_went_farther_later() -> None:
    stays, kl = leap(AT, 60.0, 1, length=N), leap(AT - 3, 15.0, 2, length=N)
    kl[AT - 1] = 0.0
    kl[AT + 11 :] += 60.0
    (witness,) = beside(one("approx_kl", kl), loss=stays).moved
    assert witness.lag.leads
    assert witness.lag.steps == 30


def test_a_single_loud_point_before_it_does_not_date_a_series_that_moved_later() -> None:
    stays, kl = leap(AT, 60.0, 1, length=N), leap(AT + 11, 60.0, 2, length=N)
    kl[AT - 3] += 15.0
    (witness,) = beside(one("approx_kl", kl), loss=stays).moved
    assert witness.lag.follows


@pytest.mark.parametrize("tag", ["Train/mean_reward/time", "Train/mean_reward vs samples"])
def test_a_series_that_repeats_another_over_another_axis_is_not_asked(tag: str) -> None:
    moved = leap(AT - 5, -40.0, 2, length=N)
    found = beside(one("Train/mean_reward", noise(3)), one(tag, moved))
    assert (found.asked, found.moved) == (1, ())


@pytest.mark.parametrize("spacing", [12, 66])
def test_a_series_that_leaps_as_far_every_few_windows_says_nothing(spacing: int) -> None:
    values = leap(AT - 1, 40.0, 2)
    values[::spacing] += 40.0
    assert not beside(one("grad_norm", values, Role.GRAD_NORM)).moved


def test_among_five_hundred_heavy_tailed_series_next_to_none_testifies() -> None:
    rng = np.random.default_rng(5)
    many = [one(f"t{n}", rng.standard_t(3, N)) for n in range(500)]
    found = beside(*many)
    assert found.asked == 500
    assert len(found.moved) <= 1


def test_a_series_with_a_trend_was_on_its_way_already() -> None:
    climbing = one("time/total_timesteps", np.linspace(0, 3e6, N))
    assert not beside(climbing, one("return", np.linspace(0, 900, N) + noise(2))).moved


def test_a_series_that_is_logged_more_sparsely_says_so_in_its_lag() -> None:
    few = STEPS[::25]
    values = np.random.default_rng(3).normal(0, 1, len(few))
    values[few >= STEPS[AT]] += 40.0
    stays = leap(AT, 60.0, 1, length=N)
    (witness,) = beside(one("eval/kl", values, steps=few), loss=stays).moved
    assert witness.lag.high - witness.lag.low >= 250
    assert not witness.lag.leads


def test_without_calm_windows_only_a_large_move_testifies() -> None:
    """Forty points in all: too few windows to learn what is usual."""
    steps, rng = np.arange(40), np.random.default_rng(4)
    curves = {tag: rng.normal(0, 1, 40) for tag in ("loss", "far", "near")}
    curves["loss"][20] += 400
    curves["far"][20] += 60
    curves["near"][20] += 7
    run = Run(
        "r", "r", {t: one(t, v, Role.LOSS if t == "loss" else Role.OTHER, steps) for t, v in curves.items()}
    )
    (finding,) = spikediag.diagnose(run).findings
    assert [(w.tag, w.chance) for w in finding.witnesses.moved] == [("far", None)]


def test_without_calm_windows_a_heavy_tailed_series_must_go_farther_than_it_ever_went() -> None:
    """A new level leaves few windows before it; ten robust standard deviations are then nothing special."""
    steps, false = np.arange(180), 0
    for seed in range(12):
        rng = np.random.default_rng([11, seed])
        loss = rng.normal(0, 1, 180) + 60 * (steps >= 100)
        curves = {f"t{n}": np.exp(rng.normal(0, 0.7, 180)) for n in range(20)} | {"loss": loss}
        curves["t0"][100:] -= 25
        named = {t: one(t, v, Role.LOSS if t == "loss" else Role.OTHER, steps) for t, v in curves.items()}
        (finding,) = spikediag.diagnose(Run("r", "r", named)).findings
        moved = {w.tag for w in finding.witnesses.moved}
        assert "t0" in moved
        false += len(moved) - 1
    assert false <= 3


def test_values_are_shown_as_the_run_logged_them() -> None:
    std = np.exp(leap(AT, 2.0, 2, noisy=0.1) - 3)
    (witness,) = beside(one("policy/std", std, Role.LOG_STD, transform=Transform.LN)).moved
    assert witness.before == pytest.approx(math.exp(-3), rel=0.1)
    assert witness.at == pytest.approx(math.exp(-1), rel=0.5)


def test_a_total_that_contains_the_loss_is_no_witness() -> None:
    total = one("total_loss", leap(AT, 60.0, 3), Role.LOSS, measure=Measure.TOTAL)
    assert not beside(total).moved


def test_a_series_that_is_the_loss_but_for_a_factor_is_a_copy() -> None:
    values = leap(AT, 60.0, 1)
    found = beside(one("half", values / 2), one("shifted", values + 3))
    assert [(c.tag, round(c.factor, 6), c.is_multiple) for c in found.copies] == [
        ("half", 2, True),
        ("shifted", 1, False),
    ]
    assert not found.moved
    assert found.asked == 0


def test_a_term_that_has_become_the_loss_is_a_copy() -> None:
    """The loss is a term around zero and a fifth of a divergence that climbs from the middle on."""
    kl = 0.05 + np.abs(noise(3, 0.02)) + np.clip((np.arange(N) - AT) / 100, 0, None)
    values = 0.2 * kl + noise(4, 0.002)
    (copy,) = beside(one("train/kl", kl), loss=values).copies
    assert copy.factor == pytest.approx(0.2, rel=0.01)
    assert copy.is_multiple


def test_what_rises_with_the_loss_but_not_in_proportion_is_no_copy() -> None:
    climb = np.clip((np.arange(N) - AT) / 100, 0, None)
    found = beside(one("other", 0.05 + np.abs(noise(3, 0.02)) + climb**2), loss=0.2 * climb + noise(4, 0.002))
    assert not found.copies


def test_numbers_that_are_no_numbers_are_passed_over() -> None:
    values = leap(AT - 2, 30.0, 2, length=3)
    values[::7] = np.nan
    (witness,) = beside(one("approx_kl", values), one("empty", np.full(N, np.nan))).moved
    assert witness.tag == "approx_kl"


@pytest.mark.parametrize("height", [3e-5, 1e-2, 40.0])
def test_a_series_that_was_constant_before_says_so_and_counts_no_standard_deviations(height: float) -> None:
    stepped = np.full(N, 3e-4)
    stepped[AT - 1 :] += height
    noisy = leap(AT, 1e12, 2)
    run = Run(
        "r",
        "r",
        {s.tag: s for s in (one("loss", leap(AT, 60.0, 1), Role.LOSS), one("lr", stepped), one("kl", noisy))},
    )
    diagnosis = spikediag.diagnose(run)
    told = {w["tag"]: w for w in diagnosis.to_dict()["findings"][0]["witnesses"]}
    assert told["lr"]["sigmas"] is None
    assert told["kl"]["sigmas"] > 1e6
    assert any("`lr`" in line and "constant before" in line for line in diagnosis.to_markdown().splitlines())
