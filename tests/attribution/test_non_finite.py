"""non-finite."""

import numpy as np
import pytest

import spikediag
from spikediag.attribution import Case, explain
from spikediag.attribution.causes.non_finite import NonFiniteInput
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
    judged = NonFiniteInput().judge(case)
    assert judged.decisive
    assert "bc/actor_loss, bc/mse" in str(cases.evidence(judged, "first-tag").reading)
    assert explain(case).primary_cause == "non-finite"


def test_growth_before_speaks_against_an_invalid_input() -> None:
    assert cases.evidence(NonFiniteInput().judge(broken(before=30.0)), "grew-first").weight < 0


def test_finite_values_rule_it_out() -> None:
    assert NonFiniteInput().judge(cases.seed_case()).ruled_out


def shifted(lost_at: int) -> Case:
    """A level that rises by 39 nats for good at step 15,000, and one point that is no number."""
    loss = cases.nll()
    loss[cases.AT :] += 39
    loss[lost_at] = np.nan
    run = cases.make_run(loss, cases.mse(), facts=cases.CALM_FACTS)
    level = cases.make_run(cases.nll(dict.fromkeys(range(cases.AT, len(loss)), 39.0)), None)
    return cases.make_case(run, cases.spike_at(level, cases.AT, len(loss), Kind.LEVEL_SHIFT))


@pytest.mark.parametrize("later", [1, 2, 3, 50, 400])
def test_a_nan_after_the_onset_is_not_the_cause_of_the_jump(later: int) -> None:
    case = shifted(cases.AT + later)
    judged = NonFiniteInput().judge(case)
    assert judged.ruled_out
    step = int(cases.STEPS[cases.AT + later])
    assert f"at step {step:,}; the jump begins at 15,000" in str(judged.evidence[0].reading)
    assert explain(case).primary_cause != "non-finite"


def test_a_nan_at_the_onset_is_read_with_its_own_step() -> None:
    judged = NonFiniteInput().judge(shifted(cases.AT))
    assert judged.decisive
    assert "not finite from step 15,000 (1 point)" in str(cases.evidence(judged, "loss-not-finite").reading)


def test_a_loss_that_stands_still_while_the_gradient_is_no_number_is_hidden() -> None:
    still = cases.nll()[:400] + 20
    norm = np.ones(400)
    still[300:], norm[300:] = 0.0, np.nan
    steps = np.arange(400)
    finding = spikediag.diagnose(
        spikediag.Run.from_arrays({"train/loss": (steps, still), "train/grad_norm": (steps, norm)})
    ).lead
    assert finding.is_lost
    assert finding.primary_cause == "non-finite"
    assert "stands still at 0 in the log from step 300" in str(finding.primary.evidence[0].reading)
