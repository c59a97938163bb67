"""What detection costs: memory in arrays of the input, time linear in its length."""

import time
import tracemalloc

import numpy as np

from spikediag.detectors import detect
from tests.detectors.builders import planted, series_of


def cpu_seconds(n: int) -> float:
    series = series_of(planted(np.random.default_rng(1).normal(size=n), 30, at=n // 2, length=5))
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        detect(series)
        best = min(best, time.process_time() - start)
    return best


def test_memory_stays_below_ten_arrays_of_a_long_input() -> None:
    series = series_of(planted(np.random.default_rng(1).normal(size=200_000), 30, at=100_000, length=5))
    tracemalloc.start()
    detect(series)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 10 * series.values.nbytes


def test_time_grows_no_faster_than_the_length() -> None:
    assert cpu_seconds(80_000) < 3 * 4 * cpu_seconds(20_000)
