import numpy as np
import pytest

import spikediag
from spikediag.model import Role, Run
from spikediag.outcome.past_best import past_best
from tests.conftest import some_of


def over_fitting(points: int = 82) -> np.ndarray:
    climb = np.linspace(3.9, 9.7, points) + np.random.default_rng(0).normal(0, 0.1, points)
    return np.concatenate([np.linspace(4.6, 4.0, 6), climb])


def run_of(tag: str, values: np.ndarray, role: Role) -> Run:
    return Run.from_arrays({"train/loss": np.geomspace(3, 0.1, len(values)), tag: values}, roles={tag: role})


def test_a_held_out_loss_that_climbs_since_its_first_epochs_is_past_its_best() -> None:
    (found,) = past_best(run_of("val/loss", over_fitting(), Role.LOSS))
    assert found.tag == "val/loss"
    assert (found.best, found.end) == pytest.approx((4.2, 9.6), abs=0.3)
    assert found.last_step < 12


def test_a_reward_that_collapses_is_past_its_best_and_one_that_grows_is_not() -> None:
    course = np.r_[np.linspace(0, 300, 200), np.linspace(300, 50, 200)]
    reward = course + np.random.default_rng(1).normal(0, 5, 400)
    assert [p.tag for p in past_best(run_of("reward", reward, Role.REWARD))] == ["reward"]
    assert not past_best(run_of("reward", np.sort(reward), Role.REWARD))


def test_the_training_loss_is_left_to_the_detectors() -> None:
    run = Run.from_arrays({"train/loss": over_fitting()}, roles={"train/loss": Role.LOSS})
    assert not past_best(run)


@pytest.mark.parametrize("points", some_of(10, 50, slow=(24, 300, 2000)))
def test_what_only_scatters_is_seldom_past_its_best(points: int) -> None:
    rng = np.random.default_rng(points)
    seen = sum(bool(past_best(run_of("mse", rng.standard_t(5, points), Role.COMPANION))) for _ in range(100))
    assert seen <= 3


def test_neither_sign_nor_scale_of_a_loss_changes_the_answer() -> None:
    values = over_fitting()
    (found,) = past_best(run_of("val/loss", 1e-3 * values - 7, Role.LOSS))
    (plain,) = past_best(run_of("val/loss", values, Role.LOSS))
    assert (found.first_step, found.last_step) == (plain.first_step, plain.last_step)


def test_a_calm_run_that_over_fits_is_not_told_to_have_converged() -> None:
    diagnosis = spikediag.diagnose(run_of("val/loss", over_fitting(), Role.LOSS))
    assert "val/loss ends worse than it was" in str(diagnosis.overall.summary)
    page = diagnosis.to_markdown()
    assert "No jump, but past its best." in page
    assert "A checkpoint from there is better" in page
    (past,) = diagnosis.to_dict()["verdict"]["past_best"]
    assert (past["tag"], past["role"]) == ("val/loss", "loss")
