"""returns-grow: what decides it, and what rules it out."""

import numpy as np
import pytest

import spikediag
from spikediag.model import Diagnosis, Status
from tests.attribution.learners import found, verdict

N = 160
RELATIVE = 0.05  # error of a value prediction, squared


def climbing(seed: int, at: int, first: float, last: float, end: float | None = None) -> np.ndarray:
    """Returns that climb within ten points from one level to another, and on to a third."""
    rng = np.random.default_rng(seed)
    way = np.interp(np.arange(N), [0, at, at + 10, N - 1], [first, first, last, last if end is None else end])
    return way * np.exp(rng.normal(0, 0.05, N))


def learner(
    seed: int, returns: np.ndarray, power: float = 2.0, **others: np.ndarray
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed + 100)
    loss = RELATIVE * np.abs(returns) ** power * np.exp(rng.normal(0, 0.2, N))
    return {"Baseline_Loss": loss, "Train_AverageReturn": returns, **others}


def told(curves: dict[str, np.ndarray]) -> Diagnosis:
    steps = np.arange(N)
    run = spikediag.Run.from_arrays({tag: (steps, values) for tag, values in curves.items()})
    return spikediag.diagnose(run)


@pytest.mark.parametrize(("seed", "at", "last"), [(0, 90, 1000.0), (1, 70, 700.0), (2, 110, 2500.0)])
def test_a_loss_that_grows_with_the_return_is_harmless(seed: int, at: int, last: float) -> None:
    diagnosis = told(learner(seed, climbing(seed, at, 120.0, last)))
    assert diagnosis.lead is not None
    assert diagnosis.lead.primary_cause == "returns-grow"
    assert diagnosis.overall.matters is False
    advice = diagnosis.lead.primary.advice
    assert any("normalise" in str(a.text) for a in advice)


def test_a_loss_whose_return_fell_afterwards_is_not_called_harmless() -> None:
    way = np.interp(np.arange(N), [0, 60, 70, 95, 100, N], [120, 120, 1000, 1000, 20, 20])
    returns = way * np.exp(np.random.default_rng(3).normal(0, 0.05, N))
    assert told(learner(3, returns)).overall.matters is not False


def test_returns_that_stay_speak_against_it() -> None:
    curves = learner(4, climbing(4, 90, 100.0, 1000.0))
    curves["Train_AverageReturn"] = climbing(5, 90, 100.0, 100.0)
    judged = verdict(found(curves), "returns-grow")
    assert not judged.open
    assert [e.what for e in judged.evidence] == ["returns-stayed"]


def test_a_loss_that_grows_far_more_than_the_square_is_something_else() -> None:
    judged = verdict(found(learner(6, climbing(6, 90, 100.0, 400.0), power=6.0)), "returns-grow")
    assert judged.status is Status.RULED_OUT


def test_peaks_above_a_level_that_stays_are_not_larger_returns() -> None:
    curves = learner(7, climbing(7, 60, 200.0, 400.0))
    rng = np.random.default_rng(9)
    curves["Baseline_Loss"] = 100 * np.exp(rng.normal(0, 0.1, N))
    curves["Baseline_Loss"][[70, 82, 97, 103, 118, 131]] *= 60
    finding = found(curves)
    assert finding.primary_cause != "returns-grow"
    assert "not-lifted" in {e.what for e in verdict(finding, "returns-grow").evidence}


def test_without_returns_it_is_not_asked() -> None:
    curves = learner(8, climbing(8, 90, 100.0, 1000.0))
    del curves["Train_AverageReturn"]
    assert "returns-grow" not in {v.cause for v in found(curves).verdicts}


@pytest.mark.parametrize(
    ("first", "last", "what"),
    [(20.0, 90.0, "minus-q"), (90.0, 20.0, "returns-stayed"), (20.0, 30.0, "minus-q")],
    ids=["the return climbed farther", "it fell", "it climbed less than Q"],
)
def test_minus_q_may_fall_by_no_more_than_the_return_climbs(first: float, last: float, what: str) -> None:
    minus_q = np.random.default_rng(9).normal(0.0, 1.0, N) - np.interp(np.arange(N), [90, 100], [0, 60])
    curves = {"train/actor_loss": minus_q, "train/ent_coef": np.full(N, 0.2)}
    finding = found(curves | {"reward": climbing(8, 90, first, last)})
    judged = verdict(finding, "returns-grow")
    assert finding.spike.is_fall
    assert [e.what for e in judged.evidence] == [what]
    assert judged.harmless is (last == 90.0)


def test_a_value_loss_that_falls_is_no_larger_return() -> None:
    loss = climbing(10, 90, 50.0, 1.0)
    judged = verdict(
        found({"Baseline_Loss": loss, "Train_AverageReturn": climbing(11, 90, 20.0, 90.0)}), "returns-grow"
    )
    assert [e.what for e in judged.evidence] == ["other-way"]


def test_returns_that_cross_zero_as_they_climb_still_explain_a_loss_that_climbs_with_them() -> None:
    way = np.interp(np.arange(N), [0, 80, 100, N - 1], [-80, -80, 0, 500])
    returns = way + np.random.default_rng(3).normal(0, 3, N)
    diagnosis = told(learner(3, returns + np.sign(returns)))
    lead = diagnosis.lead
    assert lead is not None
    assert lead.primary_cause == "returns-grow"
