import logging
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import spikediag
from spikediag import Monitor, pipeline, reporter
from spikediag.errors import NoLossError, UsageError
from spikediag.live import State
from spikediag.live import monitor as monitor_module
from spikediag.live.monitor import rank
from tests.conftest import ROOT, SAMPLE_RUNS, sample_runs
from tests.live.trainings import bc, noise, rows_of, watched

LOST = ("non_finite", "divergence")


def findings_of(diagnosis: spikediag.Diagnosis) -> list[dict[str, object]]:
    return reporter.to_dict(diagnosis)["findings"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(run.name, marks=() if run.name == "lr_step" else pytest.mark.slow)
        for run in sample_runs()
    ],
)
def test_the_final_diagnosis_is_that_of_the_log(name: str) -> None:
    """With the same facts: what an event file says of itself in text, a monitor is told."""
    monitor, _ = watched(rows_of(SAMPLE_RUNS / name), folder=SAMPLE_RUNS / name)
    live = monitor.diagnosis()
    assert not monitor.troubles
    read = spikediag.read_run(SAMPLE_RUNS / name)
    assert findings_of(live) == findings_of(pipeline.diagnose(replace(read, facts=live.run.facts)))


@pytest.mark.parametrize("kind", ["divergence", "non_finite"])
def test_a_training_that_is_lost_ends_as_analyze_says(kind: str, tmp_path: Path) -> None:
    loss = noise(600)
    loss[500:] += np.geomspace(1, 1e6, 100) if kind == "divergence" else math.nan
    rows = [*bc(loss)]
    lines = [f"{step},{row['bc/actor_loss']!r},{row['bc/mse']!r}" for step, row in rows]
    (tmp_path / "progress.csv").write_text("\n".join(["step,bc/actor_loss,bc/mse", *lines, ""]))
    read = spikediag.diagnose(tmp_path)
    monitor, told = watched(iter(rows), folder=tmp_path)
    assert [f.spike.kind for f in read.findings] == [kind]
    assert findings_of(monitor.diagnosis()) == findings_of(read)
    assert told[0].state is State.RISING


def test_a_burst_is_told_at_its_first_point_and_again_when_it_is_over() -> None:
    loss = noise(800)
    loss[700:704] += 20
    with Monitor(on_spike=(told := []).append) as monitor:
        for step, row in bc(loss):
            monitor.log(row, step=step)
            if step < 700:
                assert not told
        assert [(a.state, a.step) for a in told[:1]] == [(State.RISING, 700)]
        assert [a.spike.onset_step for a in monitor.findings] == [700]
    assert [a.state for a in told] == [State.RISING, State.OVER, State.FINAL]
    assert told[1].step < 720
    assert told[1].coupling.verdict == "decoupled"
    assert [f.spike.kind for f in monitor.findings] == ["transient"]


def test_what_is_not_a_number_is_told_at_that_step() -> None:
    loss = noise(100)
    loss[57] = math.nan
    _, told = watched(bc(loss))
    assert [(a.state, a.step, a.spike.kind) for a in told[:1]] == [(State.RISING, 57, "non_finite")]


def test_a_loss_that_is_no_number_from_the_first_step_on_is_told() -> None:
    _, told = watched((step, {"loss": math.inf}) for step in range(3))
    assert [(a.step, a.spike.kind) for a in told] == [(0, "non_finite")]


@pytest.mark.parametrize("height", [20, 200])
def test_a_spike_that_the_error_did_not_follow_never_stops_a_training(height: float) -> None:
    loss = noise(1500)
    loss[700:850] += height
    monitor, told = watched(
        bc(loss), stop_on=[kind.value for kind in spikediag.model.Kind if kind != "non_finite"]
    )
    assert told
    assert not monitor.should_stop


def test_a_loss_that_is_no_number_stops_a_training_that_asked_for_it() -> None:
    loss = noise(100)
    loss[50:] = math.nan
    monitor = Monitor(stop_on=LOST)
    stops = [stopped_by(row, step, monitor) for step, row in bc(loss)]
    assert stops.index(True) == 50
    assert all(stops[50:])
    unasked, _ = watched(bc(loss))
    assert not unasked.should_stop


def stopped_by(row: dict[str, float], step: int, monitor: Monitor) -> bool:
    monitor.log(row, step=step)
    return monitor.should_stop


def test_a_divergence_stops_only_after_it_has_lasted() -> None:
    loss, error = noise(1000), 0.1 + 0.01 * noise(1000, 1)
    loss[700:] += np.linspace(0, 300, 300)
    error[700:] += np.linspace(0, 3, 300)
    monitor = Monitor(stop_on=LOST)
    rows = enumerate(zip(loss, error, strict=True))
    stops = [stopped_by({"loss": a, "mse": b}, step, monitor) for step, (a, b) in rows]
    assert 760 <= stops.index(True) < 900


@pytest.mark.parametrize("fault", ["on_spike", "sink", "recorder", "metrics", "step"])
def test_no_fault_reaches_the_training_and_the_first_is_told_once(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*about: object, **more: object) -> None:
        raise RuntimeError("from inside")

    broken = SimpleNamespace(send=fail, close=fail, record=fail, write=fail)
    given = {"on_spike": {"on_spike": fail}, "sink": {"sinks": [broken]}, "recorder": {"recorder": broken}}
    monitor = Monitor(**given.get(fault, {}))
    loss = noise(200)
    loss[150] += 50
    with caplog.at_level(logging.WARNING, logger="spikediag"), monitor:
        for step, row in bc(loss):
            monitor.record(step, nll=[1.0])
            monitor.log(3 if fault == "metrics" else row, step="x" if fault == "step" else step)
    assert monitor.troubles
    assert len(monitor.troubles) <= 100
    assert len(caplog.records) == 1


def test_a_framework_that_raises_closes_the_monitor_and_its_error_passes() -> None:
    loss = noise(200)
    loss[150] += 50
    monitor, told = watched(bc(loss))
    with pytest.raises(ZeroDivisionError), monitor:
        raise ZeroDivisionError
    assert told[-1].state is State.FINAL
    monitor.log({"bc/actor_loss": 1.0}, step=201)  # after the end nothing happens
    assert not monitor.troubles


def test_missing_keys_and_what_is_no_number_are_passed_over() -> None:
    monitor = Monitor()
    values = [
        1.0,
        np.float32(2),
        np.array(3.0),
        np.array([4]),
        True,
        "5",
        b"6",
        None,
        [7],
        1j,
        np.zeros(3),
        10**400,
    ]
    for step, value in enumerate(values):
        monitor.log({"loss": value} if step % 2 else {"loss": value, "mse": step}, step=step)
    monitor.log({}, step=20)
    monitor.log({"train": {"loss": 8.0, "deep": {"mse": 9.0}}})
    assert not monitor.troubles
    series = monitor.diagnosis().run.series
    assert list(series["loss"].values) == [1, 2, 3, 4, 1]
    assert list(series["mse"].steps) == [0, 2, 4, 6, 8, 10]
    assert list(series["train/deep/mse"].steps) == [21]


def test_a_resume_inside_one_process_is_a_resume() -> None:
    rows = [*bc(noise(500))]
    monitor, _ = watched(iter([*rows, *((step, row) for step, row in rows if step >= 400)]))
    run = monitor.diagnosis().run
    assert len(run.series["bc/actor_loss"]) == 500
    assert [(rewind.from_step, rewind.to_step) for rewind in run.rewinds] == [(499, 400)]
    assert run.rewinds[0].wall_gap >= 0


def test_a_hostile_tag_is_a_tag() -> None:
    tag = "loss\x1b[2J\n<script>{step}{0}`|@everyone" + "x" * 10_000
    loss = noise(200)
    loss[150] += 50
    monitor, told = watched(((step, {tag: value}) for step, value in enumerate(loss)), roles={tag: "loss"})
    monitor.close()
    assert {alert.spike.tag for alert in told} == {tag}
    assert not monitor.troubles


def test_nothing_that_is_a_loss_is_an_error_to_whoever_asks_and_said_once_to_the_training(
    caplog: pytest.LogCaptureFixture,
) -> None:
    monitor, told = watched((step, {"speed": float(step)}) for step in range(100))
    with pytest.raises(NoLossError):
        monitor.diagnosis()
    monitor.close()
    assert (told, monitor.troubles, monitor.findings) == ([], [], ())
    assert [record.message.count("roles=") for record in caplog.records] == [1]


@pytest.mark.parametrize(
    "given", [{"batch_sise": 3}, {"roles": {"loss": "lost"}}, {"stop_on": ["nan"]}, {"batch_size": "many"}]
)
def test_what_cannot_be_meant_is_refused_at_once(given: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Monitor(**given)


def test_other_ranks_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    loss = noise(100)
    loss[50:] = math.nan
    silent, told = watched(bc(loss))
    with pytest.raises(NoLossError):
        silent.diagnosis()
    together, told_too = watched(bc(loss), stop_on=LOST)
    together.close()
    assert told == told_too == []
    assert together.should_stop


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, 0), ({"RANK": "3", "LOCAL_RANK": "1"}, 3), ({"SLURM_PROCID": "2"}, 2), ({"LOCAL_RANK": "x"}, 0)],
)
def test_the_rank_is_what_the_launcher_says(
    environment: dict[str, str], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in monitor_module.RANKS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert rank() == expected


def test_the_rank_is_what_an_initialised_framework_says(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = SimpleNamespace(is_available=lambda: True, is_initialized=lambda: True, get_rank=lambda: 5)
    monkeypatch.setitem(sys.modules, "torch.distributed", torch)
    assert rank() == 5
    monkeypatch.setitem(sys.modules, "torch.distributed", SimpleNamespace(is_available=lambda: False))
    jax = ModuleType("jax")
    jax.distributed, jax.process_index = SimpleNamespace(is_initialized=lambda: True), lambda: 7
    monkeypatch.setitem(sys.modules, "jax", jax)
    assert rank() == 7


def test_evidence_is_written_when_a_spike_is_over_and_at_the_end() -> None:
    written, recorded = [], []
    recorder = SimpleNamespace(
        record=lambda step, **arrays: recorded.append((step, arrays)),
        write=lambda name, onset, peak: written.append((name, onset, peak)),
    )
    loss = noise(800)
    loss[700:704] += 20
    monitor = Monitor(recorder=recorder)
    for step, row in bc(loss):
        monitor.record(step, nll=row["bc/actor_loss"])
        monitor.log(row, step=step)
    assert len(recorded) == 800
    assert [(name, onset) for name, onset, _ in written] == [("transient-700", 700)]
    monitor.close()
    assert len(written) == 2


def test_the_same_kind_of_alert_is_quiet_for_some_time_unless_it_is_worse() -> None:
    loss = noise(1500)
    for at, height in ((700, 30), (900, 25), (1100, 100)):
        loss[at : at + 2] += height
    sent = []
    sink = SimpleNamespace(send=sent.append, close=lambda: None)
    monitor, told = watched(bc(loss), sinks=[sink])
    assert [a.spike.onset_step for a in told if a.state is State.RISING] == [700, 900, 1100]
    assert [a.spike.onset_step for a in sent if a.state is State.RISING] == [700, 1100]
    monitor.close()
    assert sum(alert.state is State.FINAL for alert in sent) == 1


def test_what_was_told_to_rise_is_told_to_be_over_also_as_one_of_a_train() -> None:
    loss = noise(3200)
    for at in range(396, len(loss), 400):
        loss[at : at + 4] += 25
    sent = []
    sink = SimpleNamespace(send=sent.append, close=lambda: None)
    _, told = watched(bc(loss[:3150]), sinks=[sink])
    for alerts in (told, sent):
        states = [alert.state for alert in alerts]
        assert states == [State.RISING, State.OVER] * (len(states) // 2)
    assert len(told) == 2 * 7
    assert 2 <= len(sent) <= 2 * 4  # the cool-down holds for the end of an incident as for its beginning


def test_an_alert_that_is_printed_is_two_lines_that_obey_no_tag() -> None:
    loss = noise(300)
    loss[200] += 30
    tag = "\x1b[31m\nactor_loss"
    _, told = watched(((step, {tag: value}) for step, value in enumerate(loss)), roles={tag: "loss"})
    rising = str(told[0]).splitlines()
    assert rising[0].startswith("live: rising now: ")
    assert (len(rising), "\x1b" in str(told[0])) == (2, False)


def test_one_kind_to_stop_on_needs_no_tuple() -> None:
    assert Monitor(stop_on="non_finite").stops


def test_a_spike_that_is_no_finding_any_more_is_withdrawn() -> None:
    """One value far out, in what turns out to be a loss that throws such values all along."""
    loss = np.random.default_rng(3).standard_t(1.2, size=700)
    loss[:300] = np.clip(loss[:300], -3, 3)
    loss[250] = 60.0
    monitor, told = watched(bc(loss))
    monitor.close()
    assert State.WITHDRAWN in {a.state for a in told}
    withdrawn = next(a for a in told if a.state is State.WITHDRAWN)
    assert str(withdrawn.text).startswith("Withdrawn at step")


def test_a_loss_that_hides_what_is_no_number_is_told() -> None:
    """The trainer logs 0 for a loss that is NaN, and the gradient norm says so."""
    rows = (
        (s, {"loss": 0.0 if s >= 300 else 1 + 0.1 * v, "grad_norm": math.nan if s >= 300 else 1.0})
        for s, v in enumerate(noise(400))
    )
    _, told = watched(rows)
    assert [(a.spike.kind, a.spike.onset_step) for a in told] == [("non_finite", 300)]
    assert told[0].step < 330


@pytest.mark.slow
def test_a_million_steps_take_bounded_memory() -> None:
    """In a process of its own: the largest memory of this one is that of all tests."""
    script = """
import resource, sys, numpy as np, spikediag
m = spikediag.Monitor()
r = np.random.default_rng(0)
def run(n):
    for i in range(n):
        m.log({"loss": r.normal(), "mse": r.normal(), **{f"x{k}": i for k in range(8)}})
run(100_000)
early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run(900_000)
late = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert not m.troubles, m.troubles
print(late - early)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert int(done.stdout) < 20_000  # KB; the points themselves are 160 MB
