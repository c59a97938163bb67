"""train: spikes again and again."""

import numpy as np
import pytest

from spikediag.detectors import detect
from spikediag.detectors.train import rate_grows
from spikediag.model import FloatArray, Kind, Shape
from tests.conftest import some_of
from tests.detectors.builders import NOISES, series_of


def spiking(seed: int, at: FloatArray, noise: str = "white", n: int = 10_000) -> FloatArray:
    """Noise with spikes of 20 to 30 deviations that decay over a few points."""
    rng = np.random.default_rng([71, seed])
    values = NOISES[noise](rng, n)
    for t in at.astype(int):
        values[t : t + 8] += rng.uniform(20, 30) * np.exp(-np.arange(8) / 2)
    return values


@pytest.mark.parametrize("noise", some_of("white", slow=("ar",)))
@pytest.mark.parametrize("seeds", some_of(3, slow=(10,)))
def test_many_spikes_are_one_finding_that_lists_them(noise: str, seeds: int) -> None:
    at = np.linspace(3000, 9500, 20)
    for seed in range(seeds):
        (spike,) = detect(series_of(spiking(seed, at, noise)))

        assert spike.kind is Kind.TRAIN
        assert spike.count == len(spike.members) == pytest.approx(20, abs=1)
        assert spike.rate == pytest.approx(1e4 * spike.count / 10_000)
        assert all(a.stop <= b.start for a, b in zip(spike.members, spike.members[1:], strict=False))
        assert spike.start == spike.members[0].start
        assert spike.stop >= spike.members[-1].stop


def test_it_leads_with_its_highest_member() -> None:
    values = spiking(1, np.linspace(3000, 9000, 12))

    (spike,) = detect(series_of(values))

    assert spike.peak_value == max(values[m.peak] for m in spike.members)
    assert spike.peak in [m.peak for m in spike.members]
    assert spike.height == pytest.approx(spike.peak_value - spike.baseline)


def test_one_that_stands_out_is_named_apart() -> None:
    values = spiking(2, np.linspace(3000, 9000, 12))
    values[7500:7504] += 200

    kinds = {s.kind: s for s in detect(series_of(values))}

    assert set(kinds) == {Kind.TRAIN, Kind.TRANSIENT}
    assert kinds[Kind.TRANSIENT].start == 7500
    assert all(not m.start <= 7500 < m.stop for m in kinds[Kind.TRAIN].members)


def test_bursts_that_span_decades_are_one_finding_whose_peak_is_the_highest() -> None:
    rng = np.random.default_rng(21)
    values = 0.01 * np.exp(0.1 * rng.normal(size=1500))
    places = np.arange(300, 1500, 30)
    values[places] = 10.0 ** rng.uniform(0, 6, size=len(places))
    values[places[-3]] = 3e6

    train, *others = [s for s in detect(series_of(values)) if s.shape is Shape.BURST]

    assert train.kind is Kind.TRAIN
    assert train.peak == places[-3]
    assert not others


def test_three_spikes_are_three_findings() -> None:
    spikes = detect(series_of(spiking(3, np.array([4000, 6000, 8000]))))

    assert [s.kind for s in spikes] == [Kind.TRANSIENT] * 3


def test_whether_the_rate_grows() -> None:
    late, even = detect(series_of(spiking(4, 9800 - 20 * np.arange(15) ** 2))), np.linspace(0, 1, 30)

    assert late[0].rate_grows is True
    assert rate_grows(even) is None
    assert rate_grows(even**3) is False


def test_laplaces_test_has_its_size() -> None:
    rng = np.random.default_rng(72)
    decided = [rate_grows(rng.uniform(size=25)) is not None for _ in range(2000)]

    assert np.mean(decided) == pytest.approx(0.1, abs=0.02)


def critic(seed: int) -> FloatArray:
    """A target network replaced every 300 points, on a loss that goes to and fro between two levels."""
    rng, t = np.random.default_rng([5, seed]), np.arange(1800)
    values = 2e-4 * np.exp(0.4 * rng.normal(size=1800))
    values += np.where(rng.random(1800) < 0.5 * t / 1800, 0.15 * t / 1800, 0)
    noise = np.exp(0.05 * rng.normal(size=1800))
    return np.asarray(values + 0.85 * np.exp(-(t % 300) / 12) * noise * (1 - 0.2 * t / 1800))


def test_in_skewed_noise_leaps_as_tall_as_those_that_stand_apart_are_told_with_them() -> None:
    (spike,) = detect(series_of(critic(4)))

    assert {300, 600, 900, 1200, 1500} <= {member.start for member in spike.members}
    assert spike.count < 10


@pytest.mark.parametrize("seed", [0, 5, 6])
def test_what_goes_to_and_fro_between_two_levels_comes_to_lie_on_none(seed: int) -> None:
    assert Kind.LEVEL_SHIFT not in {spike.kind for spike in detect(series_of(critic(seed)))}


@pytest.mark.parametrize("slow", [200, 280])
@pytest.mark.parametrize("seed", range(2))
def test_bursts_that_follow_a_slow_climb_are_no_part_of_it(slow: int, seed: int) -> None:
    rng, t = np.random.default_rng([6, seed]), np.arange(1800)
    values = 35 * np.minimum(1, t / slow) * (1 + 0.05 * rng.normal(size=1800))
    values[300:] += 240 * np.exp(-(t[300:] % 300) / 20)

    (spike,) = detect(series_of(values))

    assert [member.start for member in spike.members] == [300, 600, 900, 1200, 1500]
