"""replay-turnover: a buffer that is full or emptied just before the jump; one that goes on filling."""

import numpy as np
import pytest

from spikediag.model import Status
from tests.attribution.learners import AT, N, burst, found, noise, verdict

CRITIC = burst(np.abs(noise(1, 5.0, 0.4)), AT, 12.0, N)
CALM = {"lr": np.full(N, 3e-4), "train/grad_norm": noise(5, 1.0, 0.05)}
FILLS = 1000.0 * np.arange(1, N + 1)


@pytest.mark.parametrize("tag", ["replay_buffer_size", "train/buffer_size", "rollout/replay_size"])
def test_a_buffer_that_is_full_just_before_speaks_for_it(tag: str) -> None:
    finding = found({"train/critic_loss": CRITIC, tag: np.minimum(FILLS, 398_000), **CALM})
    judged = verdict(finding, "replay-turnover")
    assert judged.status in {Status.SUPPORTED, Status.PLAUSIBLE}
    assert "is full, at 398,000, from step 397" in str(judged.mechanism)
    assert not judged.calibrated


def test_so_does_one_that_was_emptied() -> None:
    emptied = np.concatenate([FILLS[: AT - 1], FILLS[: N - AT + 1]])
    judged = verdict(found({"critic_loss": CRITIC, "replay_buffer_size": emptied, **CALM}), "replay-turnover")
    assert "fell from 399,000 to 1,000" in str(judged.mechanism)


@pytest.mark.parametrize("size", [FILLS, np.full(N, 5e4)])
def test_one_that_goes_on_filling_or_was_always_full_rules_it_out(size: np.ndarray) -> None:
    finding = found({"train/critic_loss": CRITIC, "replay_buffer_size": size, **CALM})
    assert verdict(finding, "replay-turnover").status is Status.RULED_OUT


def test_a_learner_that_logs_no_buffer_is_not_asked() -> None:
    assert "replay-turnover" not in {v.cause for v in found({"train/critic_loss": CRITIC}).verdicts}
