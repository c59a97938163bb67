"""The collection as it lies in the repository; no training, no PyTorch."""

import json

import numpy as np
import pytest

from spikediag.parser import read_run
from tests.conftest import SAMPLE_RUNS, diagnosed, sample_runs

RUNS = sample_runs()
KEYS = [
    "name",
    "intervention",
    "why",
    "step",
    "kind",
    "coupling",
    "primary_cause",
    "scored",
    "step_unit",
]
SMALLEST = 1_500  # logged points; the runs have 2,000, one ends early
LARGEST = 20e6  # bytes of the whole collection

every_run = pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)


def allowed(key):
    from sample_runs.lab import truth

    return {"kind": truth.KINDS, "coupling": truth.COUPLINGS, "primary_cause": truth.CAUSES}[key]


@every_run
def test_truth_has_its_keys_and_known_ids(run):
    truth = json.loads((run / "truth.json").read_text())
    assert list(truth) == KEYS
    assert truth["name"] == run.name
    assert truth["intervention"].endswith(".")
    assert truth["why"].endswith(".")
    assert isinstance(truth["scored"], bool)
    for key in ("kind", "coupling", "primary_cause"):
        ids = truth[key] if isinstance(truth[key], list) else [truth[key]] if truth[key] else []
        assert set(ids) <= set(allowed(key))


@every_run
def test_the_run_is_long_enough_and_has_the_step_of_its_intervention(run):
    step = json.loads((run / "truth.json").read_text())["step"]
    series = diagnosed(run.name).run.series
    assert max(len(curve) for curve in series.values()) >= SMALLEST
    if step is not None:
        assert all(curve.steps[0] < step < curve.steps[-1] for curve in series.values())


@every_run
def test_truth_is_what_the_laboratory_declares(run):
    """Nobody has edited a truth by hand."""
    from dataclasses import asdict

    from sample_runs.lab.collection import COLLECTION

    declared = {sample_run.name: sample_run.intervention.truth() for sample_run in COLLECTION}[run.name]
    expected = json.loads(json.dumps({"name": run.name, **asdict(declared)}))
    assert json.loads((run / "truth.json").read_text()) == expected


def test_every_declared_run_is_there():
    from sample_runs.lab.collection import COLLECTION

    assert {sample_run.name for sample_run in COLLECTION} == {run.name for run in RUNS}


def test_the_collection_is_small():
    assert sum(file.stat().st_size for run in RUNS for file in run.rglob("*") if file.is_file()) < LARGEST


def test_the_reference_jumps_and_its_error_does_not():
    series = read_run(SAMPLE_RUNS / "bc_single_trajectory").series
    loss, error = series["bc/actor_loss"], series["bc/mse"]
    assert np.array_equal(loss.steps, error.steps)
    late = np.flatnonzero(loss.steps > 10_000)
    at = late[np.argmax(loss.values[late])]
    before = (loss.steps >= loss.steps[at] - 500) & (loss.steps < loss.steps[at])
    assert loss.values[at] - np.median(loss.values[before & (loss.steps < loss.steps[at] - 20)]) > 20
    assert error.values[before].min() < error.values[at] < error.values[before].max()


def test_an_unknown_id_is_refused():
    from sample_runs.lab.truth import Truth

    with pytest.raises(ValueError, match="primary_cause"):
        Truth("Changed.", "Because.", primary_cause="gremlins")


def test_the_record_of_the_reference_agrees_with_what_the_laboratory_measured_on_all_transitions():
    from sample_runs.lab import main_jump

    measured = {m.step: m for m in main_jump.read(SAMPLE_RUNS / "lab" / "main_jump.csv")}[15_510]
    finding = diagnosed("bc_single_trajectory_recorded").lead
    (share,) = (
        evidence.observed
        for verdict in finding.verdicts
        for evidence in verdict.evidence
        if evidence.what == "one-carries"
    )
    assert finding.primary_cause == "degenerate-dimension"
    assert share == pytest.approx(measured.gripper_share, abs=0.005)
    assert "action dimension 6 (gripper) carried 99.1%" in str(finding.primary.mechanism)
    assert "it was the weights, not the batch" in " ".join(map(str, finding.why.recorded))


def test_the_recorder_leaves_the_training_as_it_is_and_its_file_is_small():
    recorded, plain = (SAMPLE_RUNS / f"bc_single_trajectory{end}" for end in ("_recorded", ""))
    events, same = (next(folder.glob("events.*")).read_bytes() for folder in (recorded, plain))
    assert events == same
    assert (recorded / "spikediag-record-15510.npz").stat().st_size < 300_000
