"""Injected-fault trainings as scored cases: which finding belongs to the fault, and what was said of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from spikediag import parser, pipeline
from spikediag.errors import NoLossError
from spikediag.model import Finding, Measure, Role, Run

NEAR = 40  # logged points after the fault in which a finding belongs to it
LASTING = (  # faults that go on: the first later finding belongs to them too
    "lr_step",
    "log_std_ramp",
    "ppo_lr_step",
    "dqn_lr_step",
    "lm_lr_step",
    "q_divergence",
    "sac_temperature",
)
EARLY = 3  # logged points an onset may lie before it


@dataclass(frozen=True)
class Said:
    """What was said of one finding that belongs to a fault."""

    run: str
    fault: str
    truth: tuple[str, ...]
    primary: str
    status: str  # of the primary cause
    probabilities: dict[str, float]
    supported: tuple[str, ...]
    coupling: str
    coupling_truth: tuple[str, ...]

    @property
    def right(self) -> bool:
        return self.primary in self.truth


@dataclass(frozen=True)
class View:
    """All findings of one folder of trainings, seen with some of the tags."""

    said: tuple[Said, ...]
    missed: tuple[str, ...]  # faults no finding belongs to
    alarms: int  # findings in trainings without a fault
    calm: int  # such trainings


def view(folder: Path, *, bare: bool) -> View:
    """Diagnose every training below a folder.

    Args:
        folder: As `python -m sample_runs.lab faults` writes it.
        bare: Keep only the losses and the squared error, as many libraries log.
    """
    said, missed, alarms, calm = [], [], 0, 0
    for path in sorted(p.parent for p in folder.glob("*/truth.json")):
        truth = json.loads((path / "truth.json").read_text(encoding="utf-8"))
        findings, period = diagnosed(path, bare=bare)
        if truth["primary_cause"] is None:
            alarms, calm = alarms + len(findings), calm + 1
            continue
        belonging = list(_belonging(findings, truth["step"], period, lasting=path.name.startswith(LASTING)))
        if not belonging:
            missed.append(path.name)
        said += [_said(path.name, truth, finding) for finding in belonging]
    return View(tuple(said), tuple(missed), alarms, calm)


def diagnosed(path: Path, *, bare: bool) -> tuple[tuple[Finding, ...], float]:
    run = parser.read_run(path)
    run = stripped(run) if bare else run
    loss = next(run.having(Role.LOSS), None)
    period = float(np.median(np.diff(loss.steps))) if loss is not None and len(loss) > 1 else 1.0
    try:
        return pipeline.diagnose(run).findings, period
    except NoLossError:
        return (), period


def stripped(run: Run) -> Run:
    """The run with nothing but its losses and the squared error of its action."""
    kept = {
        tag: s
        for tag, s in run.series.items()
        if s.role is Role.LOSS or (s.role is Role.COMPANION and s.measure is Measure.SQUARED_ERROR)
    }
    return replace(run, series=MappingProxyType(kept))


def _belonging(
    findings: tuple[Finding, ...], step: int | None, period: float, *, lasting: bool
) -> Iterator[Finding]:
    """Every finding near the fault, of a lasting one else the first after it; all, where it has no step."""
    if step is None:
        yield from findings
        return
    after = [f for f in findings if f.spike.onset_step >= step - EARLY * period]
    near = [f for f in after if f.spike.onset_step <= step + NEAR * period]
    spanning = [f for f in findings if f not in after and f.spike.onset_step < step <= f.spike.peak_step]
    yield from near or (after[:1] if lasting else []) or spanning


def _said(name: str, truth: dict[str, object], finding: Finding) -> Said:
    status = next((v.status.value for v in finding.verdicts if v.cause == finding.primary_cause), "plausible")
    return Said(
        run=name,
        fault=name.rpartition("_")[0],
        truth=_ids(truth["primary_cause"]),
        primary=finding.primary_cause,
        status=status,
        probabilities={v.cause: v.share for v in finding.verdicts},
        supported=tuple(v.cause for v in finding.verdicts if v.status.value == "supported"),
        coupling=finding.coupling.verdict.value,
        coupling_truth=_ids(truth["coupling"]),
    )


def _ids(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())  # type: ignore[call-overload]
