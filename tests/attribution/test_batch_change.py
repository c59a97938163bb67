"""batch-change: more scatter for good where the training was started again, or a logged batch size fell."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spikediag
from spikediag.attribution import explain
from spikediag.attribution.causes.batch_change import BatchChange
from spikediag.model import Kind, Session, Status
from tests.attribution import cases
from tests.attribution.learners import AT, N, noise, verdict
from tests.parser import writing

NOISIER = noise(6, 2.0, 0.05)
NOISIER[AT:] = noise(7, 2.0, 0.4)[AT:]


def restarted(at: int, kind: Kind = Kind.VARIANCE) -> cases.Case:
    """A likelihood whose scatter grows fourfold at position 1,500, of two processes."""
    loss = cases.nll()
    loss[cases.AT :] += 3 * cases.noise(0.4, 11)[cases.AT :]
    first = Session("events.1", 0, at - 10, 1.7e9, 1.7e9 + 1500)
    run = cases.make_run(
        loss, cases.mse(), sessions=(first, Session("events.2", at, 19_990, 1.7e9 + 1600, 1.7e9 + 2000))
    )
    one = cases.spike_at(run, cases.AT, len(loss), kind)
    return cases.make_case(run, replace(one, height=3 * one.noise, sigmas=3.0))


def test_scatter_that_grows_at_a_restart_is_a_smaller_batch_and_not_the_restart() -> None:
    verdicts = {v.cause: v for v in explain(restarted(15_000)).verdicts}
    assert verdicts["batch-change"].share > verdicts["resume"].share
    assert not verdicts["batch-change"].calibrated
    assert "16 times fewer samples" in str(verdicts["batch-change"].mechanism)
    assert cases.evidence(verdicts["batch-change"], "root-of-count").reference == 4
    assert cases.evidence(verdicts["resume"], "stays-noisier") is not None


@pytest.mark.parametrize("factor", [2.0, 3.0])
def test_a_log_of_two_processes_shows_less_growth_than_a_search_would(tmp_path: Path, factor: float) -> None:
    values = 1 + noise(51, 0.0, 0.05)
    values[AT:] = 1 + factor * (values[AT:] - 1)
    first, second = "events.out.tfevents.1700000000.h.1.0", "events.out.tfevents.1700900000.h.2.0"
    writing.write(tmp_path / first, writing.curves({"train/loss": values[:AT]}))
    later = writing.curves({"train/loss": values[AT:]}, range(AT, N), writing.START + 9e5)
    writing.write(tmp_path / second, later)
    lead = spikediag.diagnose(tmp_path).lead
    assert lead is not None
    assert lead.primary_cause == "batch-change"


def test_a_restart_elsewhere_rules_it_out() -> None:
    judged = BatchChange().judge(restarted(6_000))
    assert judged.ruled_out
    assert cases.evidence(judged, "no-change") is not None


def test_so_does_a_jump_of_the_level() -> None:
    judged = BatchChange().judge(restarted(15_000, Kind.LEVEL_SHIFT))
    assert judged.ruled_out
    assert cases.evidence(judged, "no-noise") is not None


@pytest.mark.parametrize("tag", ["train/batch_size", "world_size"])
def test_a_logged_batch_size_that_falls_there_tells_it(tag: str) -> None:
    size = np.where(np.arange(N) < AT, 512.0, 8.0)
    calm = {"lr": np.full(N, 3e-4), "grad_norm": noise(9, 1.0, 0.02)}
    steps = np.arange(N)
    run = spikediag.Run.from_arrays(
        {t: (steps, v) for t, v in {"train/loss": NOISIER, tag: size, **calm}.items()}
    )
    finding = spikediag.diagnose(run).lead
    assert finding is not None
    assert finding.spike.kind is Kind.VARIANCE
    assert verdict(finding, "batch-change").status is Status.SUPPORTED


def test_it_is_not_asked_of_one_process_without_a_logged_size() -> None:
    run = cases.make_run(cases.nll(), cases.mse())
    assert not BatchChange().applies(run, run.series["bc/actor_loss"])
