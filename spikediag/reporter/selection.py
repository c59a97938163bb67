"""What a report leads with: the findings worth a close-up, remedies in order, log lines that would decide."""

import math
from collections.abc import Iterable, Iterator

from spikediag.model import Advice, CauseVerdict, Condition, Diagnosis, Finding, Kind, Status

CLOSE_UPS = 3  # findings told in full; the rest stand in one table
ROWS = 50  # findings in the table; JSON has them all
OPEN = (Status.SUPPORTED, Status.PLAUSIBLE)
GRAVEST = (Kind.NON_FINITE, Kind.DIVERGENCE)


def main_findings(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """The findings told in full, gravest first: lost runs, then by height in robust sigmas."""
    return by_gravity(diagnosis)[:CLOSE_UPS]


def listed(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """The findings of the table, the gravest ones when there are too many, in step order."""
    return tuple(sorted(by_gravity(diagnosis)[:ROWS], key=lambda f: (f.spike.onset_step, f.id)))


def by_gravity(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """Every finding: lost runs first, then by height in robust sigmas, then by step."""
    return tuple(sorted(diagnosis.findings, key=_gravity))


def lead(diagnosis: Diagnosis) -> Finding | None:
    """The finding that the verdict is about."""
    return next(iter(main_findings(diagnosis)), None)


def primary(finding: Finding) -> CauseVerdict | None:
    """The verdict on the primary cause; None when the jump is unexplained and no verdict says so."""
    return next((v for v in finding.verdicts if v.cause == finding.primary_cause), None)


def remedies(diagnosis: Diagnosis) -> tuple[Advice, ...]:
    """What to do, best first: advice of the causes and conditions that hold, each once, log lines apart."""
    apart = {_key(a) for a in log_lines(diagnosis)}
    return tuple(
        a for a in _once(a for advice in _standing(diagnosis) for a in advice) if _key(a) not in apart
    )


def log_lines(diagnosis: Diagnosis) -> tuple[Advice, ...]:
    """What to log to decide what could not be checked, each once."""
    return _once(a for f in by_gravity(diagnosis) for v in f.verdicts for a in v.missing)


def standing_conditions(diagnosis: Diagnosis) -> tuple[Condition, ...]:
    """The fragilities that hold."""
    return tuple(c for c in diagnosis.conditions if c.status in OPEN)


def _standing(diagnosis: Diagnosis) -> Iterator[tuple[Advice, ...]]:
    for finding in by_gravity(diagnosis):
        yield from (v.advice for v in finding.verdicts if _answers(v, finding))
    yield from (c.advice for c in standing_conditions(diagnosis))


def _answers(verdict: CauseVerdict, finding: Finding) -> bool:
    return verdict.status is Status.SUPPORTED or verdict.cause == finding.primary_cause


def _gravity(finding: Finding) -> tuple[int, float, int]:
    spike = finding.spike
    height = spike.sigmas if math.isfinite(spike.sigmas) else math.inf
    return (spike.kind not in GRAVEST, -height, spike.onset_step)


def _once(advice: Iterable[Advice]) -> tuple[Advice, ...]:
    """In order of rank; of the same advice with other numbers, that of the gravest finding."""
    seen: dict[str, Advice] = {}
    for a in sorted(advice, key=lambda a: a.rank):
        seen.setdefault(_key(a), a)
    return tuple(seen.values())


def _key(advice: Advice) -> str:
    return advice.text.template
