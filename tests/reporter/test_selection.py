"""What a report leads with, what it advises, and why at this step."""

from dataclasses import replace

from spikediag.model import Advice, Finding, Kind, Status, say
from spikediag.reporter.selection import log_lines, main_findings, remedies
from spikediag.reporter.view import why_now
from spikediag.wording import language
from spikediag.wording.writer import PLAIN, Writer
from tests.reporter import builders

WRITER = Writer(language.load("en"), PLAIN)


def finding(**changes: object) -> Finding:
    return replace(builders.findings()[1], spike=replace(builders.leap(), **changes))


def with_verdicts(one: Finding, *verdicts) -> Finding:
    return replace(one, why=replace(one.why, verdicts=verdicts))


def test_why_now_tells_found_from_unchecked_from_ruled_out() -> None:
    one = finding()
    _, drift, rate = one.verdicts
    found = with_verdicts(one, replace(rate, status=Status.SUPPORTED), drift)
    assert WRITER.text(why_now(found, WRITER)) == "What happened at this step: learning-rate change."
    assert "1 could not be: log-std drift." in WRITER.text(why_now(one, WRITER))
    assert "Nothing that was logged changed" in WRITER.text(why_now(with_verdicts(one, rate), WRITER))


def test_the_leading_finding_is_told_first_and_three_in_full() -> None:
    crowd = tuple(replace(finding(sigmas=10.0 + n), id=f"F{n}") for n in range(5))
    lost = replace(finding(kind=Kind.NON_FINITE, sigmas=0.0, end_step=None), id="F9")
    diagnosis = builders.diagnosis(found=(*crowd, lost))
    told = main_findings(diagnosis)
    assert [f.id for f in told] == ["F9", "F4", "F3"]
    assert told[0] is diagnosis.lead


def test_remedies_stand_once_in_order_of_rank_and_only_for_what_holds() -> None:
    diagnosis = builders.diagnosis()
    assert [a.rank for a in remedies(diagnosis)] == [1]
    assert [a.code for a in log_lines(diagnosis)] == [
        'writer.add_scalar("bc/log_std_min", log_std.min(), step)'
    ]


def test_what_helps_the_leading_finding_comes_before_what_helps_another() -> None:
    small, big = builders.findings()
    other = replace(small.verdicts[0], advice=(Advice(say("Check the inputs."), rank=1),))
    ours = replace(big.verdicts[0], advice=(Advice(say("Clip the gradient."), rank=4),))
    found = (with_verdicts(small, other), with_verdicts(big, ours))
    advised = remedies(replace(builders.diagnosis(found=found), conditions=()))
    assert [str(a.text) for a in advised] == ["Clip the gradient.", "Check the inputs."]
