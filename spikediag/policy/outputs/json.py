"""The check as JSON, schema `spikediag.check/1`."""

import json
import math
from dataclasses import fields
from typing import Any

from spikediag.policy.acceptance import Acceptance
from spikediag.policy.outputs.words import plain
from spikediag.policy.ruling import Breach, Gate, Ruling
from spikediag.policy.settings import Policy

SCHEMA = "spikediag.check/1"


def to_json(gate: Gate) -> str:
    """Strict JSON: what could not be computed, or is not finite, is null."""
    return json.dumps(to_dict(gate), indent=2, allow_nan=False) + "\n"


def to_dict(gate: Gate) -> dict[str, Any]:
    """The check as plain values."""
    return {
        "schema": SCHEMA,
        "outcome": gate.outcome.value,
        "policy": {f.name.replace("_", "-"): _setting(gate.policy, f.name) for f in fields(gate.policy)},
        "runs": [_run(ruling) for ruling in gate.rulings],
        "unread": [{"path": u.path, "reason": u.reason} for u in gate.unread],
        "stale": [_acceptance(a) for a in gate.stale],
    }


def _setting(policy: Policy, name: str) -> object:
    value = getattr(policy, name)
    if isinstance(value, frozenset):
        return sorted(value)
    return _finite(value)


def _run(ruling: Ruling) -> dict[str, Any]:
    run = ruling.diagnosis.run
    return {
        "path": run.path,
        "name": run.name,
        "outcome": ruling.outcome.value,
        "judged_in_full": not ruling.gaps,
        "rules": list(ruling.rules),
        "breaches": [_breach(b) for b in ruling.breaches],
        "gaps": [{"rule": g.rule, "reading": plain(g.reading)} for g in ruling.gaps],
        "accepted": [
            {**_breach(p.breach), "reason": p.acceptance.reason, "expires": _date(p.acceptance)}
            for p in ruling.pardons
        ],
        "measures": [plain(m) for m in ruling.measures],
    }


def _breach(breach: Breach) -> dict[str, Any]:
    said: dict[str, Any] = {"rules": list(breach.rules), "reading": plain(breach.reading), "finding": None}
    if breach.finding is not None:
        spike = breach.finding.spike
        said["finding"] = {
            "id": breach.finding.id,
            "tag": spike.tag,
            "kind": spike.kind.value,
            "onset_step": int(spike.onset_step),
            "jump": _finite(float(spike.height)),
            "sigmas": _finite(float(spike.sigmas)),
            "coupling": breach.finding.coupling.verdict.value,
            "primary_cause": breach.finding.primary_cause,
        }
    return said


def _acceptance(a: Acceptance) -> dict[str, Any]:
    steps = [a.first_step, a.last_step]
    said = {"run": a.run, "tag": a.tag, "kind": a.kind, "steps": steps, "height": _finite(a.height)}
    return {**said, "count": a.count, "reason": a.reason, "expires": _date(a)}


def _date(a: Acceptance) -> str | None:
    return a.expires.isoformat() if a.expires else None


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
