"""heavy-tail: bursts all along are a mechanism and no alarm; one that stands apart is another matter."""

import numpy as np
import pytest

from spikediag.attribution import explain
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
