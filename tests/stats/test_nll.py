"""The algebra of a Gaussian negative log-likelihood, against samples and against itself."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikediag.stats import nll

DIMS = 7
positive = st.floats(1e-4, 1e2)


def test_the_floor_of_the_hand_written_post_mortem() -> None:
    """Loss -15 at an error of 0.1 is impossible for one sigma in up to 14 dimensions."""
    assert nll.isotropic_floor(0.1, 7) == pytest.approx(-4.94, abs=0.005)
    assert nll.certified_dimensions(-15.0, 0.1) == 14
    assert nll.certified_dimensions(10.0, 0.1) == 0


@given(mse=positive, sigma=positive)
def test_no_constant_sigma_is_below_the_floor(mse: float, sigma: float) -> None:
    loss = DIMS * (math.log(sigma) + nll.HALF_LOG_2PI) + mse / (2 * sigma**2)
    assert loss >= nll.isotropic_floor(mse, DIMS) - 1e-9 * abs(loss)


@given(mse=positive, sigma=st.floats(0.02, 20.0))
def test_effective_sigma_inverts_the_loss(mse: float, sigma: float) -> None:
    surprise = mse / (DIMS * sigma**2)
    loss = DIMS * (math.log(sigma) + nll.HALF_LOG_2PI) + mse / (2 * sigma**2)
    found = nll.effective_sigma(loss, mse, DIMS)
    if found is None or surprise > 500 or abs(surprise - 1) < 1e-4:
        return  # at the floor rounding decides whether a solution exists
    assert sigma == pytest.approx(found.narrow if surprise > 1 else found.wide, rel=1e-6)


def test_effective_sigma_after_the_jump() -> None:
    found = nll.effective_sigma(24.0, 0.1, 7)
    assert found.narrow == pytest.approx(0.0349, abs=5e-5)
    assert found.wide == pytest.approx(12.3, abs=0.05)
    assert found.error_in_sigmas == pytest.approx(3.4, abs=0.05)
    assert nll.effective_sigma(-15.0, 0.1, 7) is None


def test_amplification_bound() -> None:
    assert nll.amplification_bound(39.0, 0.01, 0.1) == pytest.approx(0.0376, abs=5e-5)
    assert nll.amplification_bound(39.0, 0.01) == np.inf


def test_the_amplification_bound_holds_where_one_dimension_rises_as_another_falls() -> None:
    small, large, error = 0.04, 1.0, 0.1088
    jump = error / (2 * small**2) - error / (2 * large**2)
    assert nll.amplification_bound(jump, 0.001, 0.109) >= small
    assert nll.error_rise_needed(39.0, 0.1, 7) == pytest.approx(1.114, abs=5e-4)


@pytest.mark.parametrize(("sigma", "dims", "loss"), [(5, 7, 17.7), (10, 7, 22.6), (10, 8, 25.8)])
def test_clip_plateau(sigma: float, dims: int, loss: float) -> None:
    assert nll.clip_plateau(sigma, dims) == pytest.approx(loss, abs=0.05)


def sampled(sigma_scale: float, error_scale: float, focus: float, seed: int) -> nll.Level:
    """A batch of 500 with sigmas that differ by sample and dimension."""
    rng = np.random.default_rng(seed)
    usual = 0.05 * np.exp(rng.normal(0, 1, (500, DIMS)))
    error = error_scale * rng.normal(0, 1, usual.shape) * usual ** (1 - focus) * 0.05**focus
    sigma = sigma_scale * usual
    loss = np.log(sigma) + nll.HALF_LOG_2PI + error**2 / (2 * sigma**2)
    return nll.Level(
        float(loss.sum(1).mean()), float(np.log(sigma).sum(1).mean()), float((error**2).sum(1).mean())
    )


@pytest.mark.parametrize(
    ("change", "driver"), [((0.4, 1, 0), "sigma"), ((1, 3, 0), "error"), ((1, 1, 0.6), "concentration")]
)
def test_the_part_that_was_changed_drives_the_jump_and_nothing_is_left_over(
    change: tuple[float, float, float], driver: str
) -> None:
    before, after = sampled(1, 1, 0, 0), sampled(*change, 0)
    split = nll.decompose(before, after, DIMS)
    assert split.total == pytest.approx(after.loss - before.loss, abs=1e-9)
    parts = {"sigma": split.sigma, "error": split.error, "concentration": split.concentration}
    assert max(parts, key=parts.get) == driver


def test_without_an_error_two_parts_still_sum_to_the_jump() -> None:
    before, after = (
        nll.Level(x.loss, x.log_sigma, None) for x in (sampled(1, 1, 0, 0), sampled(0.5, 1, 0, 0))
    )
    split = nll.decompose(before, after, DIMS)
    assert split.error is None
    assert split.total == pytest.approx(after.loss - before.loss, abs=1e-9)


def test_a_loss_that_is_not_this_formula_is_refused() -> None:
    level = nll.Level(-30.0, -10.0, 0.1)
    assert nll.decompose(level, nll.Level(5.0, -10.0, 0.1), DIMS) is None
