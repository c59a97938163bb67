"""Injected-fault trainings as scored cases: which finding belongs to the fault, and what was said of it."""

import json
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
    run, findings = diagnosed(path, bare=bare)
    if truth["primary_cause"] is None:
        return View(calm=(path.name,), alarms=tuple(path.name + _alarm(finding) for finding in findings))
    belonging = belongs(path.name, run, findings, truth["step"])
    said = tuple(_said(path.name, truth, finding) for finding in belonging)
    return View(said=said, missed=() if said else (path.name,))


def _alarm(finding: Finding) -> str:
    return "" if finding.spike.is_fall or finding.spike.usual else RISE


def _family(run: str) -> str:
    return LEARNERS if run.startswith(LEARNER_NAMES) else CLONING


def diagnosed(path: Path, *, bare: bool) -> tuple[Run, tuple[Finding, ...]]:
    run = parser.read_run(path)
    run = stripped(run) if bare else run
    try:
        return run, pipeline.diagnose(run).findings
    except NoLossError:
        return run, ()


def stripped(run: Run) -> Run:
    """The run with nothing but its losses and the squared error or the accuracy of its batches."""
    kept = {
        tag: s
        for tag, s in run.series.items()
        if s.role is Role.LOSS or (s.role is Role.COMPANION and s.measure in ERRORS)
    }
    return replace(run, series=MappingProxyType(kept))


def belongs(name: str, run: Run, findings: tuple[Finding, ...], step: int | None) -> tuple[Finding, ...]:
    """The findings that a fault made: every one near it, of a fault that goes on else the first after it.

    Of a fault without a step all are its own; of short last batches those with a peak on one.
    """
    if step is None:
        return tuple(f for f in findings if not name.startswith("epoch_boundary") or _on_last_batch(run, f))
    period = next((loss.interval for loss in run.having(Role.LOSS)), 1.0)
    after = [f for f in findings if f.spike.onset_step >= step - EARLY * period]
    near = [f for f in after if f.spike.onset_step <= step + NEAR * period]
    spanning = [f for f in findings if f not in after and _has_begun_near(run, f, step, period)]
    return tuple(near or (after[:1] if name.startswith(LASTING) else []) or spanning)


def _has_begun_near(run: Run, finding: Finding, step: int, period: float) -> bool:
    """Whether a burst of an earlier train, or the top of a rise, lies near the fault."""
    steps = run.series[finding.spike.tag].steps
    marks = [int(steps[m.start]) for m in finding.spike.excursions] or [finding.spike.peak_step]
    return any(step - EARLY * period <= mark <= step + NEAR * period for mark in marks)


def _on_last_batch(run: Run, finding: Finding) -> bool:
    """Whether a peak lies on the last update of a pass; updates are counted from one or from zero."""
    if run.batch is None:
        return False
    steps, updates = run.series[finding.spike.tag].steps, int(np.ceil(run.batch.updates_per_pass))
    peaks = [int(steps[m.peak]) for m in finding.spike.excursions] or [finding.spike.peak_step]
    return any(peak % updates in {0, updates - 1} for peak in peaks)


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
