"""The laboratory itself; these tests train a little, and need the extra `lab`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import SAMPLE_RUNS
from tests.sample_runs.runs_on_disk import scalars

pytest.importorskip("numba")
pytest.importorskip("torch")

from sample_runs.lab import events
from sample_runs.lab.collection import COLLECTION, REFERENCE
from sample_runs.lab.fast_training import DisturbedTraining, FastTraining
from sample_runs.lab.faults import FAULTS, faults
from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.training import Training

BY_NAME = {sample_run.name: sample_run for sample_run in COLLECTION}


@pytest.mark.parametrize("name", ["bc_single_trajectory", "lr_step", "log_std_ramp"])
def test_training_again_gives_the_recorded_curve(name):
    """The first 150 updates, on any machine; later, rounding grows into another curve."""
    sample_run = BY_NAME[name]
    training = Training(sample_run.recipe, sample_run.intervention)
    training.log.begin_session()
    for step in range(150):
        training.update(step)
    recorded = scalars(SAMPLE_RUNS / name)[sample_run.dialect.tags["actor_loss"]][:15]
    again = training.log.column("actor_loss")
    np.testing.assert_allclose(again, [value for _, value in recorded], rtol=1e-2, atol=2e-2)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 32, "schedule": "cosine", "max_grad_norm": 1.0, "beta2": 0.95},
        {"std_min": 0.05, "sampling": "weighted"},
    ],
    ids=["reference", "decay, clipping, beta2", "floor, weights"],
)
def test_the_fast_training_is_the_training(settings):
    recipe = replace(REFERENCE, train_steps=100, log_period=5, **settings)
    training = Training(recipe, Intervention()).run()
    by_hand = FastTraining(Training(recipe, Intervention())).run()
    for metric in ("actor_loss", "mse", "log_std_min"):
        np.testing.assert_allclose(by_hand.column(metric), training.column(metric), atol=2e-3)


@pytest.mark.parametrize("sample_run", list(faults(range(9, 10))), ids=lambda s: s.name)
def test_so_is_the_fast_training_of_a_fault(sample_run):
    """Early on, at its step and after it; before rounding grows into another curve."""
    period, step = sample_run.recipe.log_period, 8 * sample_run.recipe.log_period
    recipe = replace(sample_run.recipe, train_steps=step + 4 * period)
    moved = {"step": step, "stop": step + 2 * period, "steps": (step,)}
    moved = {k: v for k, v in moved.items() if hasattr(sample_run.intervention, k)}
    intervention = replace(sample_run.intervention, **moved)
    training = Training(recipe, intervention).run()
    by_hand = DisturbedTraining(Training(recipe, intervention)).run()
    for metric in ("total_loss", "mse", "log_std_min", "grad_norm", "learning_rate", "loss_scale"):
        np.testing.assert_allclose(by_hand.column(metric), training.column(metric), rtol=0.05, atol=0.05)


def test_two_runs_write_identical_bytes(tmp_path: Path):
    sample_run = next(iter(faults(range(1))))
    sample_run = replace(sample_run, recipe=replace(sample_run.recipe, train_steps=60))
    sample_run.collect(tmp_path / "one")
    sample_run.collect(tmp_path / "two")
    one, two = (
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two


def test_a_restart_overlaps_in_a_second_file():
    files = sorted((SAMPLE_RUNS / "resume").glob("events*"))
    steps = [step for step, _ in scalars(SAMPLE_RUNS / "resume")["bc/actor_loss"]]
    assert len(files) == 2
    assert min(np.diff(steps)) < 0


def test_faults_differ_by_seed_and_are_the_same_again():
    first, again, other = (list(faults(range(s, s + 1))) for s in (3, 3, 4))
    assert [s.recipe for s in first] == [s.recipe for s in again]
    assert all(a.recipe.task != b.recipe.task for a, b in zip(first, other, strict=True))
    assert len(first) == len(FAULTS)


@pytest.mark.parametrize("sample_run", list(faults(range(7, 8))), ids=lambda s: s.name)
def test_a_fault_acts_at_its_step_and_not_before(sample_run):
    """Up to its step the disturbed training is the undisturbed one, number for number."""
    step = sample_run.intervention.truth().step
    if step is None:
        pytest.skip("this fault has no step")
    early = 12 * sample_run.recipe.log_period
    recipe = replace(sample_run.recipe, train_steps=early + 8 * sample_run.recipe.log_period)
    moved = {"step": early} | ({"stop": early + 10_000} if sample_run.name.startswith("log_std_ramp") else {})
    if hasattr(sample_run.intervention, "steps"):
        moved = {"steps": (early,)}
    if sample_run.name.startswith(("resume", "lr_warm", "logging", "loss_scale")):
        pytest.skip("differs from the undisturbed training from the first update on, by design")
    disturbed = Training(recipe, replace(sample_run.intervention, **moved)).run().column("actor_loss")
    undisturbed = Training(recipe, Intervention()).run().column("actor_loss")
    np.testing.assert_array_equal(disturbed[:12], undisturbed[:12])
    assert not np.array_equal(disturbed[12:], undisturbed[12:])


def test_total_is_the_loss_and_its_penalty():
    log = Training(replace(REFERENCE, train_steps=20), Intervention()).run()
    gap = log.column("total_loss") - log.column("actor_loss")
    assert (gap > 0).all()
    assert (gap < 1).all()


def test_events_are_dated_in_order(tmp_path: Path):
    log = Training(replace(REFERENCE, train_steps=30), Intervention()).run()
    events.write(tmp_path, log, BY_NAME["bc_single_trajectory"].dialect)
    assert [step for step, _ in scalars(tmp_path)["bc/mse"]] == [0, 10, 20]


def test_configuration_holds_the_facts_of_the_recipe():
    facts = json.loads((SAMPLE_RUNS / "hard_batch" / "config.json").read_text())["train"]
    assert (facts["batch_size"], facts["dataset_size"], facts["action_dim"]) == (32, 418, 7)
