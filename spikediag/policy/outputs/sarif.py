"""The check as SARIF 2.1.0, for code scanning.

Reference: OASIS, Static Analysis Interchange Format 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from spikediag.model import Text
from spikediag.policy.outputs.words import fingerprint, plain, rule_reason, shown, source_file
from spikediag.policy.ruling import Breach, Gate, Outcome, Ruling

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(gate: Gate, version: str) -> str:
    """One SARIF run for the whole check; accepted spikes are suppressed results."""
    rules = sorted({rule for ruling in gate.rulings for rule in ruling.rules})
    driver = {
        "name": "spikediag",
        "semanticVersion": version,
        "rules": [
            {
                "id": rule,
                "shortDescription": {"text": rule_reason(rule)},
                "help": {"text": f"{rule_reason(rule)} `spikediag explain` says what the names mean."},
                "defaultConfiguration": {"level": "error"},
            }
            for rule in rules
        ],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "spikediag/"},
        "invocations": [_invocation(gate)],
        "results": [r for ruling in gate.rulings for r in _results(ruling, rules)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _invocation(gate: Gate) -> dict[str, Any]:
    unread = [f"{shown(u.path)}: {shown(u.reason)}" for u in gate.unread]
    return {
        "executionSuccessful": gate.outcome is not Outcome.NOT_JUDGED and not unread,
        "toolExecutionNotifications": [{"level": "error", "message": {"text": text}} for text in unread],
    }


def _results(ruling: Ruling, rules: list[str]) -> Iterator[dict[str, Any]]:
    for breach in ruling.breaches:
        said = _result(ruling, breach.rules[0], rules, "error", breach.reading)
        said["partialFingerprints"] = {"spikediag/v1": fingerprint(ruling, breach)}
        said["properties"] = _properties(breach)
        yield said
    for pardon in ruling.pardons:
        said = _result(ruling, pardon.breach.rules[0], rules, "error", pardon.breach.reading)
        reason = shown(pardon.acceptance.reason) or "accepted in the baseline"
        said["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
        yield said
    level = "error" if ruling.strict else "note"
    for gap in ruling.gaps:
        said = _result(ruling, gap.rule, rules, level, gap.reading)
        said["message"]["text"] = f"Not judged: {said['message']['text']}"
        yield said


def _result(ruling: Ruling, rule: str, rules: list[str], level: str, reading: Text) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": quote(source_file(ruling), errors="surrogateescape")},
        "region": {"startLine": 1},
    }
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": level,
        "message": {"text": f"{shown(ruling.diagnosis.run.name)}: {plain(reading)}"},
        "locations": [{"physicalLocation": place}],
    }


def _properties(breach: Breach) -> dict[str, Any]:
    said: dict[str, Any] = {"rules": list(breach.rules)}
    if breach.finding is not None:
        spike = breach.finding.spike
        said |= {"finding": breach.finding.id, "tag": spike.tag, "onsetStep": int(spike.onset_step)}
    return said
