"""The verdict on the whole run."""

from dataclasses import replace

import numpy as np

from spikediag import outcome
from spikediag.attribution import Case, conclude, conditions, explain
from spikediag.detectors import search_power
from spikediag.model import Checkpoint, Diagnosis, Finding, Kind, Role, Run, RunStatus, RunVerdict, Status
from spikediag.phrases import spike_clause
from tests.attribution import cases


def finding(case: Case, name: str = "F1") -> Finding:
    return Finding(name, case.spike, case.coupling, lambda _: explain(case))


def concluded(run: Run, *cases_: Case) -> RunVerdict:
    found = tuple(finding(case, f"F{i}") for i, case in enumerate(cases_, 1))
    searched = tuple(search_power(loss) for loss in run.having(Role.LOSS))
    return conclude(run, found, conditions(run, found), outcome.assess(run, found), searched, past_best=())


def test_a_spike_that_comes_back_with_a_flat_error_does_not_matter() -> None:
    case = cases.seed_case()
    overall = concluded(case.run, case)
    assert overall.status is RunStatus.SPIKY
    assert overall.matters is False
    assert overall.primary_cause == "batch-ratio"
    assert "15,000" in str(overall.summary)
    assert "batch-ratio" in str(overall.summary)
    assert any("bc/mse is no worse" in str(text) for text in overall.because)


def test_a_loss_that_stays_up_matters() -> None:
    loss = cases.nll()
    loss[cases.AT :] += 20
    run = cases.make_run(loss, cases.mse(), facts=cases.CALM_FACTS)
    case = cases.make_case(run, cases.spike_at(run, cases.AT, len(loss), Kind.LEVEL_SHIFT))
    assert concluded(run, case).matters is True


def test_an_evaluation_that_is_worse_afterwards_matters() -> None:
    success = 0.9 + cases.noise(0.02, 6)
    success[cases.AT :] -= 0.4
    run = cases.make_run(
        cases.nll({cases.AT: 39}), cases.mse(), cases.series("eval/success", Role.REWARD, success)
    )
    overall = concluded(run, cases.make_case(run))
    assert overall.matters is True
    assert any("eval/success is worse" in str(text) for text in overall.because)


def test_without_an_error_metric_a_spike_that_came_back_cannot_be_judged() -> None:
    run = cases.make_run(cases.nll({cases.AT: 39}), None)
    assert concluded(run, cases.make_case(run)).matters is None


def test_the_checkpoint_before_it_is_named() -> None:
    case = cases.seed_case()
    run = replace(
        case.run, checkpoints=(Checkpoint("ckpt_10000.pt", 10_000), Checkpoint("ckpt_16000.pt", 16_000))
    )
    overall = concluded(run, Case(run, case.spike, case.coupling, case.spikes))
    assert any("ckpt_10000.pt" in str(text) for text in overall.because)


def test_nan_to_the_end_is_divergence() -> None:
    loss = cases.nll()
    loss[cases.AT :] = np.nan
    run = cases.make_run(loss, cases.mse())
    case = cases.make_case(run, cases.spike_at(run, cases.AT, len(loss), Kind.NON_FINITE))
    overall = concluded(run, cases.seed_case(), case)
    assert overall.status is RunStatus.DIVERGED
    assert overall.primary_cause == "non-finite"


def test_a_calm_run_is_clean_and_counts_its_conditions() -> None:
    run = cases.make_run(cases.nll(), cases.mse())
    overall = concluded(run)
    assert overall.status is RunStatus.CLEAN
    assert overall.primary_cause is None
    flagged = sum(c.status is Status.SUPPORTED for c in conditions(run, ()))
    assert flagged > 0
    assert f"listed below: {flagged}." in str(overall.summary)


def test_a_run_of_five_points_is_not_judged() -> None:
    steps = np.arange(5)
    loss = cases.series("loss", Role.LOSS, np.arange(5.0), steps)
    assert concluded(Run("r", "r", {"loss": loss})).status is RunStatus.NOT_JUDGED


def test_numbers_that_came_back_are_not_told_as_lost() -> None:
    loss = cases.nll()
    loss[cases.AT : cases.AT + 10] = np.nan
    run = cases.make_run(loss, cases.mse())
    case = cases.make_case(run, cases.spike_at(run, cases.AT, cases.AT + 10, Kind.NON_FINITE))
    overall = concluded(run, case)
    assert overall.status is RunStatus.SPIKY
    said = str(overall.summary)
    assert "and was one again by step 15,100" in said
    assert "stopped being a number" not in said
    assert "From step 15,000 on" not in said


def test_the_summary_speaks_of_the_finding_that_leads_the_diagnosis() -> None:
    """A NaN burst that came back, and a loss that rose later and stayed up: the one that was lost leads."""
    loss = cases.nll()
    loss[1000:1010] = np.nan
    loss[cases.AT :] += np.linspace(20, 200, len(loss) - cases.AT)
    run = cases.make_run(loss, cases.mse(), facts=cases.CALM_FACTS)
    burst = cases.make_case(run, cases.spike_at(run, 1000, 1010, Kind.NON_FINITE))
    rise = cases.make_case(run, cases.spike_at(run, cases.AT, len(loss), Kind.DIVERGENCE))
    found = (finding(burst, "F1"), finding(rise, "F2"))
    overall = concluded(run, burst, rise)
    lead = Diagnosis(run, found, (), overall, tuple, "0").lead
    assert lead is not None
    assert lead.id == "F2"
    assert overall.status is RunStatus.DIVERGED
    assert overall.primary_cause == lead.primary_cause
    assert str(spike_clause(lead.spike)) in str(overall.summary)
    assert "Findings in all: 2." in str(overall.summary)
