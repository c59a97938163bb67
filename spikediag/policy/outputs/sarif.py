"""The check as SARIF 2.1.0, for code scanning.

Reference: OASIS, Static Analysis Interchange Format 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from spikediag.model import Text
from spikediag.policy.outputs.wording import (
    breach_fingerprint,
    on_one_line,
    rule_reason,
    source_file,
)
from spikediag.policy.result import Breach, CheckOutcome, CheckResult, RunResult
from spikediag.wording.writer import in_english

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(check: CheckResult, version: str) -> str:
    """One SARIF run for the whole check; accepted spikes are suppressed results, what passed is notified."""
    rules = sorted({rule for result in check.runs for rule in result.rules})
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
        "invocations": [_invocation(check)],
        "results": [r for result in check.runs for r in _results(result, rules)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _invocation(check: CheckResult) -> dict[str, Any]:
    unread = [f"{on_one_line(u.path)}: {on_one_line(str(u.reason))}" for u in check.unread]
    return {
        "executionSuccessful": check.outcome is not CheckOutcome.NOT_JUDGED and not unread,
        "toolExecutionNotifications": [
            *({"level": "error", "message": {"text": text}} for text in unread),
            *({"level": "note", "message": {"text": text}} for r in check.runs for text in _let_through(r)),
        ],
    }


def _let_through(result: RunResult) -> Iterator[str]:
    name = on_one_line(result.diagnosis.run.name)
    return (f"{name}: Let through: {in_english(passed.reading)}" for passed in result.let_through)


def _results(result: RunResult, rules: list[str]) -> Iterator[dict[str, Any]]:
    for breach in result.breaches:
        said = _result(result, breach.rules[0], rules, "error", breach.reading)
        said["partialFingerprints"] = {"spikediag/v1": breach_fingerprint(result, breach)}
        said["properties"] = _properties(breach)
        yield said
    for accepted in result.accepted:
        said = _result(result, accepted.breach.rules[0], rules, "error", accepted.breach.reading)
        reason = on_one_line(accepted.entry.reason) or "accepted in the baseline"
        said["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
        yield said
    level = "error" if result.strict else "note"
    for gap in result.gaps:
        said = _result(result, gap.rule, rules, level, gap.reading)
        said["message"]["text"] = f"Not judged: {said['message']['text']}"
        yield said


def _result(result: RunResult, rule: str, rules: list[str], level: str, reading: Text) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": quote(source_file(result), errors="surrogateescape")},
        "region": {"startLine": 1},
    }
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": level,
        "message": {"text": f"{on_one_line(result.diagnosis.run.name)}: {in_english(reading)}"},
        "locations": [{"physicalLocation": place}],
    }


def _properties(breach: Breach) -> dict[str, Any]:
    said: dict[str, Any] = {"rules": list(breach.rules)}
    if breach.finding is not None:
        spike = breach.finding.spike
        said |= {"finding": breach.finding.id, "tag": spike.tag, "onsetStep": int(spike.onset_step)}
    return said
