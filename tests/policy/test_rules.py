"""What a policy forbids, lets through, and cannot judge."""

import math
from dataclasses import replace

import pytest

from spikediag.model import CouplingVerdict, Damage, DamageKind, Kind, Role, RunStatus, say
from spikediag.policy import Policy
from spikediag.policy.result import CheckOutcome, CheckResult, Unread
from spikediag.policy.rules import describe, judge
from spikediag.wording.writer import in_english
from tests.policy.cases import curve, diagnosis, ended_worse, finding, not_checkable, searched


def outcome(*findings, policy=None, **run):
    return judge(diagnosis(*findings, **run), policy or Policy()).outcome


def test_a_decoupled_spike_fails():
    result = judge(diagnosis(finding()), Policy())
    assert result.outcome is CheckOutcome.FAILED
    assert result.breaches[0].rules == ("forbid-couplings:decoupled",)
    assert "bc/actor_loss" in str(result.breaches[0].reading)


def test_a_spike_that_the_error_followed_in_part_fails():
    assert judge(diagnosis(finding(CouplingVerdict.PARTLY)), Policy()).breaches[0].rules == (
        "forbid-couplings:partly",
    )


def test_a_coupled_spike_is_let_through_and_said():
    result = judge(diagnosis(finding(CouplingVerdict.COUPLED)), Policy())
    assert result.outcome is CheckOutcome.PASSED
    (passed,) = result.let_through
    assert passed.finding.id == "F1"
    assert "forbids neither its kind" in str(passed.reading)


@pytest.mark.parametrize("kind", [Kind.TRANSIENT, Kind.LEVEL_SHIFT, Kind.DRIFT])
def test_what_is_still_up_at_the_end_fails_until_its_key_is_off(kind):
    lasting = finding(CouplingVerdict.COUPLED, kind=kind, end_step=None)
    assert judge(diagnosis(lasting), Policy()).breaches[0].rules == ("forbid-unrecovered",)
    assert outcome(lasting, policy=Policy(forbid_unrecovered=False)) is CheckOutcome.PASSED
    assert outcome(finding(CouplingVerdict.COUPLED, kind=Kind.VARIANCE, end_step=None)) is CheckOutcome.PASSED


def test_what_matters_fails_until_its_key_is_off():
    made = diagnosis(finding(CouplingVerdict.COUPLED), matters=True)
    assert judge(made, Policy()).breaches[0].rules == ("forbid-matters",)
    assert judge(made, Policy(forbid_matters=False)).outcome is CheckOutcome.PASSED
    nothing_jumped = judge(diagnosis(matters=True), Policy())
    assert nothing_jumped.breaches[0].finding is None


def test_what_matters_fails_the_finding_whose_error_ended_worse_however_small_it_was():
    first = finding(CouplingVerdict.COUPLED)
    second = replace(finding(CouplingVerdict.COUPLED, onset_step=900, height=1.0), id="F2")
    made = diagnosis(first, second, matters=True, outcomes=(ended_worse("F2"),))
    result = judge(made, Policy(min_height=2.0))
    assert [(b.finding.id, b.rules) for b in result.breaches] == [("F2", ("forbid-matters",))]
    assert [t.finding.id for t in result.let_through] == ["F1"]


def test_that_it_cannot_be_told_whether_it_matters_is_a_gap():
    result = judge(diagnosis(finding(CouplingVerdict.COUPLED), matters=None), Policy())
    assert (result.outcome, [g.rule for g in result.gaps]) == (CheckOutcome.PASSED, ["forbid-matters"])
    assert str(result.gaps[0].reading) == "Whether it matters cannot be told. Log the success rate."
    assert judge(diagnosis(matters=None), Policy(strict=True)).outcome is CheckOutcome.PASSED


def test_a_usual_train_fails_nothing_by_itself_and_is_said():
    usual = finding(kind=Kind.TRAIN, usual=True, end_step=None, count=40)
    result = judge(diagnosis(usual), Policy(strict=True))
    assert result.outcome is CheckOutcome.PASSED
    assert "all along this run" in str(result.let_through[0].reading)
    assert outcome(usual, policy=Policy(forbid_kinds=frozenset({"train"}))) is CheckOutcome.FAILED
    assert outcome(usual, matters=True) is CheckOutcome.FAILED


def test_a_provisional_spike_fails_and_is_called_so():
    result = judge(diagnosis(finding(provisional=True)), Policy())
    assert "Provisional" in str(result.breaches[0].reading)


def test_a_run_of_which_no_loss_could_be_searched_never_passes():
    blind = searched(reason=say("It has 12 points."))
    for policy in (Policy(), Policy(strict=True)):
        assert outcome(searched=(blind,), policy=policy) is CheckOutcome.NOT_JUDGED
    result = judge(diagnosis(searched=(blind,)), Policy())
    assert "12 points" in str(result.gaps[0].reading)
    seen = searched(last_step=9_000)
    assert outcome(searched=(seen,)) is CheckOutcome.PASSED
    assert outcome(searched=(seen,), policy=Policy(after_step=9_001)) is CheckOutcome.NOT_JUDGED


def test_one_loss_among_others_that_could_not_be_searched_is_a_gap():
    made = diagnosis(searched=(searched(last_step=9_000), searched("bc/other"), searched("bc/mse")))
    other = curve(tag="bc/other")
    made = replace(made, run=replace(made.run, series={**made.run.series, "bc/other": other}))
    result = judge(made, Policy())
    assert (result.outcome, [g.rule for g in result.gaps]) == (CheckOutcome.PASSED, ["judged"])
    assert "bc/other" in str(result.gaps[0].reading)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "From -14.8 to 24.3, 109 times the noise before it."),
        (
            {"kind": Kind.LEVEL_SHIFT, "height": 9.62, "sigmas": 12.0},
            "From a level of -14.8 to one of -5.18 (highest point 24.3), 12.0 times the noise before it.",
        ),
        ({"kind": Kind.VARIANCE, "height": 2.0, "sigmas": 9.0}, "Its standard deviation went from"),
        ({"kind": Kind.NON_FINITE, "height": math.nan, "sigmas": math.inf}, "was not a number at step"),
    ],
)
def test_a_jump_is_told_by_the_height_its_sigmas_are_of(changes, said):
    jumped = finding(**changes)
    assert said in in_english(describe(jumped, diagnosis(jumped)))


def test_where_no_error_is_logged_a_check_says_what_the_reward_did():
    jumped = finding(CouplingVerdict.NO_COMPANION)
    bare = diagnosis(jumped, companion=False)
    assert "no independent error metric is logged" in in_english(describe(jumped, bare))
    worse = replace(ended_worse(tag="eval/return"), role=Role.REWARD)
    reward = curve(None, tag="eval/return", role=Role.REWARD)
    run = replace(bare.run, series={**bare.run.series, "eval/return": reward})
    rewarded = replace(bare, run=run, overall=replace(bare.overall, outcomes=(worse,)))
    assert "the reward got worse" in in_english(describe(jumped, rewarded))


@pytest.mark.parametrize("kind", [Kind.DIVERGENCE, Kind.NON_FINITE])
@pytest.mark.parametrize("coupling", CouplingVerdict)
def test_divergence_and_non_finite_fail_whatever_the_error_did(kind, coupling):
    assert outcome(finding(coupling, kind=kind, height=math.nan, sigmas=math.nan)) is CheckOutcome.FAILED


def test_a_run_without_findings_passes():
    result = judge(diagnosis(), Policy(strict=True))
    assert result.outcome is CheckOutcome.PASSED
    assert "forbid-couplings:decoupled" in result.rules


@pytest.mark.parametrize("coupling", [CouplingVerdict.UNDECIDED, CouplingVerdict.NO_COMPANION])
def test_an_open_coupling_is_said_and_fails_only_when_strict(coupling):
    result = judge(diagnosis(finding(coupling)), Policy())
    assert (result.outcome, len(result.gaps)) == (CheckOutcome.PASSED, 1)
    assert outcome(finding(coupling), policy=Policy(strict=True)) is CheckOutcome.FAILED


def test_a_run_that_was_not_judged_never_passes():
    assert outcome(status=RunStatus.NOT_JUDGED) is CheckOutcome.NOT_JUDGED
    assert outcome(status=RunStatus.NOT_JUDGED, policy=Policy(strict=True)) is CheckOutcome.NOT_JUDGED
    assert outcome(finding(), status=RunStatus.NOT_JUDGED) is CheckOutcome.FAILED


def test_unread_bytes_fail_only_when_strict():
    damage = (Damage(DamageKind.LOST, "events", 10, 5, say("the last record is cut off")),)
    assert outcome(damage=damage) is CheckOutcome.PASSED
    assert outcome(damage=damage, policy=Policy(strict=True)) is CheckOutcome.FAILED


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy(min_height=39.1), CheckOutcome.FAILED),
        (Policy(min_height=39.2), CheckOutcome.PASSED),
        (Policy(min_sigmas=108.6), CheckOutcome.FAILED),
        (Policy(min_sigmas=109), CheckOutcome.PASSED),
        (Policy(max_chance=2.1e-7), CheckOutcome.FAILED),
        (Policy(max_chance=1e-8), CheckOutcome.PASSED),
        (Policy(after_step=15_260), CheckOutcome.FAILED),
        (Policy(after_step=15_261), CheckOutcome.PASSED),
        (Policy(forbid_couplings=frozenset()), CheckOutcome.PASSED),
        (Policy(forbid_couplings=frozenset(), forbid_kinds=frozenset({"transient"})), CheckOutcome.FAILED),
        (Policy(forbid_couplings=frozenset(), forbid_causes=frozenset({"batch-ratio"})), CheckOutcome.FAILED),
        (Policy(forbid_couplings=frozenset(), forbid_causes=frozenset({"resume"})), CheckOutcome.PASSED),
    ],
)
def test_bounds(policy, expected):
    assert outcome(finding(), policy=policy) is expected


def test_no_bound_lets_a_loss_through_that_is_not_finite():
    policy = Policy(min_height=1e9, min_sigmas=1e9)
    assert (
        outcome(finding(kind=Kind.NON_FINITE, height=math.nan, sigmas=math.nan), policy=policy)
        is CheckOutcome.FAILED
    )


def test_a_forbidden_cause_that_could_not_be_checked_is_a_gap():
    policy = Policy(forbid_couplings=frozenset(), forbid_causes=frozenset({"resume"}))
    result = judge(diagnosis(finding(verdicts=(not_checkable("resume"),))), policy)
    assert [gap.rule for gap in result.gaps] == ["forbid-causes:resume"]


@pytest.mark.parametrize(
    ("facts", "expected", "gaps"),
    [
        ({"batch_size": 256, "dataset_size": 418}, CheckOutcome.FAILED, 0),
        ({"batch_size": 64, "dataset_size": 418}, CheckOutcome.PASSED, 0),
        ({"batch_size": 64}, CheckOutcome.PASSED, 1),
        ({"dataset_size": 418}, CheckOutcome.PASSED, 1),
        ({"batch_size": 64, "effective_batch_size": 256, "dataset_size": 418}, CheckOutcome.FAILED, 0),
    ],
)
def test_the_batch_ratio(facts, expected, gaps):
    result = judge(diagnosis(**facts), Policy(max_batch_ratio=0.5))
    assert (result.outcome, len(result.gaps)) == (expected, gaps)
    assert ("max-batch-ratio" in result.rules) is True


def test_a_missing_companion_fails_where_one_is_required():
    assert outcome(companion=False) is CheckOutcome.PASSED
    assert outcome(companion=False, policy=Policy(require_companion=True)) is CheckOutcome.FAILED


def check(*diagnoses, unread=()):
    return CheckResult(Policy(), tuple(judge(d, Policy()) for d in diagnoses), unread)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (check(diagnosis()), CheckOutcome.PASSED),
        (check(diagnosis(), diagnosis(finding())), CheckOutcome.FAILED),
        (check(), CheckOutcome.NOT_JUDGED),
        (check(diagnosis(), unread=(Unread("x", "gone"),)), CheckOutcome.NOT_JUDGED),
        (check(diagnosis(), diagnosis(status=RunStatus.NOT_JUDGED)), CheckOutcome.NOT_JUDGED),
        (check(diagnosis(finding()), unread=(Unread("x", "gone"),)), CheckOutcome.FAILED),
    ],
)
def test_a_check_passes_only_when_every_run_does(made, expected):
    assert made.outcome is expected


def test_a_fall_is_let_through_with_its_reason_even_where_something_ended_worse():
    fell = finding(kind=Kind.LEVEL_SHIFT, height=-30.0, sigmas=-80.0, end_step=None)
    result = judge(diagnosis(fell), Policy())
    assert result.outcome is CheckOutcome.PASSED
    assert "fall breaks no rule" in str(result.let_through[0].reading)


def test_a_loss_in_which_nothing_could_be_seen_is_named_once():
    blind = searched(reason=say("Finite points logged: 5; needed: 8."))
    gaps = judge(diagnosis(status=RunStatus.NOT_JUDGED, searched=(blind,)), Policy()).gaps
    assert [str(gap.reading) for gap in gaps] == [
        "bc/actor_loss was not judged: Finite points logged: 5; needed: 8."
    ]
