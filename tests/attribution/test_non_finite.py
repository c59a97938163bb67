"""non-finite."""

import numpy as np

from spikediag.attribution import Case, explain
from spikediag.attribution.causes.non_finite import NonFinite
from spikediag.model import Kind
from tests.attribution import cases


def broken(before: float = 0.0) -> Case:
    loss, error = cases.nll(), cases.mse()
    loss[cases.AT - 3 : cases.AT] += before
    loss[cases.AT :] = np.nan
    error[cases.AT :] = np.nan
    run = cases.make_run(loss, error, facts=cases.CALM_FACTS)
    return cases.make_case(run, cases.spike_at(run, cases.AT, len(loss), Kind.NON_FINITE))


def test_a_loss_that_turns_nan_out_of_calm_is_supported() -> None:
    case = broken()
    judged = NonFinite().judge(case)
    assert judged.decisive
    assert "bc/actor_loss, bc/mse" in str(cases.evidence(judged, "first-tag").reading)
    assert explain(case).primary_cause == "non-finite"


def test_growth_before_speaks_against_an_invalid_input() -> None:
    assert cases.evidence(NonFinite().judge(broken(before=30.0)), "grew-first").weight < 0


def test_finite_values_rule_it_out() -> None:
    assert NonFinite().judge(cases.seed_case()).ruled_out
