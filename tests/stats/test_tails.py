"""The posterior predictive tail: right on average, heavier the less it knows."""

import numpy as np
import pytest
from scipy.stats import genpareto

from spikediag.stats.tails import fit_tail


def test_it_recovers_a_known_tail() -> None:
    rng = np.random.default_rng(1)
    pool = rng.exponential(size=2000)

    found = fit_tail(pool, 0.0, 0.1).exceedance(np.array([3.0, 5.0, 8.0]))

    assert found == pytest.approx(np.exp([-3.0, -5.0, -8.0]), rel=0.9)


def test_a_heavier_pool_has_a_heavier_tail() -> None:
    rng = np.random.default_rng(2)
    light = fit_tail(rng.exponential(size=2000), 0.1, 0.1)
    heavy = fit_tail(genpareto.rvs(0.4, size=2000, random_state=3), 0.1, 0.1)

    assert heavy.exceedance(np.array([10.0])) > 10 * light.exceedance(np.array([10.0]))


def test_the_less_it_knows_the_more_it_allows() -> None:
    quantiles = -np.log1p(-(np.arange(400) + 0.5) / 400)
    few, many = fit_tail(quantiles[::20], 0.0, 0.1), fit_tail(quantiles, 0.0, 0.1)

    assert few.exceedance(np.array([12.0])) > 3 * many.exceedance(np.array([12.0]))


def test_promised_chances_come_true() -> None:
    """The predictive chance of a new score is calibrated over many small pools."""
    rng = np.random.default_rng(4)
    below = 0
    for _ in range(1500):
        scores = rng.exponential(size=101)
        below += fit_tail(scores[:100], 0.0, 0.06).exceedance(scores[100:])[0] < 0.02

    assert below / 1500 == pytest.approx(0.02, abs=0.01)


def test_it_falls_with_the_score_and_never_exceeds_its_rate() -> None:
    tail = fit_tail(np.random.default_rng(5).normal(size=300), 0.0, 0.1)
    found = tail.exceedance(np.linspace(-5, 30, 200))

    assert np.all(np.diff(found) <= 1e-15)
    assert found.max() == pytest.approx(tail.rate)
    assert tail.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("pool", [np.zeros(60), np.repeat([0.0, 1.0], 30)])
def test_pools_with_ties_do_no_harm(pool: np.ndarray) -> None:
    assert np.isfinite(fit_tail(pool, 0.0, 0.1).exceedance(np.array([0.0, 2.0, 9.0]))).all()
