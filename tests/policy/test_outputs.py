"""One check in every form that a CI system reads."""

import json
import math
from datetime import date
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from spikediag.model import CouplingVerdict, Kind
from spikediag.policy import Policy, baseline
from spikediag.policy.outputs import comment, github, gitlab, junit, sarif
from spikediag.policy.outputs.check_json import to_dict, to_json
from spikediag.policy.result import CheckResult, Unread
from spikediag.policy.rules import judge
from tests.policy.cases import diagnosis, finding

HOSTILE = 'a"]]><script>|`\n::error::owned\x1b[31m\u202e'

SARIF = {  # the parts of SARIF 2.1.0 that we use, as its specification defines them, and nothing else
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "run": {
            "type": "object",
            "required": ["tool"],
            "additionalProperties": False,
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "properties": {"driver": {"$ref": "#/$defs/component"}},
                },
                "automationDetails": {"type": "object", "properties": {"id": {"type": "string"}}},
                "invocations": {"type": "array", "items": {"$ref": "#/$defs/invocation"}},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
        },
        "component": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "semanticVersion": {"type": "string"},
                "rules": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/rule"}},
            },
        },
        "rule": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string"},
                "shortDescription": {"$ref": "#/$defs/text"},
                "help": {"$ref": "#/$defs/text"},
                "defaultConfiguration": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"level": {"$ref": "#/$defs/level"}},
                },
            },
        },
        "invocation": {
            "type": "object",
            "required": ["executionSuccessful"],
            "additionalProperties": False,
            "properties": {
                "executionSuccessful": {"type": "boolean"},
                "toolExecutionNotifications": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["message"],
                        "additionalProperties": False,
                        "properties": {
                            "level": {"$ref": "#/$defs/level"},
                            "message": {"$ref": "#/$defs/text"},
                        },
                    },
                },
            },
        },
        "result": {
            "type": "object",
            "required": ["message"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": {"$ref": "#/$defs/level"},
                "message": {"$ref": "#/$defs/text"},
                "locations": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/location"}},
                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                "suppressions": {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {
                        "type": "object",
                        "required": ["kind"],
                        "additionalProperties": False,
                        "properties": {
                            "kind": {"enum": ["inSource", "external"]},
                            "status": {"enum": ["accepted", "underReview", "rejected"]},
                            "justification": {"type": "string"},
                        },
                    },
                },
                "properties": {"type": "object"},
            },
        },
        "location": {
            "type": "object",
            "required": ["physicalLocation"],
            "additionalProperties": False,
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation"],
                    "additionalProperties": False,
                    "properties": {
                        "artifactLocation": {
                            "type": "object",
                            "properties": {"uri": {"type": "string", "pattern": r"^[\w./%~-]+$"}},
                        },
                        "region": {
                            "type": "object",
                            "properties": {"startLine": {"type": "integer", "minimum": 1}},
                        },
                    },
                }
            },
        },
        "text": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
        "level": {"enum": ["none", "note", "warning", "error"]},
    },
}


@pytest.fixture
def check():
    policy = Policy(max_batch_ratio=0.5, strict=False)
    accepted = baseline.accept([judge(diagnosis(finding()), policy)], "known: gripper", date(2099, 1, 1))
    bad = judge(
        diagnosis(
            finding(),
            finding(tag=HOSTILE, onset_step=400, kind=Kind.NON_FINITE, height=math.nan, sigmas=math.inf),
            finding(CouplingVerdict.UNDECIDED, onset_step=700),
            finding(CouplingVerdict.COUPLED, tag=HOSTILE, onset_step=800),
            name=HOSTILE,
            batch_size=256,
            dataset_size=418,
        ),
        policy,
    )
    results = (baseline.apply(bad, accepted, date(2026, 1, 1)), judge(diagnosis(name="calm"), policy))
    return CheckResult(policy, results, (Unread("gone/" + HOSTILE, "gone: no such run"),), accepted)


def test_json_is_strict_and_says_everything(check):
    said = json.loads(to_json(check), parse_constant=pytest.fail)
    assert said["schema"] == "spikediag.check/1"
    assert said["outcome"] == "failed"
    bad, calm = said["runs"]
    assert [b["rules"][0] for b in bad["breaches"]] == ["forbid-kinds:non_finite", "max-batch-ratio"]
    assert bad["breaches"][0]["finding"]["jump"] is None
    assert bad["accepted"][0]["reason"] == "known: gripper"
    assert calm["outcome"] == "passed"
    (passed,) = bad["let_through"]
    assert (passed["finding"]["onset_step"], passed["finding"]["coupling"]) == (800, "coupled")
    assert "forbids neither" in passed["reading"]
    assert said["unread"][0]["reason"] == "gone: no such run"
    assert said["policy"]["max-chance"] is None
    assert set(said["policy"]) == set(to_dict(CheckResult(Policy(), ()))["policy"])


def test_sarif_has_the_structure_of_the_standard(check):
    said = json.loads(sarif.to_sarif(check, "0.1.0"))
    jsonschema.Draft202012Validator(SARIF).validate(said)
    (run,) = said["runs"]
    for found in run["results"]:
        assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]
    assert [r["level"] for r in run["results"]] == ["error", "error", "error", "note", "note"]
    assert run["results"][2]["suppressions"][0]["justification"] == "known: gripper"
    assert run["invocations"][0]["executionSuccessful"] is False
    (said,) = [n for n in run["invocations"][0]["toolExecutionNotifications"] if n["level"] == "note"]
    assert "Let through: " in said["message"]["text"]
    assert "forbids neither" in said["message"]["text"]
    prints = [r["partialFingerprints"]["spikediag/v1"] for r in run["results"] if "partialFingerprints" in r]
    assert len(set(prints)) == len(prints) == 2


def test_fingerprints_stay_when_the_numbers_move():
    def printed(*findings):
        said = CheckResult(Policy(), (judge(diagnosis(*findings), Policy()),))
        return [r["partialFingerprints"] for r in json.loads(sarif.to_sarif(said, "1"))["runs"][0]["results"]]

    assert printed(finding()) == printed(finding(onset_step=9_000, height=12.0))
    assert printed(finding(), finding())[0] != printed(finding(), finding())[1]


def test_junit_has_a_case_for_every_rule(check):
    root = ET.fromstring(junit.to_junit(check))
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("2", "1", "2")
    bad, calm, gone = root.findall("testsuite")
    cases = {case.get("name"): case for case in bad.findall("testcase")}
    assert "gripper" not in cases["max-batch-ratio"].findtext("failure")
    assert "accepted: " in cases["forbid-couplings:decoupled"].findtext("system-out")
    assert "forbids neither" in cases["judged"].findtext("system-out")
    assert len(calm.findall("testcase")) == len(cases)
    assert [e.tag for e in calm.iter() if e.tag in ("failure", "error")] == []
    assert gone.find("testcase/error") is not None


def test_junit_of_a_strict_check_fails_on_gaps():
    strict = judge(diagnosis(finding(CouplingVerdict.UNDECIDED)), Policy(strict=True))
    root = ET.fromstring(junit.to_junit(CheckResult(Policy(strict=True), (strict,))))
    assert (root.get("failures"), root.get("skipped")) == ("1", "0")


def test_gitlab_has_what_its_report_needs(check):
    said = json.loads(gitlab.to_gitlab(check))
    assert len(said) == 2
    for entry in said:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["location"]["lines"]["begin"] == 1
    assert len({entry["fingerprint"] for entry in said}) == 2


def test_a_hostile_tag_cannot_speak_to_the_github_runner(check):
    lines = github.to_github(check).splitlines()
    assert len(lines) == 2 + 2 + 1 + 1
    assert all(line.startswith(("::error file=", "::warning file=", "::notice file=")) for line in lines)
    assert "Let through: " in next(line for line in lines if line.startswith("::notice"))
    assert "\x1b" not in "".join(lines)


def test_markdown_shows_hostile_names_and_does_not_obey_them(check):
    said = comment.to_markdown(check)
    assert "<script>" not in said
    assert "\n::error" not in said
    assert "| ❌ failed |" in said
    assert "Stale in the baseline" in said
    assert "- Let through: " in said
    assert "gone: no such run" in said


def test_an_empty_check_says_not_judged():
    assert "Not judged" in comment.to_markdown(CheckResult(Policy(), ()))
    assert github.to_github(CheckResult(Policy(), ())) == ""


def test_a_run_that_passed_in_part_does_not_look_like_one_that_passed():
    check = CheckResult(Policy(), (judge(diagnosis(finding(CouplingVerdict.UNDECIDED)), Policy()),))
    assert "⚠️ passed, not judged in full" in comment.to_markdown(check)
    assert to_dict(check)["runs"][0]["judged_in_full"] is False
    assert "not judged" in ET.fromstring(junit.to_junit(check)).find(".//skipped").get("message")
