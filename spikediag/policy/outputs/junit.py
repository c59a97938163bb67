"""The check as JUnit XML: a suite for each run, a test case for each rule in force.

What was let through stands in the output of the case `judged`.
"""

from typing import TYPE_CHECKING, Any

from spikediag.policy.outputs.wording import (
    breach_fingerprint,
    on_one_line,
    rule_reason,
)
from spikediag.policy.result import CheckResult, RunResult, Unread
from spikediag.policy.rules import JUDGED
from spikediag.wording.writer import in_english

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite


def to_junit(check: CheckResult) -> bytes:
    """JUnit XML as Jenkins, GitLab and GitHub actions read it."""
    from junitparser import JUnitXml  # noqa: PLC0415  # only who asks for it pays for it

    xml: Any = JUnitXml("spikediag")  # its methods carry no types
    for result in check.runs:
        xml.add_testsuite(_suite(result))
    for unread in check.unread:
        xml.add_testsuite(_unread(unread))
    xml.update_statistics()
    written: bytes = xml.tostring()
    return written + b"\n"


def _suite(result: RunResult) -> "TestSuite":
    from junitparser import TestSuite  # noqa: PLC0415

    suite = TestSuite(on_one_line(result.diagnosis.run.name))
    suite.add_property("path", on_one_line(result.diagnosis.run.path))
    for rule in result.rules:
        suite.add_testcase(_case(rule, result))
    return suite


def _case(rule: str, result: RunResult) -> "TestCase":
    from junitparser import Failure, Skipped, TestCase  # noqa: PLC0415

    case = TestCase(rule, classname=f"spikediag.{on_one_line(result.diagnosis.run.name)}", time=0)
    broken = [b for b in result.breaches if b.rules[0] == rule]
    unsettled = [g for g in result.gaps if g.rule == rule]
    if broken:
        failure = Failure("; ".join(in_english(b.reading) for b in broken), rule)
        failure.text = "\n".join(
            f"{in_english(b.reading)} [{breach_fingerprint(result, b)[:12]}]" for b in broken
        )
        case.result = [failure]
    elif unsettled:
        sentence = "; ".join(in_english(g.reading) for g in unsettled)
        case.result = [
            Failure(sentence, "not judged") if result.strict else Skipped(f"not judged: {sentence}")
        ]
    accepted = [
        f"accepted: {in_english(p.breach.reading)}" for p in result.accepted if p.breach.rules[0] == rule
    ]
    passed = [f"let through: {in_english(p.reading)}" for p in result.let_through if rule == JUDGED]
    case.system_out = "\n".join((rule_reason(rule), *accepted, *passed))
    return case


def _unread(unread: Unread) -> "TestSuite":
    from junitparser import Error, TestCase, TestSuite  # noqa: PLC0415

    suite = TestSuite(on_one_line(unread.path))
    case = TestCase(JUDGED, classname=f"spikediag.{on_one_line(unread.path)}", time=0)
    case.result = [Error(on_one_line(str(unread.reason)), "not judged")]
    suite.add_testcase(case)
    return suite
