"""heavy-tail: bursts all along are a mechanism and no alarm; one that stands apart is another matter."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.attribution import explain
from spikediag.attribution.causes.heavy_tail import HeavyTail
from spikediag.model import Kind, Status
from tests.attribution import cases
from tests.attribution.learners import burst, found, noise, verdict, weights

N = 900


def td_errors(seed: int) -> np.ndarray:
    """Means of squared TD errors whose logarithm is noise."""
    return 30 * np.exp(1.3 * np.random.default_rng(seed).standard_t(4, N))


@pytest.mark.parametrize("tag", ["train/critic_loss", "losses/td_loss", "train/loss"])
@pytest.mark.parametrize("seed", [3, 5])
def test_a_loss_that_bursts_all_along_is_heavy_tailed_and_no_alarm(tag: str, seed: int) -> None:
    finding = found({tag: td_errors(seed)})
    assert finding.primary_cause == "heavy-tail"
    assert not finding.alarms
    assert not verdict(finding, "heavy-tail").calibrated
    assert {"all-along", "far-points"} <= set(weights(finding, "heavy-tail"))


def test_where_the_gradient_is_clipped_already_it_is_not_advised_again() -> None:
    clipped = verdict(found({"train/critic_loss": td_errors(3)}, grad_clip=10.0), "heavy-tail")
    assert "clipped at 10 already" in str(clipped.advice[0].text)
    assert clipped.advice[0].code is None
    free = verdict(found({"train/critic_loss": td_errors(3)}), "heavy-tail")
    assert "smooth_l1_loss" in str(free.advice[0].code)


def test_a_jump_that_stands_apart_rules_it_out() -> None:
    finding = found({"train/critic_loss": burst(np.abs(noise(1, 5, 0.5)), 400, 80.0)})
    assert verdict(finding, "heavy-tail").status is Status.RULED_OUT
    assert "stands-apart" in weights(finding, "heavy-tail")


def test_one_that_is_taller_than_the_tail_of_the_others_leaves_it_open() -> None:
    finding = found({"train/critic_loss": td_errors(4)})
    assert weights(finding, "heavy-tail") == {"taller": -0.5}
    assert verdict(finding, "heavy-tail").status is Status.PLAUSIBLE


def test_a_loss_that_stays_up_rules_it_out() -> None:
    finding = found({"train/critic_loss": burst(np.abs(noise(1, 5, 0.5)), 400, 80.0, 200)})
    assert finding.spike.kind is not Kind.TRANSIENT
    assert "lasting" in weights(finding, "heavy-tail")


def test_a_likelihood_is_not_spoken_of() -> None:
    case = cases.seed_case()
    assert "heavy-tail" not in {v.cause for v in explain(case).verdicts}


@pytest.mark.parametrize(
    ("positions", "habit"), [((900, 950, 1000, 1050, 1100), False), ((100, 500, 1000, 1500, 1900), True)]
)
def test_bursts_that_began_late_or_ended_early_are_no_habit(positions: tuple[int, ...], habit: bool) -> None:
    """A policy that was thrown in the middle of its training bursts for a while."""
    run = cases.make_run(cases.nll(dict.fromkeys(positions, 20.0)), cases.mse(), facts={})
    spike = replace(cases.train_at(run, positions), usual=True)
    judged = HeavyTail().judge(cases.make_case(run, spike))
    assert judged.decisive == habit
    assert (cases.evidence(judged, "not-all-along") is None) == habit


def test_something_else_that_moved_with_the_tallest_speaks_against_it() -> None:
    loss = td_errors(3)
    distance = burst(np.abs(np.random.default_rng(8).normal(0.01, 0.001, N)), int(np.argmax(loss)), 0.4)
    finding = found({"train/value_loss": loss, "train/approx_kl": distance})
    assert weights(finding, "heavy-tail")["something-else"] == -1.5
    assert finding.primary_cause != "heavy-tail"


def test_so_does_a_loss_that_diverges_in_the_same_log() -> None:
    run = cases.make_run(cases.nll({100: 8, 500: 8, 1000: 9, 1500: 8, 1900: 12}), None)
    bursts = replace(cases.train_at(run, (100, 500, 1000, 1500, 1900)), usual=True)
    lost = cases.spike_at(run, cases.AT, len(cases.STEPS), Kind.DIVERGENCE)
    judged = HeavyTail().judge(cases.make_case(run, bursts, {bursts.tag: (bursts, lost)}))
    assert cases.evidence(judged, "diverges").weight == -1.5


def test_three_bursts_foretell_no_tail() -> None:
    positions = (100, 1000, 1900)
    run = cases.make_run(cases.nll(dict.fromkeys(positions, 20.0)), cases.mse(), facts={})
    judged = HeavyTail().judge(cases.make_case(run, replace(cases.train_at(run, positions), usual=True)))
    assert not judged.decisive
    assert "too few" in str(cases.evidence(judged, "few").reading)
