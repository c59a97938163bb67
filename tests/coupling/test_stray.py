"""A transient is not called decoupled when the error leaves its margin before the loss is back."""

import numpy as np
import pytest

import spikediag
from spikediag.model import CouplingVerdict

STEPS = np.arange(2_000) * 10


def coupling(late_rise: float, seed: int) -> spikediag.Diagnosis:
    rng = np.random.default_rng(seed)
    loss, mse = rng.normal(-11, 0.7, 2_000), rng.normal(0.1, 0.01, 2_000)
    loss[1_200:1_230] += 9
    loss[1_203] += 25
    mse[1_210:1_220] += late_rise
    run = spikediag.Run.from_arrays({"bc/actor_loss": (STEPS, loss), "bc/mse": (STEPS, mse)}, action_dim=7)
    (finding,) = spikediag.diagnose(run).findings
    return finding.coupling


@pytest.mark.parametrize("seed", range(5))
def test_a_late_rise_makes_it_undecided_and_is_named(seed: int) -> None:
    found = coupling(0.5, seed)
    assert found.verdict is CouplingVerdict.UNDECIDED
    assert found.tests[0].strayed_at == pytest.approx(12_100, abs=10)
    assert "while the loss was still up" in str(found.reading)


@pytest.mark.parametrize("seed", range(5))
def test_without_one_it_is_decoupled(seed: int) -> None:
    found = coupling(0.0, seed)
    assert found.verdict is CouplingVerdict.DECOUPLED
    assert found.tests[0].strayed_at is None
