"""logging-change."""

import numpy as np

from spikediag.attribution import Case, explain
from spikediag.attribution.causes.logging_change import LoggingChange
from spikediag.model import Kind, Role, Run
from tests.attribution import cases


def rescaled(error_factor: float = 0.25) -> Case:
    """The loss is divided by four from the onset on: -17 becomes -4.3."""
    loss, error, norm = cases.nll(), cases.mse(), 2.0 * np.exp(cases.noise(0.1, 5))
    loss[cases.AT :] *= 0.25
    norm[cases.AT :] *= 0.25
    error[cases.AT :] *= error_factor
    gradient = cases.series("bc/grad_norm", Role.GRAD_NORM, norm)
    run = cases.make_run(loss, error, gradient, facts=cases.CALM_FACTS)
    return cases.make_case(run, cases.spike_at(run, cases.AT, len(loss), Kind.LEVEL_SHIFT))


def test_one_factor_in_every_tag_is_a_changed_log() -> None:
    case = rescaled()
    judged = LoggingChange().judge(case)
    assert judged.decisive
    assert abs(cases.evidence(judged, "common-factor").observed - 0.25) < 0.01
    assert explain(case).primary_cause == "logging-change"


def test_an_error_that_stays_rules_it_out() -> None:
    judged = LoggingChange().judge(rescaled(error_factor=1.0))
    assert judged.ruled_out


def test_a_transient_is_no_changed_log() -> None:
    assert LoggingChange().judge(cases.seed_case()).ruled_out


def test_a_changed_interval_is_told() -> None:
    case = rescaled()
    loss = case.run.series["bc/actor_loss"]
    keep = np.r_[0 : cases.AT, cases.AT : len(loss) : 5]
    thinned = {
        tag: cases.series(
            tag, s.role, s.values[keep], s.steps[keep], measure=s.measure, reduction=s.reduction
        )
        for tag, s in case.run.series.items()
    }
    run = Run("runs/bc", "bc", thinned)
    spike = cases.spike_at(run, cases.AT, len(keep), Kind.LEVEL_SHIFT)
    judged = LoggingChange().judge(cases.make_case(run, spike))
    assert "from 10 to 50 steps" in str(cases.evidence(judged, "interval-changed").reading)
