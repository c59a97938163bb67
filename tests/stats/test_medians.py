"""The fast medians against the slow ones."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import median_filter

from spikediag.stats.medians import CHUNK, FEW, RunningMedians, median, quantile, running_median

VALUES = np.random.default_rng(3).standard_t(3, size=CHUNK + 50)


@pytest.mark.parametrize("n", [1, 2, 3, 8, FEW, FEW + 1, FEW + 2])
@pytest.mark.parametrize("values", [VALUES, np.round(VALUES)])
def test_a_median_is_that_of_numpy(values: np.ndarray, n: int) -> None:
    assert median(values[:n]) == np.median(values[:n])


@pytest.mark.parametrize("size", [3, 5, 9, 17, 33])
@pytest.mark.parametrize("n", [1, 3, 8, 9, 40, len(VALUES)])
@pytest.mark.parametrize("values", [VALUES, np.round(VALUES)])
def test_a_running_median_is_the_median_of_each_window(values: np.ndarray, n: int, size: int) -> None:
    found = running_median(values[:n], size)

    assert len(found) == max(0, n - size + 1)
    if len(found):
        assert np.array_equal(found, np.median(sliding_window_view(values[:n], size), axis=1))


@pytest.mark.parametrize("n", [5, 33, 66, 67, 500])
def test_around_the_ends_the_series_is_mirrored(n: int) -> None:
    assert np.array_equal(RunningMedians(VALUES[:n]).around(33), median_filter(VALUES[:n], 33))


def test_what_many_ask_for_is_computed_once() -> None:
    medians = RunningMedians(VALUES[:500])

    assert medians.of(9) is medians.of(9)
    assert medians.of(17) is not medians.of(17)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95, 1.0])
def test_a_quantile_is_that_of_numpy(share: float) -> None:
    ordered = np.sort(VALUES[:240])
    assert quantile(ordered, share) == pytest.approx(np.quantile(ordered, share), rel=1e-12)
