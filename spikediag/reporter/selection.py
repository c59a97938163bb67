"""What a report leads with: the findings worth a close-up, remedies in order, log lines that would decide."""

from collections.abc import Iterable, Iterator

from spikediag.model import (
    Advice,
    CauseVerdict,
    Diagnosis,
    Finding,
    Searched,
    Status,
    Witness,
    by_gravity,
)

CLOSE_UPS = 3  # findings told in full; the rest stand in one table
WITNESSES = 4  # lines on what else moved
ROWS = 50  # findings in the table; JSON has them all
OPEN = (Status.SUPPORTED, Status.PLAUSIBLE)


def main_findings(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """The findings told in full, the leading one first."""
    return by_gravity(diagnosis.findings)[:CLOSE_UPS]


def unjudged(diagnosis: Diagnosis) -> tuple[Searched, ...]:
    """The losses in which no jump would have been found."""
    return tuple(one for one in diagnosis.searched_losses if not one.judged)


def close_up_name(finding: Finding) -> str:
    """What its picture is called: `finding-2` for F2."""
    return f"finding-{finding.id.removeprefix('F')}"


def witnesses(finding: Finding) -> tuple[Witness, ...]:
    """Those worth a line: not the errors, which were tested, and of twins the first."""
    tested = {test.tag for test in finding.coupling.tests}
    seen: dict[tuple[str, float], Witness] = {}
    for witness in finding.witnesses.moved:
        if witness.tag not in tested:
            seen.setdefault((f"{abs(witness.sigmas):.3g}", witness.lag.steps), witness)
    return tuple(seen.values())[:WITNESSES]


def listed(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """The findings of the table, the gravest ones when there are too many, in step order."""
    return tuple(sorted(by_gravity(diagnosis.findings)[:ROWS], key=lambda f: (f.spike.onset_step, f.id)))


def remedies(diagnosis: Diagnosis) -> tuple[Advice, ...]:
    """What to do, log lines apart, each once: for the leading finding and the run, then for other findings.

    In each part the best first.
    """
    lead = diagnosis.lead
    others = (f for f in by_gravity(diagnosis.findings) if f is not lead)
    first = _once((*_of_causes(lead), *_of_conditions(diagnosis)))
    then = _once(a for finding in others for a in _of_causes(finding))
    apart = {_key(a) for a in log_lines(diagnosis)}
    return tuple(a for a in _distinct((*first, *then)) if _key(a) not in apart)


def log_lines(diagnosis: Diagnosis) -> tuple[Advice, ...]:
    """What to log to decide what could not be checked, each once."""
    return _once(a for f in by_gravity(diagnosis.findings) for v in f.verdicts for a in v.missing)


def _of_causes(finding: Finding | None) -> Iterator[Advice]:
    if finding is not None:
        yield from (a for v in finding.verdicts if _answers(v, finding) for a in v.advice)


def _of_conditions(diagnosis: Diagnosis) -> Iterator[Advice]:
    yield from (a for c in diagnosis.conditions if c.status in OPEN for a in c.advice)


def _answers(verdict: CauseVerdict, finding: Finding) -> bool:
    return verdict.status is Status.SUPPORTED or verdict.cause == finding.primary_cause


def _once(advice: Iterable[Advice]) -> tuple[Advice, ...]:
    """In order of rank; of the same advice with other numbers, that of the gravest finding."""
    return _distinct(sorted(advice, key=lambda a: a.rank))


def _distinct(advice: Iterable[Advice]) -> tuple[Advice, ...]:
    seen: dict[str, Advice] = {}
    for a in advice:
        seen.setdefault(_key(a), a)
    return tuple(seen.values())


def _key(advice: Advice) -> str:
    return advice.text.template
