"""From evidence to probability, status and primary cause."""

from dataclasses import dataclass

import pytest

from spikediag.attribution.protocol import Judgement
from spikediag.attribution.scoring import primary_cause, score, verdicts
from spikediag.model import Evidence, LossKind, Status, Tier, say


@dataclass(frozen=True)
class Fixed:
    id: str
    prior: float = 0.1
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset({LossKind.LIKELIHOOD})


def judged(tier: Tier, *weights: float, **more) -> Judgement:
    evidence = tuple(Evidence(f"check-{i}", say("fact {i}", i=i), w) for i, w in enumerate(weights))
    return Judgement(tier, evidence, **more)


def weigh(**judgements: Judgement):
    causes = {id_: Fixed(id_, 0.2 if id_ == "unexplained" else 0.1) for id_ in judgements}
    return verdicts(causes, judgements, LossKind.LIKELIHOOD, "bc/actor_loss")


UNEXPLAINED = judged(Tier.MECHANISM)


def test_no_single_check_may_weigh_more_than_two_bans() -> None:
    assert score(0.1, judged(Tier.TRIGGER, 9.0)) == pytest.approx(1.0)
    assert score(0.1, judged(Tier.TRIGGER, -9.0)) == pytest.approx(-3.0)


def test_shares_are_ordered_and_sum_to_one() -> None:
    found = weigh(a=judged(Tier.TRIGGER, 1.0), b=judged(Tier.TRIGGER), unexplained=UNEXPLAINED)
    assert sum(v.share for v in found) == pytest.approx(1)
    assert [v.cause for v in found] == ["a", "unexplained", "b"]


def test_supported_needs_a_decisive_test_and_something_checkable() -> None:
    for more, status in (
        ({"decisive": True}, Status.SUPPORTED),
        ({}, Status.PLAUSIBLE),
        ({"decisive": True, "checkable": False}, Status.NOT_CHECKABLE),
        ({"decisive": True, "ruled_out": True}, Status.RULED_OUT),
    ):
        found = weigh(a=judged(Tier.TRIGGER, 2.0, **more), unexplained=UNEXPLAINED)
        assert next(v for v in found if v.cause == "a").status is status


def test_evidence_against_rules_out_what_is_improbable() -> None:
    found = weigh(
        a=judged(Tier.TRIGGER, 2.0, decisive=True), b=judged(Tier.TRIGGER, -1.0), unexplained=UNEXPLAINED
    )
    assert next(v for v in found if v.cause == "b").status is Status.RULED_OUT


def test_a_trigger_wins_over_the_condition_it_accompanies() -> None:
    found = weigh(
        trigger=judged(Tier.TRIGGER, 2.0, 2.0, decisive=True),
        condition=judged(Tier.CONDITION, 1.0, 0.5, decisive=True),
        unexplained=UNEXPLAINED,
    )
    assert primary_cause(found) == "trigger"


def test_a_condition_answers_without_a_supported_trigger_and_a_mechanism_last() -> None:
    condition = judged(Tier.CONDITION, 1.5, decisive=True)
    mechanism = judged(Tier.MECHANISM, 2.0, decisive=True)
    assert primary_cause(weigh(c=condition, t=judged(Tier.TRIGGER), unexplained=UNEXPLAINED)) == "c"
    assert primary_cause(weigh(m=mechanism, t=judged(Tier.TRIGGER), unexplained=UNEXPLAINED)) == "m"
    assert primary_cause(weigh(t=judged(Tier.TRIGGER), unexplained=UNEXPLAINED)) == "unexplained"


def test_a_mechanism_does_not_compete_with_the_trigger_that_set_it_off() -> None:
    mechanism = judged(Tier.MECHANISM, 2.0, decisive=True)
    trigger = judged(Tier.TRIGGER, 1.8, decisive=True)
    alone = weigh(m=mechanism, unexplained=UNEXPLAINED)
    together = weigh(m=mechanism, t=trigger, unexplained=UNEXPLAINED)
    assert alone[0].cause == "m"
    assert together[0].cause == "t"
    assert together[0].probability > 0.9


def test_a_condition_takes_no_probability_from_what_happened() -> None:
    trigger = judged(Tier.TRIGGER, 1.0)
    alone = weigh(t=trigger, unexplained=UNEXPLAINED)
    beside = weigh(c=judged(Tier.CONDITION, 2.0, decisive=True), t=trigger, unexplained=UNEXPLAINED)
    by_id = {v.cause: v for v in beside}
    assert by_id["t"].probability == alone[0].probability
    assert not by_id["c"].calibrated
    assert by_id["c"].status is Status.SUPPORTED


def test_a_probability_is_given_only_where_labelled_trainings_stand_behind_it() -> None:
    causes = {"a": Fixed("a"), "b": Fixed("b", calibrated=frozenset()), "unexplained": Fixed("unexplained")}
    judgements = {
        "a": judged(Tier.TRIGGER, 1.0),
        "b": judged(Tier.TRIGGER, 1.0),
        "unexplained": UNEXPLAINED,
    }
    given = {v.cause: v.calibrated for v in verdicts(causes, judgements, LossKind.LIKELIHOOD, "a")}
    assert given == {"a": True, "b": False, "unexplained": False}
    foreign = verdicts(causes, judgements, LossKind.VALUE, "train/q_loss")
    assert not any(v.calibrated for v in foreign)
    unlogged = weigh(a=judged(Tier.TRIGGER, 1.0, checkable=False), unexplained=UNEXPLAINED)
    assert not unlogged[0].calibrated


@pytest.mark.parametrize("weights", [(), (0.5, -0.5), (-0.5,)])
def test_undecided_evidence_rules_nothing_out(weights: tuple[float, ...]) -> None:
    certain = judged(Tier.TRIGGER, 2.0, 2.0, decisive=True)
    found = weigh(a=certain, b=judged(Tier.TRIGGER, *weights), unexplained=UNEXPLAINED)
    other = next(v for v in found if v.cause == "b")
    assert other.share < 0.02
    assert other.status is Status.PLAUSIBLE
    assert not other.open
