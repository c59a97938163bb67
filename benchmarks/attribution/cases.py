"""Injected-fault trainings as scored cases: which finding belongs to the fault, and what was said of it."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
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
CLONING, LEARNERS = "behaviour cloning", "RL and language models"
LEARNER_NAMES = ("ppo_", "sac_", "q_", "dqn_", "lm_", "grpo_")
ERRORS = (Measure.SQUARED_ERROR, Measure.ACCURACY)
RISE = ": a rise"  # what an alarm is called that is neither a fall nor usual
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
    told: tuple[float, bool] | None  # the probability that a report gives its likeliest cause, and if right
    coupling: str
    coupling_truth: tuple[str, ...]

    @property
    def right(self) -> bool:
        return self.primary in self.truth


@dataclass(frozen=True)
class View:
    """All findings of one folder of trainings, seen with some of the tags."""

    said: tuple[Said, ...] = ()
    missed: tuple[str, ...] = ()  # runs with a fault that no finding belongs to
    calm: tuple[str, ...] = ()  # runs without a fault
    alarms: tuple[str, ...] = ()  # such runs, once for each of their findings, and whether that is a rise

    def of(self, family: str) -> "View":
        """Only one family of trainings."""
        kept = [
            tuple(run for run in runs if _family(run) == family)
            for runs in (self.missed, self.calm, self.alarms)
        ]
        return View(tuple(s for s in self.said if _family(s.run) == family), *kept)


def view(folder: Path, *, bare: bool, workers: int = 1) -> View:
    """Diagnose every training below a folder.

    Args:
        folder: As `python -m sample_runs.lab faults` and `... learners` write it.
        bare: Keep only the losses and the error metric, as many libraries log.
        workers: Processes at a time.
    """
    paths = sorted(p.parent for p in folder.glob("*/truth.json"))
    with ProcessPoolExecutor(workers) as pool:
        seen = tuple(pool.map(partial(_seen, bare=bare), paths))
    return View(*(tuple(item for one in seen for item in getattr(one, f.name)) for f in fields(View)))


def _seen(path: Path, *, bare: bool) -> View:
    """One training."""
    truth = json.loads((path / "truth.json").read_text(encoding="utf-8"))
    findings, period = diagnosed(path, bare=bare)
    if truth["primary_cause"] is None:
        return View(calm=(path.name,), alarms=tuple(path.name + _alarm(finding) for finding in findings))
    belonging = _belonging(findings, truth["step"], period, lasting=path.name.startswith(LASTING))
    said = tuple(_said(path.name, truth, finding) for finding in belonging)
    return View(said=said, missed=() if said else (path.name,))


def _alarm(finding: Finding) -> str:
    return "" if finding.spike.is_fall or finding.spike.usual else RISE


def _family(run: str) -> str:
    return LEARNERS if run.startswith(LEARNER_NAMES) else CLONING


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
    """The run with nothing but its losses and the squared error or the accuracy of its batches."""
    kept = {
        tag: s
        for tag, s in run.series.items()
        if s.role is Role.LOSS or (s.role is Role.COMPANION and s.measure in ERRORS)
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
        told=_told(finding, _ids(truth["primary_cause"])),
        coupling=finding.coupling.verdict.value,
        coupling_truth=_ids(truth["coupling"]),
    )


def _told(finding: Finding, truth: tuple[str, ...]) -> tuple[float, bool] | None:
    """As `spikediag.phrases.answer` chooses: the primary cause, else the likeliest one with a figure."""
    likeliest = max(
        (v for v in finding.verdicts if v.open and v.calibrated and v.probability is not None),
        key=lambda v: (v.cause == finding.primary_cause, v.share),
        default=None,
    )
    return None if likeliest is None else (likeliest.share, likeliest.cause in truth)


def _ids(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())  # type: ignore[call-overload]
