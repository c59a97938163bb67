"""The diagnosis as strict JSON: the names here are stable, numbers are finite or null."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from spikediag.model import (
    Advice,
    CompanionTest,
    Coupling,
    Diagnosis,
    Evidence,
    Finding,
    Role,
    Run,
    Verdict,
)

SCHEMA = "spikediag.diagnosis/1"


def to_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    """The whole diagnosis; strings of the run are given exactly as read, sentences in English."""
    overall = diagnosis.overall
    document = {
        "schema": SCHEMA,
        "version": diagnosis.version,
        "run": _run(diagnosis.run),
        "findings": [_finding(f) for f in diagnosis.findings],
        "conditions": [
            {
                "condition": c.condition,
                "status": c.status.value,
                "value": c.value,
                "reading": str(c.reading),
                "advice": _advice(c.advice),
            }
            for c in diagnosis.conditions
        ],
        "verdict": {
            "status": overall.status.value,
            "matters": overall.matters,
            "primary_cause": overall.primary_cause,
            "summary": str(overall.summary),
            "because": [str(text) for text in overall.because],
        },
        "checks": [{"id": c.id, "ran": c.ran, "reason": str(c.reason)} for c in diagnosis.checks],
    }
    finite: dict[str, Any] = _finite(document)
    return finite


def _run(run: Run) -> dict[str, Any]:
    return {
        "path": run.path,
        "name": run.name,
        "library": run.library,
        "step_unit": run.step_unit,
        "sessions": [vars(s) for s in run.sessions],
        "rewinds": [vars(r) for r in run.rewinds],
        "roles": {role.value: tags for role in Role if (tags := [s.tag for s in run.having(role)])},
        "facts": {
            name: {
                "value": fact.value,
                "source": fact.source,
                "confidence": fact.confidence,
                "conflicts": list(fact.conflicts),
            }
            for name, fact in sorted(run.facts.items())
        },
        "damage": [vars(d) for d in run.damage],
        "files": [vars(f) for f in run.files],
        "checkpoints": [vars(c) for c in run.checkpoints],
        "notes": list(run.notes),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    spike = finding.spike
    return {
        "id": finding.id,
        "tag": spike.tag,
        "kind": spike.kind.value,
        "onset_step": spike.onset_step,
        "peak_step": spike.peak_step,
        "end_step": spike.end_step,
        "baseline": spike.baseline,
        "peak": spike.peak_value,
        "jump": spike.height,
        "noise": spike.noise,
        "sigmas": spike.sigmas,
        "expected_by_chance": spike.expected_by_chance,
        "count": spike.count,
        "rate": spike.rate,
        "rate_grows": spike.rate_grows,
        "losses": [vars(loss) for loss in finding.losses],
        "coupling": _coupling(finding.coupling),
        "causes": [_verdict(v) for v in finding.verdicts],
        "primary_cause": finding.primary_cause,
        "components": [{"name": str(c.name), "value": c.value} for c in finding.components],
        "algebra": [str(text) for text in finding.algebra],
    }


def _coupling(coupling: Coupling) -> dict[str, Any]:
    first = coupling.tests[0] if coupling.tests else None
    return {
        "verdict": coupling.verdict.value,
        "companion": first and first.tag,
        "change": first and first.change,
        "interval": first and [first.low, first.high],
        "margin": first and first.margin,
        "reading": str(coupling.reading),
        "tests": [_test(test) for test in coupling.tests],
    }


def _test(test: CompanionTest) -> dict[str, Any]:
    return {
        "companion": test.tag,
        "verdict": test.verdict.value,
        "before": test.before,
        "during": test.during,
        "change": test.change,
        "interval": [test.low, test.high],
        "margin": test.margin,
        "margin_reason": str(test.margin_reason),
        "p_equivalent": test.p_equivalent,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "cause": verdict.cause,
        "tier": verdict.tier.value,
        "status": verdict.status.value,
        "probability": verdict.probability,
        "evidence": [_evidence(e) for e in verdict.evidence],
        "advice": _advice(verdict.advice),
        "missing": _advice(verdict.missing),
        "mechanism": None if verdict.mechanism is None else str(verdict.mechanism),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "what": evidence.what,
        "reading": str(evidence.reading),
        "observed": evidence.observed,
        "reference": evidence.reference,
        "supports": evidence.supports,
        "weight": evidence.weight,
    }


def _advice(advice: Iterable[Advice]) -> list[dict[str, Any]]:
    return [{"text": str(a.text), "code": a.code, "rank": a.rank} for a in advice]


def _finite(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    match value:
        case Mapping():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case np.generic():
            return _finite(value.item())
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
