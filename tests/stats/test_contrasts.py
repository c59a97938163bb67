"""The fast contrasts against slow twins, and what their scores mean."""

import numpy as np
import pytest

from spikediag.stats.contrasts import (
    CELL,
    FEWEST,
    SIDE,
    Contrasts,
    cell_medians,
    judged,
    trailing_medians,
)
from spikediag.stats.contrasts import bumps as bumps_from
from spikediag.stats.contrasts import long_rises as long_rises_from
from spikediag.stats.contrasts import rises as rises_from
from spikediag.stats.medians import RunningMedians


def bumps(values: np.ndarray, width: int) -> Contrasts:
    return next(judged([bumps_from(RunningMedians(values), width)]))


def rises(values: np.ndarray, width: int) -> Contrasts:
    return next(judged([rises_from(RunningMedians(values), width)]))


def long_rises(cells: np.ndarray, width: int) -> Contrasts:
    return next(judged([long_rises_from(RunningMedians(cells), width)]))


VALUES = np.random.default_rng(7).standard_t(3, size=1500)


@pytest.mark.parametrize("width", [9, 17, 33])
def test_rises_are_differences_of_medians(width: int) -> None:
    found = rises(VALUES, width)
    before = 4 * (width - 1) + 1

    for k in range(0, len(found.rise), 7):
        at = found.grid.first + k * found.grid.stride
        slow = np.median(VALUES[at : at + width]) - np.median(VALUES[at - before : at])
        assert found.rise[k] == slow
    assert found.grid.first + (len(found.rise) - 1) * found.grid.stride + width <= len(VALUES)


def test_long_rises_are_rises_of_cell_medians() -> None:
    cells = np.array([np.median(VALUES[k : k + CELL]) for k in range(0, len(VALUES) - CELL + 1, CELL)])
    fast, slow = long_rises(cell_medians(VALUES), 9), rises(cells, 9)

    assert np.array_equal(fast.score, slow.score)
    assert (fast.grid.width, fast.grid.stride, fast.grid.first) == (
        72,
        8 * slow.grid.stride,
        8 * slow.grid.first,
    )


@pytest.mark.parametrize("width", [1, 3])
def test_bumps_stand_above_both_sides(width: int) -> None:
    found = bumps(VALUES, width)

    for k in range(0, len(found.rise), 11):
        at = SIDE + k
        sides = np.median(VALUES[at - SIDE : at]), np.median(VALUES[at + width : at + width + SIDE])
        assert found.rise[k] == VALUES[at : at + width].min() - max(sides)
    assert len(found.rise) == len(VALUES) - width - 2 * SIDE + 1


@pytest.mark.parametrize("lag", [0, 5])
@pytest.mark.parametrize("memory", [33, 257])
def test_a_trailing_median_sees_only_the_past(memory: int, lag: int) -> None:
    found = trailing_medians([(VALUES, lag)], memory)[0]

    assert np.isnan(found[: FEWEST + lag - 1]).all()
    for t in range(memory + lag - 1, len(VALUES), 13):
        stop = t - lag + 1
        assert found[t] == np.median(VALUES[stop - memory : stop])
    sizes = np.array([12, 16, 24, 32, 48, 64, 96, 128, 192, 256])
    for t in range(FEWEST + lag - 1, memory + lag - 1):
        known = sizes[(sizes <= t - lag + 1) & (sizes < memory)].max()
        assert found[t] == np.median(VALUES[:known])


@pytest.mark.parametrize(
    "contrast", [lambda x: bumps(x, 3), lambda x: rises(x, 17), lambda x: long_rises(cell_medians(x), 9)]
)
def test_a_prefix_has_the_scores_of_the_whole(contrast) -> None:
    part, whole = contrast(VALUES[:1100]), contrast(VALUES)

    assert len(part.score) > 0
    assert np.array_equal(part.score, whole.score[: len(part.score)])


@pytest.mark.parametrize("contrast", [lambda x: rises(x, 17), lambda x: long_rises(cell_medians(x), 9)])
def test_scores_of_noise_are_about_standard_normal(contrast) -> None:
    rng = np.random.default_rng(8)
    found = np.concatenate([contrast(rng.normal(size=6000)).score[100:] for _ in range(10)])

    assert found.std() == pytest.approx(1, abs=0.15)
    assert np.mean(found > 3) < 0.006


@pytest.mark.parametrize("n", range(80))
def test_any_length_gives_scores_or_none(n: int) -> None:
    for found in (
        bumps(VALUES[:n], 1),
        bumps(VALUES[:n], 3),
        rises(VALUES[:n], 9),
        long_rises(cell_medians(VALUES[:n]), 9),
    ):
        assert len(found.rise) == len(found.score)
        assert np.isfinite(found.score).all()


def test_grids_that_are_judged_together_get_what_each_gets_alone() -> None:
    values = RunningMedians(VALUES)
    grids = [
        bumps_from(values, 3),
        *(rises_from(values, width) for width in (9, 17, 33)),
        bumps_from(RunningMedians(VALUES[:8]), 1),
    ]

    for together, grid in zip(judged(grids), grids, strict=True):
        alone = next(judged([grid]))
        assert np.array_equal(together.centre, alone.centre)
        assert np.array_equal(together.scale, alone.scale)
