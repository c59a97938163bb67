"""The diagnosis as strict JSON: the names here are stable, numbers are finite or null."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikediag.model import Diagnosis, Role, Run
from spikediag.reporter.contract_finding import advice_to_list, finding_to_dict

SCHEMA = "spikediag.diagnosis/1"


def to_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    """The whole diagnosis; strings of the run are given exactly as read, sentences in English."""
    overall = diagnosis.overall
    document = {
        "schema": SCHEMA,
        "version": diagnosis.version,
        "run": _run(diagnosis.run),
        "findings": [finding_to_dict(f) for f in diagnosis.findings],
        "conditions": [
            {
                "condition": c.condition,
                "status": c.status.value,
                "value": c.value,
                "reading": str(c.reading),
                "advice": advice_to_list(c.advice),
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
