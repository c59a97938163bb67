"""The part of the JSON contract that a finding makes up: spike, coupling, causes with their evidence."""

from collections.abc import Iterable
from typing import Any

from spikediag.model import Advice, CauseVerdict, CompanionTest, Coupling, Evidence, Finding


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """One entry of `findings`."""
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
        "components": [{"name": str(c.name), "value": c.value} for c in finding.why.components],
        "algebra": [str(text) for text in finding.why.algebra],
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


def _verdict(verdict: CauseVerdict) -> dict[str, Any]:
    return {
        "cause": verdict.cause,
        "tier": verdict.tier.value,
        "status": verdict.status.value,
        "probability": verdict.probability,
        "evidence": [_evidence(e) for e in verdict.evidence],
        "advice": advice_to_list(verdict.advice),
        "missing": advice_to_list(verdict.missing),
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


def advice_to_list(advice: Iterable[Advice]) -> list[dict[str, Any]]:
    """Remedies or log lines, in the order given."""
    return [{"text": str(a.text), "code": a.code, "rank": a.rank} for a in advice]
