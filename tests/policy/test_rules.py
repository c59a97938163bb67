"""What a policy forbids, lets through, and cannot judge."""

import math

import pytest

from spikediag.model import CouplingVerdict, Damage, DamageKind, Kind, RunStatus
from spikediag.policy import Gate, Outcome, Policy, Unread, judge
from tests.policy.cases import diagnosis, finding, not_checkable


def outcome(*findings, policy=None, **run):
    return judge(diagnosis(*findings, **run), policy or Policy()).outcome


def test_a_decoupled_spike_fails():
    ruling = judge(diagnosis(finding()), Policy())
    assert ruling.outcome is Outcome.FAILED
    assert ruling.breaches[0].rules == ("forbid-couplings:decoupled",)
    assert "bc/actor_loss" in str(ruling.breaches[0].reading)


def test_a_coupled_spike_passes():
    assert outcome(finding(CouplingVerdict.COUPLED)) is Outcome.PASSED


@pytest.mark.parametrize("kind", [Kind.DIVERGENCE, Kind.NON_FINITE])
@pytest.mark.parametrize("coupling", CouplingVerdict)
def test_divergence_and_non_finite_fail_whatever_the_error_did(kind, coupling):
    assert outcome(finding(coupling, kind=kind, height=math.nan, sigmas=math.nan)) is Outcome.FAILED


def test_a_run_without_findings_passes():
    ruling = judge(diagnosis(), Policy(strict=True))
    assert ruling.outcome is Outcome.PASSED
    assert "forbid-couplings:decoupled" in ruling.rules


@pytest.mark.parametrize("coupling", [CouplingVerdict.UNDECIDED, CouplingVerdict.NO_COMPANION])
def test_an_open_coupling_is_said_and_fails_only_when_strict(coupling):
    ruling = judge(diagnosis(finding(coupling)), Policy())
    assert (ruling.outcome, len(ruling.gaps)) == (Outcome.PASSED, 1)
    assert outcome(finding(coupling), policy=Policy(strict=True)) is Outcome.FAILED


def test_a_run_that_was_not_judged_never_passes():
    assert outcome(status=RunStatus.NOT_JUDGED) is Outcome.NOT_JUDGED
    assert outcome(status=RunStatus.NOT_JUDGED, policy=Policy(strict=True)) is Outcome.FAILED


def test_unread_bytes_fail_only_when_strict():
    damage = (Damage(DamageKind.LOST, "events", 10, 5, "the last record is cut off"),)
    assert outcome(damage=damage) is Outcome.PASSED
    assert outcome(damage=damage, policy=Policy(strict=True)) is Outcome.FAILED


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy(min_height=39.1), Outcome.FAILED),
        (Policy(min_height=39.2), Outcome.PASSED),
        (Policy(min_sigmas=108.6), Outcome.FAILED),
        (Policy(min_sigmas=109), Outcome.PASSED),
        (Policy(max_chance=2.1e-7), Outcome.FAILED),
        (Policy(max_chance=1e-8), Outcome.PASSED),
        (Policy(after_step=15_260), Outcome.FAILED),
        (Policy(after_step=15_261), Outcome.PASSED),
        (Policy(forbid_couplings=frozenset()), Outcome.PASSED),
        (Policy(forbid_couplings=frozenset(), forbid_kinds=frozenset({"transient"})), Outcome.FAILED),
        (Policy(forbid_couplings=frozenset(), forbid_causes=frozenset({"batch-ratio"})), Outcome.FAILED),
        (Policy(forbid_couplings=frozenset(), forbid_causes=frozenset({"resume"})), Outcome.PASSED),
    ],
)
def test_bounds(policy, expected):
    assert outcome(finding(), policy=policy) is expected


def test_no_bound_lets_a_loss_through_that_is_not_finite():
    policy = Policy(min_height=1e9, min_sigmas=1e9)
    assert (
        outcome(finding(kind=Kind.NON_FINITE, height=math.nan, sigmas=math.nan), policy=policy)
        is Outcome.FAILED
    )


def test_a_forbidden_cause_that_could_not_be_checked_is_a_gap():
    policy = Policy(forbid_couplings=frozenset(), forbid_causes=frozenset({"resume"}))
    ruling = judge(diagnosis(finding(verdicts=(not_checkable("resume"),))), policy)
    assert [gap.rule for gap in ruling.gaps] == ["forbid-causes:resume"]


@pytest.mark.parametrize(
    ("facts", "expected", "gaps"),
    [
        ({"batch_size": 256, "dataset_size": 418}, Outcome.FAILED, 0),
        ({"batch_size": 64, "dataset_size": 418}, Outcome.PASSED, 0),
        ({"batch_size": 64}, Outcome.PASSED, 1),
        ({"dataset_size": 418}, Outcome.PASSED, 1),
    ],
)
def test_the_batch_ratio(facts, expected, gaps):
    ruling = judge(diagnosis(**facts), Policy(max_batch_ratio=0.5))
    assert (ruling.outcome, len(ruling.gaps)) == (expected, gaps)
    assert ("max-batch-ratio" in ruling.rules) is True


def test_a_missing_companion_fails_where_one_is_required():
    assert outcome(companion=False) is Outcome.PASSED
    assert outcome(companion=False, policy=Policy(require_companion=True)) is Outcome.FAILED


def gate(*rulings, unread=()):
    return Gate(Policy(), tuple(judge(d, Policy()) for d in rulings), unread)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (gate(diagnosis()), Outcome.PASSED),
        (gate(diagnosis(), diagnosis(finding())), Outcome.FAILED),
        (gate(), Outcome.NOT_JUDGED),
        (gate(diagnosis(), unread=(Unread("x", "gone"),)), Outcome.NOT_JUDGED),
        (gate(diagnosis(), diagnosis(status=RunStatus.NOT_JUDGED)), Outcome.NOT_JUDGED),
        (gate(diagnosis(finding()), unread=(Unread("x", "gone"),)), Outcome.FAILED),
    ],
)
def test_a_check_passes_only_when_every_run_does(made, expected):
    assert made.outcome is expected
