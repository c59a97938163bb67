"""What drawing batches implies, against simulation."""

import numpy as np
import pytest

from spikediag.model import Batch
from spikediag.stats.sampling import (
    Sampling,
    batches_to_see_all,
    cantelli,
    distinct_share,
    finite_population,
    largest_of,
    recommended_batch,
)

BATCH = Batch(256, 418, "--batch-size", "--dataset-size")
SEED = Sampling(BATCH, 20_000)


def test_the_users_numbers() -> None:
    assert round(SEED.passes) == 12_249
    assert SEED.passes_sd / SEED.passes == pytest.approx(0.009, abs=5e-4)
    assert finite_population(BATCH) == pytest.approx(0.623, abs=1e-3)
    assert batches_to_see_all(BATCH) == pytest.approx(10.8, abs=0.05)


@pytest.mark.parametrize(
    ("dataset", "expected"), [(418, (42, 83, 64)), (2090, (209, 418, 256)), (5, (1, 1, 1)), (17, (2, 3, 2))]
)
def test_recommended_batch(dataset: int, expected: tuple[int, int, int]) -> None:
    span = recommended_batch(dataset)
    assert (span.low, span.high, span.power_of_two) == expected


def test_no_power_of_two_in_the_range_is_said() -> None:
    assert recommended_batch(10_000, 0.103, 0.12).power_of_two is None


def test_coverage_and_finite_population_against_simulation() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 418)
    drawn = rng.integers(418, size=(4000, 256))
    distinct = np.mean([len(np.unique(row)) for row in drawn[:500]]) / 418
    assert distinct == pytest.approx(distinct_share(BATCH), abs=0.005)
    without = np.array([rng.permutation(values)[:256].mean() for _ in range(4000)])
    ratio = without.std() / values[drawn].mean(1).std()
    assert ratio == pytest.approx(finite_population(BATCH), rel=0.05)


def test_the_largest_of_many_batches() -> None:
    tops = np.random.default_rng(1).normal(0, 0.8, (300, 2000)).max(1)
    assert np.mean(tops > largest_of(2000, 0.8)) < 0.2
    assert np.mean(tops) == pytest.approx(largest_of(2000, 0.8), rel=0.15)


def test_cantelli_bounds_every_distribution() -> None:
    rng = np.random.default_rng(2)
    for draws in (
        rng.normal(0, 1, 50_000),
        rng.exponential(1, 50_000) - 1,
        rng.choice([-0.1, 10], 50_000, p=[0.99, 0.01]),
    ):
        centred = draws - draws.mean()
        for jump in (1.0, 3.0, 6.0):
            assert np.mean(centred >= jump * draws.std()) <= cantelli(jump, 1.0) + 0.01


def test_a_full_batch_has_no_variance_without_replacement() -> None:
    assert finite_population(Batch(418, 418, "", "")) == 0
    assert distinct_share(Batch(1, 1, "", "")) == 1
