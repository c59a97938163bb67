"""A rate that only rises never decays."""

import numpy as np

import spikediag
from spikediag.attribution.fragilities.rate import constant_rate
from spikediag.model import Status

STEPS = np.arange(1_000)


def condition(rate: np.ndarray) -> Status:
    run = spikediag.Run.from_arrays({"train/learning_rate": (STEPS, rate)})
    found = constant_rate(run)
    assert found is not None
    return found.status


def test_a_raised_rate_is_no_decay() -> None:
    assert condition(np.where(STEPS < 600, 3e-4, 18e-4)) is Status.SUPPORTED


def test_a_decayed_rate_is() -> None:
    assert condition(3e-4 * (1 - STEPS / 1_000)) is Status.RULED_OUT
