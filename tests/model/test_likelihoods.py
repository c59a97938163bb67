"""Which losses are likelihoods."""

import numpy as np
import pytest

from spikediag.model import LossKind, Measure, Role, Run, Series

STEPS = np.arange(100)


def run(measure: Measure, level: float, companion: str | None = "Loss/mse") -> Run:
    series = [Series("Loss/behavior", Role.LOSS, STEPS, np.full(100, level), STEPS, measure=measure)]
    if companion:
        series.append(
            Series(companion, Role.COMPANION, STEPS, np.ones(100), STEPS, measure=Measure.SQUARED_ERROR)
        )
    return Run("r", "r", {s.tag: s for s in series})


@pytest.mark.parametrize(
    ("measure", "level", "companion", "expected"),
    [
        (Measure.NLL, 3.0, None, True),
        (Measure.SQUARED_ERROR, -5.0, "Loss/mse", True),
        (Measure.UNKNOWN, -5.0, "Loss/mse", True),
        (Measure.UNKNOWN, 5.0, "Loss/mse", False),
        (Measure.POLICY, -0.01, None, False),
        (Measure.POLICY, -5.0, "eval/mse", False),
        (Measure.VALUE, -5.0, "Loss/mse", False),
        (Measure.UNKNOWN, float("nan"), "Loss/mse", False),
    ],
)
def test_a_likelihood_is_named_or_negative_beside_its_error(
    measure: Measure, level: float, companion: str | None, expected: bool
) -> None:
    found = run(measure, level, companion)
    kind = found.loss_kind(found.series["Loss/behavior"])
    assert (kind is LossKind.LIKELIHOOD) is expected
