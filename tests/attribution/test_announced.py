"""Where a run says by itself that something changes, and what that lets a diagnosis find."""

import numpy as np
import pytest

import spikediag
from spikediag.attribution import announced
from spikediag.model import Diagnosis, Status

N = 600
X = np.arange(N)


def noise(seed: int, scale: float = 0.05) -> np.ndarray:
    return np.random.default_rng([91, seed]).normal(0, scale, N)


def run_of(**curves: np.ndarray) -> spikediag.Run:
    return spikediag.Run.from_arrays({tag.replace("__", "/"): (10 * X, v) for tag, v in curves.items()})


def told(**curves: np.ndarray) -> Diagnosis:
    return spikediag.diagnose(run_of(**curves))


def test_passes_stages_smaller_batches_and_raised_rates_are_announced() -> None:
    steps = run_of(
        train__loss=noise(1),
        train__epoch=X / 200,
        data__stage=np.where(X < 150, 1.0, 2.0),
        train__batch_size=np.where(X < 320, 256.0, 16.0),
        train__lr=1e-4 * np.cos(X / N) * np.where(X < 500, 1.0, 3.0),
    )
    assert announced(steps).noisier == (3200,)
    assert announced(steps).moved == (1500, 5000, 2000, 4000)


def test_a_rate_that_is_lowered_or_adapts_itself_announces_nothing() -> None:
    adaptive = 1e-3 * 1.5 ** np.cumsum(np.random.default_rng(4).integers(-1, 2, N))
    for rate in (np.where(X < 300, 1e-3, 1e-4), adaptive):
        assert announced(run_of(train__loss=noise(1), train__lr=rate)).moved == ()


@pytest.mark.parametrize("seed", range(3))
def test_the_stairs_of_epochs_are_found_though_no_search_sees_them(seed: int) -> None:
    loss = 1.2 + 1.2 * np.exp(-X / 60) - 0.3 * (X >= 200) - 0.25 * (X >= 400) + noise(seed)
    assert not told(train__loss=loss).findings
    found = told(train__loss=loss, train__epoch=X / 200, train__lr=np.full(N, 1e-4)).findings
    assert {(f.spike.onset_step, f.primary_cause) for f in found} <= {
        (2000, "epoch-boundary"),
        (4000, "epoch-boundary"),
    }
    assert found


def test_a_fall_at_a_stage_is_found_and_explained() -> None:
    loss = 1 + 3 * np.exp(-X / 60) - 0.3 * (X >= 380) + noise(7)
    (finding,) = told(train__loss=loss, data__phase=np.where(X < 380, 1.0, 2.0)).findings
    assert (finding.spike.onset_step, finding.primary_cause) == (3800, "data-stage")


def test_noise_that_grows_with_a_smaller_batch_is_found_and_explained() -> None:
    loss = 1 + 2 * np.exp(-X / 60) + noise(8) * np.where(X < 380, 1, 4)
    (finding,) = told(train__loss=loss, train__batch_size=np.where(X < 380, 256.0, 16.0)).findings
    assert finding.primary_cause == "batch-change"
    assert next(v for v in finding.verdicts if v.cause == "batch-change").status is Status.SUPPORTED
