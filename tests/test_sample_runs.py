"""Detection, coupling and primary cause agree with the truth of every real training in sample_runs/."""

from pathlib import Path

import pytest

from spikediag.model import Finding
from tests.conftest import diagnosed, sample_runs, truth_of

XFAIL = {  # run name -> where the tool differs; the truth is never loosened
    "log_std_drop": "kind and cause agree; the coupling is undecided instead of decoupled, as the thrown "
    "policy's MSE does rise over the next updates: +0.065, 90 % interval -0.006 to +0.136, margin 0.095",
}

SCORED = [run for run in sample_runs() if truth_of(run)["scored"]]
LATE = [run for run in SCORED if isinstance(truth_of(run)["step"], int)]


def judged(run: Path) -> object:
    marks = [pytest.mark.xfail(reason=XFAIL[run.name])] if run.name in XFAIL else []
    return pytest.param(run, id=run.name, marks=marks)


def expected(truth: dict[str, object], key: str) -> set[object]:
    value = truth[key]
    return set(value) if isinstance(value, list) else {value}


def at_the_intervention(findings: tuple[Finding, ...], step: object) -> Finding:
    """The finding that begins nearest the intervention, or the largest where no step is stated."""
    if isinstance(step, int):
        return min(findings, key=lambda f: abs(f.spike.onset_step - step))
    return max(findings, key=lambda f: f.spike.height)


@pytest.mark.parametrize("run", [judged(run) for run in SCORED])
def test_diagnosis_agrees_with_the_truth(run: Path) -> None:
    truth = truth_of(run)
    diagnosis = diagnosed(run.name)
    if truth["primary_cause"] is None:
        assert not diagnosis.findings
        return
    assert diagnosis.findings, "nothing was found"
    finding = at_the_intervention(diagnosis.findings, truth["step"])
    assert finding.spike.kind in expected(truth, "kind")
    assert finding.coupling.verdict in expected(truth, "coupling")
    assert finding.primary_cause in expected(truth, "primary_cause")


@pytest.mark.parametrize("run", [pytest.param(run, id=run.name) for run in LATE])
def test_what_is_found_before_the_intervention_stands_far_out(run: Path) -> None:
    """The calm base spikes by itself now and then; that is no false alarm, a smaller rise would be."""
    step = truth_of(run)["step"]
    early = [f.spike for f in diagnosed(run.name).findings if f.spike.onset_step < step * 0.98]
    assert all(spike.sigmas > 8 for spike in early)


def test_the_collection_is_there() -> None:
    assert len(sample_runs()) >= 2
