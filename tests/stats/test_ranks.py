"""Ranks and their correlation."""

import numpy as np
import pytest
from scipy import stats

from spikediag.stats.ranks import rank_correlation, ranks


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert list(ranks(np.array([3.0, 1.0, 3.0, 7.0]))) == [2.0, 0.5, 2.0, 3.5]


@pytest.mark.parametrize("seed", range(3))
def test_the_correlation_is_spearmans(seed: int) -> None:
    one, two = np.random.default_rng(seed).integers(0, 9, (2, 50)).astype(float)
    assert rank_correlation(one, two) == pytest.approx(stats.spearmanr(one, two).statistic)


def test_a_constant_goes_with_nothing() -> None:
    assert rank_correlation(np.ones(5), np.arange(5.0)) == 0
