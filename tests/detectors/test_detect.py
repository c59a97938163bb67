"""Laws of the whole engine: what must hold whatever the kind."""

import numpy as np
import pytest

from spikediag.detectors import detect
from spikediag.model import FloatArray, Kind, Role, Series


def loss(values: FloatArray, tag: str = "bc/actor_loss") -> Series:
    n = len(values)
    return Series(tag, Role.LOSS, np.arange(n) * 10, values, np.arange(n))


@pytest.mark.parametrize("seed", range(20))
def test_the_reference_jump_is_found_and_measured(seed: int) -> None:
    values = -15 + 0.8 * np.random.default_rng(seed).normal(size=2000)
    values[1500:1506] += 39

    (spike,) = detect(loss(values))

    assert spike.kind is Kind.TRANSIENT
    assert (spike.start, spike.stop) == (1500, 1506)
    assert spike.onset_step == 15_000
    assert spike.end_step == 15_060
    assert spike.baseline == pytest.approx(-15, abs=0.6)
    assert spike.height == pytest.approx(39, abs=4)
    assert spike.noise == pytest.approx(0.8, rel=0.3)
    assert spike.sigmas == pytest.approx(spike.height / spike.noise)
    assert spike.expected_by_chance < 0.05


@pytest.mark.parametrize("seed", range(10))
def test_noise_is_silent(seed: int) -> None:
    assert detect(loss(np.random.default_rng(seed).normal(size=5000))) == ()


@pytest.mark.parametrize("seed", [4, 7])
def test_a_small_burst_on_the_way_of_a_divergence_is_part_of_it(seed: int) -> None:
    rng = np.random.default_rng([12, seed])
    values = 1e-4 * np.exp(0.2 * rng.normal(size=150))
    values[116:120] += [4e-3, 1.5e-3, 4e-4, 1e-4]
    values[124:128] += [2.5e-3, 1.8e-2, 6e-3, 5e-4]
    values[132:] = np.geomspace(3e-2, 1, 18) * np.exp(0.5 * rng.normal(size=18))

    (spike,) = detect(loss(values))
    assert spike.kind is Kind.DIVERGENCE
    assert spike.start == 116
