"""hardware: one rank that makes the jump; ranks that all jump rule it out."""

import numpy as np
import pytest

from spikediag.model import Status
from tests.attribution.learners import AT, N, burst, found, noise, verdict, weights

MEAN = burst(noise(1, 3.0, 0.03), AT, 4.0)


def ranked(*heights: float) -> dict[str, np.ndarray]:
    return {
        f"debug/loss_rank_{k}": burst(noise(10 + k, 3.0, 0.05), AT, height)
        for k, height in enumerate(heights)
    }


def test_the_rank_that_makes_the_jump_is_named() -> None:
    finding = found({"train/loss": MEAN, **ranked(0.1, 0.0, 15.8, 0.1)}, world_size=4)
    assert finding.primary_cause == "hardware"
    assert "Rank 2 makes 9" in str(verdict(finding, "hardware").mechanism)
    assert not verdict(finding, "hardware").calibrated


def test_ranks_that_all_jump_rule_it_out() -> None:
    finding = found({"train/loss": MEAN, **ranked(4.1, 3.9, 4.0, 4.0)}, world_size=4)
    assert verdict(finding, "hardware").status is Status.RULED_OUT


@pytest.mark.parametrize(("height", "supported"), [(60.0, True), (4.5, False)])
def test_a_maximum_far_above_the_average_tells_it(height: float, supported: bool) -> None:
    worst = burst(noise(3, 3.3, 0.05), AT, height)
    finding = found(
        {
            "loss_metrics/global_avg_loss": MEAN,
            "loss_metrics/global_max_loss": worst,
            "lr": np.full(N, 3e-4),
        }
    )
    assert (verdict(finding, "hardware").status is Status.SUPPORTED) is supported
    assert set(weights(finding, "hardware")) == {"far-above-average"}


def test_with_few_ranks_the_maximum_cannot_stand_far_above_and_tells_it_all_the_same() -> None:
    worst = burst(noise(3, 3.3, 0.05), AT, 15.6)
    curves = {"loss_metrics/global_avg_loss": MEAN, "loss_metrics/global_max_loss": worst}
    assert verdict(found(curves, world_size=4), "hardware").status is Status.SUPPORTED


def test_a_step_that_took_long_speaks_for_it_and_decides_nothing() -> None:
    slow = burst(noise(4, 1.2, 0.02), AT, 9.0)
    finding = found({"train/loss": MEAN, "train/step_time": slow}, world_size=8)
    assert weights(finding, "hardware") == {"machine-stumbled": 0.7}
    assert verdict(finding, "hardware").status is Status.PLAUSIBLE


def test_without_a_log_by_rank_the_line_is_given_that_would_tell() -> None:
    judged = verdict(found({"train/loss": MEAN}, world_size=8), "hardware")
    assert judged.status is Status.NOT_CHECKABLE
    assert "rank_{rank}" in judged.missing[0].code


def test_where_one_process_trains_it_is_not_asked() -> None:
    assert "hardware" not in {v.cause for v in found({"train/loss": MEAN}).verdicts}


@pytest.mark.parametrize("ranks", [1, 8])
def test_a_maximum_is_one_over_ranks_where_several_are_stated_else_perhaps_over_samples(ranks: int) -> None:
    average = burst(noise(1, 2.0, 0.05), AT, 1.0)
    curves = {"train/loss": average, "train/loss_max": burst(noise(2, 2.2, 0.05), AT, 8.0)}
    told = {v.cause for v in found(curves, world_size=ranks).verdicts if v.status is Status.SUPPORTED}
    assert ("hardware" in told) is (ranks > 1)


def test_of_two_ranks_one_may_make_the_jump() -> None:
    one = burst(noise(1, 2.0, 0.05), AT, 8.0)
    other = noise(2, 2.0, 0.05)
    curves = {"train/loss": (one + other) / 2, "rank0/train_loss": one, "rank1/train_loss": other}
    assert found(curves, world_size=2).primary_cause == "hardware"
