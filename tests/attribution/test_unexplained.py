"""unexplained."""

from spikediag.attribution import explain
from spikediag.attribution.causes.unexplained import Unexplained
from tests.attribution import cases


def test_a_jump_with_nothing_else_logged_is_unexplained_and_says_what_to_log() -> None:
    run = cases.make_run(cases.nll({cases.AT: 39}), None, facts={}, sessions=())
    explanation = explain(cases.make_case(run))
    assert explanation.primary_cause == "unexplained"
    missing = next(v for v in explanation.verdicts if v.cause == "unexplained").missing
    assert len(missing) == 4


def test_it_asks_for_nothing_that_is_logged() -> None:
    asked = Unexplained().judge(cases.seed_case()).missing
    assert not any("mse" in (advice.code or "") for advice in asked)
