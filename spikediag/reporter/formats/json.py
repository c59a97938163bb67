"""json: the diagnosis in the stable schema, for programs: names never change, numbers are finite or null.

What was read from the run stands as it was read. What was computed has six significant digits: processors add
in different orders, which changes the eleventh digit and those after it. Integers are exact.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikediag.model import (
    Advice,
    Artifact,
    CauseVerdict,
    CompanionTest,
    Coupling,
    Diagnosis,
    Effect,
    Evidence,
    Finding,
    Outcome,
    Remedy,
    Role,
    Run,
    Witness,
)
from spikediag.phrases import chance, error_after
from spikediag.reporter.protocol import registry
from spikediag.wording.language import Language

SCHEMA = "spikediag.diagnosis/1"
DIGITS = 6  # significant, of computed numbers


@registry.register
@dataclass(frozen=True)
class Json:
    """`report.json`: strict JSON, ASCII only, sentences in English whatever the language of the report."""

    id: str = "json"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:  # noqa: ARG002
        """The document with a two-space indent."""
        text = json.dumps(to_dict(diagnosis), indent=2, allow_nan=False)
        return (Artifact("report.json", text.encode("ascii") + b"\n"),)


def to_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    """The whole diagnosis; strings of the run are given exactly as read, sentences in English."""
    return {
        "schema": SCHEMA,
        "version": diagnosis.version,
        "run": _strict(_run(diagnosis.run)),
        **_strict(_computed(diagnosis), DIGITS),
    }


def _computed(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "findings": [_finding(f) for f in diagnosis.findings],
        "conditions": [
            {
                "condition": c.condition,
                "status": c.status.value,
                "value": c.value,
                "reading": str(c.reading),
                "advice": _advice(c.advice),
                "worth": (worth := diagnosis.worth(c)) and _worth(worth),
            }
            for c in diagnosis.conditions
        ],
        "remedies": [_remedy(remedy) for remedy in diagnosis.remedies],
        "verdict": _verdict(diagnosis),
        "searched": [
            {
                "tag": s.tag,
                "points": s.points,
                "judged": s.judged,
                "jumps": [vars(jump) for jump in s.jumps],
                "reason": s.reason and str(s.reason),
            }
            for s in diagnosis.searched_series
        ],
        "checks": [{"id": c.id, "ran": c.ran, "reason": str(c.reason)} for c in diagnosis.checks],
    }


def _worth(remedy: Remedy) -> dict[str, Any]:
    """What a condition is worth: the spikes that the remedy prevents which removes it."""
    return {
        "remedy": remedy.id,
        "effect": remedy.effect and _effect(remedy.effect),
        "applies": remedy.applies,
        "because": str(remedy.reason),
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "prevented": effect.prevented,
        "low": effect.low,
        "high": effect.high,
        "source": str(effect.source),
    }


def _remedy(remedy: Remedy) -> dict[str, Any]:
    """A remedy; its text is the line to change where that was read, else the sentence that says it."""
    advice, effect = remedy.advice, remedy.effect
    line = advice.change and advice.change.line
    return {
        "id": remedy.id,
        "text": line or str(advice.text),
        "code": advice.code,
        "effect": effect and _effect(effect),
        "cost": effect and f"In the study the error ended at {error_after(effect)} times the unchanged one.",
        "effort": str(remedy.effort),
        "applies": remedy.applies,
        "reason": str(remedy.reason),
    }


def _verdict(diagnosis: Diagnosis) -> dict[str, Any]:
    overall = diagnosis.overall
    return {
        "status": overall.status.value,
        "matters": overall.matters,
        "leading": diagnosis.lead and diagnosis.lead.id,
        "primary_cause": overall.primary_cause,
        "summary": str(overall.summary),
        "because": [str(text) for text in overall.because],
        "outcomes": [_outcome(outcome) for outcome in overall.outcomes],
        "past_best": [
            {
                "tag": past.tag,
                "role": past.role.value,
                "first_step": past.first_step,
                "last_step": past.last_step,
                "best": past.best,
                "end": past.end,
            }
            for past in overall.past_best
        ],
        "would_tell": _advice(overall.would_tell),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "finding": outcome.finding,
        "tag": outcome.tag,
        "role": outcome.role.value,
        "before": outcome.before,
        "during": outcome.during,
        "after": outcome.after,
        "foretold": outcome.foretold,
        "interval": [outcome.low, outcome.high],
        "margin": outcome.margin,
        "verdict": outcome.verdict.value,
        "reading": str(outcome.reading),
        "meanwhile": outcome.meanwhile,
        "excused": outcome.excused,
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "path": run.path,
        "name": run.name,
        "library": run.library,
        "step_unit": run.step_unit,
        "sessions": [vars(s) for s in run.sessions],
        "rewinds": [vars(r) for r in run.rewinds],
        "loss_kinds": {loss.tag: run.loss_kind(loss).value for loss in run.having(Role.LOSS)},
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
        "damage": [vars(d) | {"what": str(d.what)} for d in run.damage],
        "files": [vars(f) for f in run.files],
        "checkpoints": [vars(c) for c in run.checkpoints],
        "notes": [str(note) for note in run.notes],
    }


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """One finding as it stands in `findings`, strict JSON."""
    told: dict[str, Any] = _strict(_finding(finding), DIGITS)
    return told


def _finding(finding: Finding) -> dict[str, Any]:
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
        "usual": spike.usual,
        "provisional": spike.provisional,
        "losses": [vars(loss) for loss in finding.losses],
        "coupling": _coupling(finding.coupling),
        "asked": finding.witnesses.asked,
        "witnesses": [_witness(w) for w in finding.witnesses.moved],
        "copies": [vars(copy) for copy in finding.witnesses.copies],
        "causes": [_cause(v) for v in finding.verdicts],
        "primary_cause": finding.primary_cause,
        "components": [{"name": str(c.name), "value": c.value} for c in finding.why.components],
        "algebra": [str(text) for text in finding.why.algebra],
        "recorded": [str(text) for text in finding.why.recorded],
    }


def _witness(witness: Witness) -> dict[str, Any]:
    """One series that moved with the jump; the lag is in steps, above 0 where it came first."""
    return {
        "tag": witness.tag,
        "role": witness.role.value,
        "before": witness.before,
        "at": witness.at,
        "change": witness.change,
        "sigmas": None if witness.was_constant else witness.sigmas,
        "lag": witness.lag.steps,
        "lag_low": witness.lag.low,
        "lag_high": witness.lag.high,
        "leads": witness.lag.leads,
        "moved_elsewhere": witness.moved,
        "windows_elsewhere": witness.windows,
        "chance": witness.chance,
    }


def _coupling(coupling: Coupling) -> dict[str, Any]:
    first = coupling.tests[0] if coupling.tests else None
    return {
        "verdict": coupling.verdict.value,
        "companion": first and first.tag,
        "change": first and first.change,
        "interval": first and [first.low, first.high],
        "margin": first and first.margin,
        "pooled": coupling.pooled,
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
        "held_out": test.held_out,
        "blind": test.blind and str(test.blind),
        "moved": test.moved,
        "tested": test.tested,
    }


def _cause(verdict: CauseVerdict) -> dict[str, Any]:
    return {
        "cause": verdict.cause,
        "tier": verdict.tier.value,
        "status": verdict.status.value,
        "probability": verdict.probability,
        "calibrated": verdict.calibrated,
        "uncalibrated": verdict.uncalibrated and str(verdict.uncalibrated),
        "in_words": None if (words := chance(verdict)) is None else str(words),
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
    """Remedies or log lines, in the order given."""
    return [{"text": str(a.text), "code": a.code, "rank": a.rank} for a in advice]


def _strict(value: Any, digits: int | None = None) -> Any:  # noqa: ANN401  # any JSON value
    """The value with plain finite numbers, floats rounded to so many significant digits."""
    match value:
        case Mapping():
            return {str(key): _strict(item, digits) for key, item in value.items()}
        case list() | tuple():
            return [_strict(item, digits) for item in value]
        case np.generic():
            return _strict(value.item(), digits)
        case float() if not math.isfinite(value):
            return None
        case float() if digits is not None:
            return float(f"{value:.{digits}g}")
        case _:
            return value
