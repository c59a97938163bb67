"""Trainings of others and of the laboratory: what was judged by eye must come out."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import median_filter

from spikediag.detectors import detect, group
from spikediag.model import Kind, Role, Run, Spike
from spikediag.parser import read_run
from spikediag.stats.scale import robust_sigma
from tests.conftest import diagnosed, some_of
from tests.detectors.builders import series_of

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "real_runs"
LEGGED = "FeilongY__legged/logs/rough_a1"
SILENT = [
    f"{LEGGED}/Sep12_06-54-06_do_np_3",
    f"{LEGGED}/Sep12_15-33-19_slope",
    f"{LEGGED}/Sep12_00-22-54_st_b_200",
    "Mormolykos__trainproof/evidence/fish_lightning_feb2026",
    "Mormolykos__trainproof/evidence/xtts_coqui_feb2026",
    "Awesommesh__SoccerPPO/results/curriculum/SoccerAgent",
    "Awesommesh__SoccerPPO/results/poca/SoccerAgent",
]
TRUTHS = sorted((ROOT / "sample_runs").glob("*/truth.json"))


def incidents(run: Run) -> list[Spike]:
    spikes = {series.tag: detect(series) for series in run.having(Role.LOSS)}
    return [incident.spike for incident in group(run, spikes)]


def real(name: str) -> Run:
    if not (REAL / name).exists():
        pytest.skip("the real runs are not beside the project")
    return read_run(REAL / name)


@pytest.mark.parametrize("name", SILENT)
def test_a_calm_real_run_is_silent(name: str) -> None:
    assert incidents(real(name)) == []


def test_a_value_loss_that_grows_without_end_diverges() -> None:
    (spike,) = incidents(real(f"{LEGGED}/Sep01_22-49-18_"))

    assert spike.kind is Kind.DIVERGENCE
    assert 105 <= spike.onset_step <= 120


def test_a_value_loss_that_leaps_over_and_over_is_a_train_with_its_leap_at_1106() -> None:
    series = real(f"{LEGGED}/Aug30_20-36-35_").series["Loss/value_function"]

    spike = next(spike for spike in detect(series) if spike.kind is Kind.TRAIN)

    assert 1106 in [int(series.steps[member.peak]) for member in spike.members]


@pytest.mark.parametrize(
    "name", some_of("bc_single_trajectory", slow=("bc_single_trajectory_full", "bc_weighted_sampling"))
)
@pytest.mark.parametrize("every", some_of(3, 10, slow=(2, 5)))
def test_whatever_stands_out_of_a_thinned_log_is_found(name: str, every: int) -> None:
    series = read_run(ROOT / "sample_runs" / name).series["bc/actor_loss"]
    for offset in range(every):
        values = series.values[offset::every]
        above = values - median_filter(values, 65)
        high = [at for at in np.flatnonzero(above > 15 * robust_sigma(above)) if at >= 3]
        spans = [span for spike in detect(series_of(values)) for span in spike.spans]
        assert [at for at in high if not any(a <= at < b for a, b in spans)] == [], offset


@pytest.mark.parametrize("path", TRUTHS, ids=lambda path: path.parent.name)
def test_a_sample_run_is_what_its_truth_says(path: Path) -> None:
    truth = json.loads(path.read_text(encoding="utf-8"))
    diagnosis = diagnosed(path.parent.name)
    run, found = diagnosis.run, [finding.spike for finding in diagnosis.findings]

    if truth["kind"] is None:
        assert found == []
        return
    allowed = [truth["kind"]] if isinstance(truth["kind"], str) else truth["kind"]
    fitting = [spike for spike in found if spike.kind in allowed]
    assert fitting
    if truth["step"] is not None:
        assert any(begins_near(run, spike, truth["step"]) for spike in fitting)


def begins_near(run: Run, spike: Spike, step: int) -> bool:
    """Within 3 % of the training; a slow climb shows late, and a train where one of its members is."""
    steps = run.series[spike.tag].steps
    starts = [int(steps[member.start]) for member in spike.members] or [spike.onset_step]
    late = 2000 if spike.kind is Kind.DRIFT else 600
    return any(-600 <= start - step <= late for start in starts)
