import math

import numpy as np

from spikediag.live.attention import CELLS, EVERY, FIRST, LAST, Attention, Saw
from tests.live.trainings import noise


def attentive(values: np.ndarray) -> Attention:
    """As it stands after these points, looked at whenever it was due, always in vain."""
    one = Attention()
    for n, value in enumerate(values, 1):
        one.waiting |= one.crossed(value)
        if one.count >= one.read_at:
            one.read(values[:n])
        if one.due():
            one.looked(values[:n], 1, Saw.NOTHING, goes_on=False)
    return one


def test_a_point_far_above_the_last_ones_crosses_the_bound_and_so_does_what_is_no_number() -> None:
    one = attentive(noise(500))
    assert 4 < one.high < 9
    assert not one.crossed(3.0)
    assert one.crossed(20.0)
    assert one.crossed(math.nan)
    assert not one.crossed(-math.inf)  # falls are seen at a regular look


def test_what_was_looked_at_in_vain_raises_the_bound_and_is_forgotten_again() -> None:
    values = noise(500)
    values[-1] = 20.0
    one = attentive(values)
    assert one.high > 20
    calm = noise(20_000, seed=5)
    for n in range(1, len(calm) + 1):
        one.crossed(calm[n - 1])
        if one.count >= one.read_at:
            one.read(calm[max(0, n - 300) : n])
    assert one.high < 10


def test_a_step_too_small_for_the_bound_shows_in_the_medians() -> None:
    values = noise(CELLS * 16)
    one = Attention(count=len(values))
    assert one.lift(values) < 6
    values[-16:] += 3
    assert one.lift(values) > 6


def test_regular_looks_come_at_ever_larger_distances_and_in_turn() -> None:
    one, looks = Attention(), []
    values = noise(20_000)
    for n in range(1, len(values) + 1):
        one.crossed(-1.0)
        if one.due():
            looks.append(n)
            one.looked(values[:n], 2, Saw.NOTHING, goes_on=False)
    apart = np.diff(looks)
    assert looks[0] == FIRST
    assert (np.diff(apart) >= 0).all()
    assert apart[-1] == 2 * LAST


def test_what_was_found_is_looked_at_again_until_it_is_over() -> None:
    one, looks = Attention(count=5000, regular_at=10**9), []
    one.waiting = True
    one.looked(noise(EVERY), 1, Saw.NEW, goes_on=True)
    for n in range(1, 300):
        one.crossed(-1.0)
        if one.due():
            looks.append(n)
            one.looked(noise(EVERY), 1, Saw.NOTHING, goes_on=n < 80)
    assert looks == [10, 20, 40, 80, 160]
