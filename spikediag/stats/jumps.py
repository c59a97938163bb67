"""Every single jump of a run: what is counted when trainings are compared."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.model import Diagnosis, Finding, Kind

SUDDEN = frozenset({Kind.TRANSIENT, Kind.TRAIN, Kind.LEVEL_SHIFT, Kind.NON_FINITE, Kind.DIVERGENCE})


@dataclass(frozen=True)
class Jump:
    """One jump of the leading loss of an incident."""

    tag: str
    step: int  # of the onset
    height: float  # loss units; not finite when the loss was not


def jumps(diagnosis: Diagnosis) -> tuple[Jump, ...]:
    """The sudden rises of a run in step order; a train counts each of its excursions."""
    found = (j for f in diagnosis.findings if f.spike.kind in SUDDEN for j in _of(f, diagnosis))
    return tuple(sorted(found, key=lambda jump: (jump.step, jump.tag)))


def _of(finding: Finding, diagnosis: Diagnosis) -> Iterator[Jump]:
    spike = finding.spike
    if not spike.members:
        yield Jump(spike.tag, int(spike.onset_step), float(spike.height))
        return
    series = diagnosis.run.series[spike.tag]
    for member in spike.members:
        height = float(series.values[member.peak]) - spike.baseline
        yield Jump(spike.tag, int(series.steps[member.start]), height)
