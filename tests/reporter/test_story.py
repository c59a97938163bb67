"""The report's own sentences about findings, whatever their kind."""

from dataclasses import replace

import pytest

from spikediag.model import CouplingVerdict, Finding, Kind, Spike, Status
from spikediag.reporter.headline import headline
from spikediag.reporter.selection import log_lines, main_findings, remedies
from spikediag.reporter.story import rhythm, story
from spikediag.reporter.triggers import why_now
from spikediag.wording import language
from spikediag.wording.writer import PLAIN, Writer
from tests.reporter import builders

WRITER = Writer(language.load("en"), PLAIN)


def finding(**changes: object) -> Finding:
    spike: Spike = replace(builders.leap(), **changes)
    return replace(builders.findings()[1], spike=spike)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "bc/actor_loss leapt by +39.1 at step 15,260 and came back"),
        ({"end_step": None}, "bc/actor_loss rose by +39.1 at step 15,260 and did not come back"),
        ({"kind": Kind.NON_FINITE}, "bc/actor_loss stopped being a number at step 15,260"),
        ({"kind": Kind.DIVERGENCE}, "bc/actor_loss diverged from step 15,260 on"),
        ({"kind": Kind.TRAIN, "count": 5}, "bc/actor_loss jumped 5 times, at most by +39.1 at step 15,280"),
        (
            {"kind": Kind.VARIANCE, "height": 0.36},
            "bc/actor_loss became 2.00 times as noisy from step 15,260 on",
        ),
    ],
)
def test_headline(changes: dict[str, object], said: str) -> None:
    diagnosis = builders.diagnosis(found=(finding(**changes),))
    assert WRITER.text(headline(diagnosis)) == f"{said}; the error did not move."


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (CouplingVerdict.COUPLED, "the error moved too."),
        (CouplingVerdict.UNDECIDED, "whether the error moved is undecided."),
        (CouplingVerdict.NO_COMPANION, "no error metric is logged."),
    ],
)
def test_headline_never_claims_more_than_the_test(verdict: CouplingVerdict, said: str) -> None:
    one = finding()
    found = replace(one, coupling=replace(one.coupling, verdict=verdict))
    assert WRITER.text(headline(builders.diagnosis(found=(found,)))).endswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "From -14.8 to 24.3, 109 times the noise before it. Onset at step 15,260"),
        (
            {"kind": Kind.LEVEL_SHIFT, "height": 9.8, "end_step": None},
            "From a level of -14.8 to one of -5.00 (",
        ),
        ({"kind": Kind.VARIANCE, "height": 0.36}, "Its standard deviation went from 0.36 to 0.72."),
        ({"kind": Kind.NON_FINITE}, "From step 15,260 on it is NaN or Inf; before, it stood at -14.8."),
    ],
)
def test_story(changes: dict[str, object], said: str) -> None:
    assert WRITER.text(story(finding(**changes))).startswith(said)


@pytest.mark.parametrize(
    ("grows", "said"), [(True, "ever more often"), (False, "do not come more"), (None, "cannot be told")]
)
def test_rhythm_of_a_train(grows: bool | None, said: str) -> None:
    text = rhythm(finding(kind=Kind.TRAIN, count=5, rate=25.0, rate_grows=grows))
    assert text is not None
    assert said in WRITER.text(text)
    assert rhythm(finding()) is None


def with_verdicts(one, *verdicts):
    return replace(one, why=replace(one.why, verdicts=verdicts))


def test_why_now_tells_found_from_unchecked_from_ruled_out() -> None:
    one = finding()
    _, drift, rate = one.verdicts
    found = with_verdicts(one, replace(rate, status=Status.SUPPORTED), drift)
    assert WRITER.text(why_now(found, WRITER)) == "What happened at this step: learning-rate change."
    assert "1 could not be: log-std drift." in WRITER.text(why_now(one, WRITER))
    assert "Nothing that was logged changed" in WRITER.text(why_now(with_verdicts(one, rate), WRITER))


def test_the_gravest_finding_leads_and_three_are_told_in_full() -> None:
    crowd = tuple(replace(finding(sigmas=10.0 + n), id=f"F{n}") for n in range(5))
    lost = replace(finding(kind=Kind.NON_FINITE, sigmas=0.0), id="F9")
    assert [f.id for f in main_findings(builders.diagnosis(found=(*crowd, lost)))] == ["F9", "F4", "F3"]


def test_remedies_stand_once_in_order_of_rank_and_only_for_what_holds() -> None:
    diagnosis = builders.diagnosis()
    assert [a.rank for a in remedies(diagnosis)] == [1]
    assert [a.code for a in log_lines(diagnosis)] == [
        'writer.add_scalar("bc/log_std_min", log_std.min(), step)'
    ]
