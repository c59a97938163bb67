"""A spike knows its extent, its highest point and whether it lasts."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.model import NEAR, Excursion, Kind, Shape, Spike

LOSS = np.array([0.0, 0, 0, 6, 10, 6, 1, 0, 0, 0])
BURST = Spike(
    tag="loss",
    kind=Kind.TRANSIENT,
    start=2,
    stop=8,
    peak=4,
    onset_step=20,
    peak_step=40,
    end_step=80,
    baseline=0.0,
    peak_value=10.0,
    height=10.0,
    noise=0.5,
    sigmas=20.0,
    expected_by_chance=1e-3,
)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_shape_and_a_place(kind: Kind) -> None:
    assert isinstance(kind.shape, Shape)
    assert sorted(k.precedence for k in Kind) == list(range(len(Kind)))


def test_a_burst_is_looked_at_where_it_stands_half_as_high_as_its_peak() -> None:
    assert BURST.window(LOSS) == (3, 6)
    assert BURST.spans == ((2, 8),)
    assert BURST.recovered


def test_a_level_takes_up_its_first_points_for_what_happens_on_it_is_news() -> None:
    level = replace(BURST, kind=Kind.LEVEL_SHIFT, stop=10, end_step=None)
    assert level.spans == ((2, 5),)
    assert replace(level, stop=2000, peak=900).spans == ((2, 2 + NEAR),)
    assert replace(level, stop=2000, peak=900, end_step=2000).spans == ((2, 2 + NEAR),)
    assert level.window(LOSS) == (2, 10)
    assert not level.recovered
    assert level.level_after == 10.0


def test_a_train_takes_up_its_members_and_is_looked_at_where_it_is_highest() -> None:
    members = (Excursion(0, 2, 1), Excursion(3, 7, 4))
    train = replace(BURST, kind=Kind.TRAIN, start=0, members=members)
    assert train.spans == ((0, 2), (3, 7))
    assert train.highest == members[1]
    assert train.window(LOSS) == (3, 6)


def test_half_a_height_of_huge_values_does_not_overflow() -> None:
    huge = replace(BURST, baseline=-1.7e308)
    with np.errstate(all="raise"):
        assert huge.window(np.where(LOSS > 5, 1.7e308, -1.7e308)) == (3, 6)


def test_a_burst_lasts_while_it_stands_half_as_high_and_a_level_as_long_as_it_is_there() -> None:
    assert BURST.width(LOSS) == 3
    assert replace(BURST, kind=Kind.LEVEL_SHIFT, stop=10, end_step=None).width(LOSS) == 8
    twice = np.r_[LOSS, LOSS, LOSS]
    twice[23] = 0.0
    members = tuple(Excursion(10 * i + 2, 10 * i + 8, 10 * i + 4) for i in range(3))
    assert replace(BURST, kind=Kind.TRAIN, members=members).width(twice) == 3


def test_a_long_burst_is_looked_at_in_part_and_counted_whole() -> None:
    plateau = np.r_[0.0, np.full(300, 10.0), 0.0]
    long = replace(BURST, start=1, stop=301, peak=1)
    assert long.width(plateau) == 300
    assert long.window(plateau) == (1, 130)
