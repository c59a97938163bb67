"""What was checked is said, and why a check was not made."""

import spikediag
from spikediag import attribution, detectors
from tests.test_pipeline import diagnose, seed_like


def test_every_detector_and_cause_and_the_coupling_have_a_line() -> None:
    diagnosis = diagnose(seed_like())
    causes = attribution.applicable(diagnosis.run)
    assert [check.id for check in diagnosis.checks] == [*detectors.registry.load(), "coupling", *causes]
    assert {"batch-ratio", "log-std-drift", "lr-change", "non-finite"} <= set(causes)
    assert not {"target-update", "reward-term", "trust-region", "temperature"} & set(causes)


def test_a_cause_that_was_not_judged_says_what_would_decide_it() -> None:
    found = {check.id: check for check in diagnose(seed_like()).checks}
    assert not found["lr-change"].ran
    assert "Log the learning rate" in str(found["lr-change"].reason)
    assert found["non-finite"].ran
    assert str(found["non-finite"].reason) == "Findings judged: 1 of 1."


def test_without_an_error_metric_the_coupling_is_not_tested() -> None:
    curves = seed_like()
    del curves["bc/mse"]
    coupling = next(c for c in diagnose(curves).checks if c.id == "coupling")
    assert not coupling.ran
    assert str(coupling.reason) == "No error metric is logged."


def test_a_calm_run_has_no_cause_to_judge() -> None:
    curves = seed_like()
    loss = curves["bc/actor_loss"][1].copy()
    loss[1_500:1_506] = loss[1_400:1_406]
    calm: spikediag.Diagnosis = diagnose({**curves, "bc/actor_loss": (curves["bc/mse"][0], loss)})
    reasons = {str(c.reason) for c in calm.checks if c.id in attribution.registry.load()}
    assert reasons == {"There was no jump to explain."}
