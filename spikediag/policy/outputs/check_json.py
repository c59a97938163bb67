"""The check as JSON, schema `spikediag.check/1`."""

import json
import math
from dataclasses import fields
from typing import Any

from spikediag.model import Finding
from spikediag.policy.policy import Policy
from spikediag.policy.result import AcceptedSpike, Breach, CheckResult, RunResult
from spikediag.wording.writer import in_english

SCHEMA = "spikediag.check/1"


def to_json(check: CheckResult) -> str:
    """Strict JSON: what could not be computed, or is not finite, is null."""
    return json.dumps(to_dict(check), indent=2, allow_nan=False) + "\n"


def to_dict(check: CheckResult) -> dict[str, Any]:
    """The check as plain values."""
    return {
        "schema": SCHEMA,
        "outcome": check.outcome.value,
        "policy": {f.name.replace("_", "-"): _setting(check.policy, f.name) for f in fields(check.policy)},
        "counted": len(check.runs) + len(check.unread),
        "runs": [_run(result) for result in check.runs],
        "unread": [{"path": u.path, "reason": str(u.reason)} for u in check.unread],
        "left_out": [{"path": u.path, "reason": str(u.reason)} for u in check.left_out],
        "stale": [_entry_document(a) for a in check.stale],
    }


def _setting(policy: Policy, name: str) -> object:
    value = getattr(policy, name)
    if isinstance(value, frozenset):
        return sorted(value)
    return _finite(value)


def _run(result: RunResult) -> dict[str, Any]:
    run = result.diagnosis.run
    return {
        "path": run.path,
        "name": run.name,
        "outcome": result.outcome.value,
        "judged_in_full": not result.gaps,
        "rules": list(result.rules),
        "breaches": [_breach(b) for b in result.breaches],
        "gaps": [{"rule": g.rule, "reading": in_english(g.reading)} for g in result.gaps],
        "let_through": [
            {"finding": _finding(t.finding), "reading": in_english(t.reading)} for t in result.let_through
        ],
        "accepted": [
            {**_breach(p.breach), "run": p.entry.run, "reason": p.entry.reason, "expires": _date(p.entry)}
            for p in result.accepted
        ],
        "measures": [in_english(m) for m in result.measures],
        "notes": [*(in_english(r) for r in result.remarks), *map(str, result.notes)],
    }


def _breach(breach: Breach) -> dict[str, Any]:
    found = breach.finding and _finding(breach.finding)
    return {"rules": list(breach.rules), "reading": in_english(breach.reading), "finding": found}


def _finding(finding: Finding) -> dict[str, Any]:
    spike = finding.spike
    return {
        "id": finding.id,
        "tag": spike.tag,
        "kind": spike.kind.value,
        "onset_step": int(spike.onset_step),
        "jump": _finite(float(spike.height)),
        "sigmas": _finite(float(spike.sigmas)),
        "coupling": finding.coupling.verdict.value,
        "primary_cause": finding.primary_cause,
    }


def _entry_document(a: AcceptedSpike) -> dict[str, Any]:
    steps = [a.first_step, a.last_step]
    said = {"run": a.run, "tag": a.tag, "kind": a.kind, "steps": steps, "height": _finite(a.height)}
    return {**said, "count": a.count, "reason": a.reason, "expires": _date(a)}


def _date(a: AcceptedSpike) -> str | None:
    return a.expires.isoformat() if a.expires else None


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
