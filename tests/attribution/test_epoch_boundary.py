"""epoch-boundary."""

from pathlib import Path

import numpy as np
import pytest

import spikediag
from spikediag import attribution
from spikediag.attribution import Case
from spikediag.attribution.causes.epoch_boundary import EpochBoundary
from spikediag.attribution.causes.hard_batch import HardBatch
from spikediag.attribution.periods import phase
from spikediag.model import Diagnosis, Run, RunStatus, Status
from tests.attribution import cases
from tests.conftest import some_of


def case_with(positions: list[int], facts: dict[str, int]) -> Case:
    run = cases.make_run(cases.nll(dict.fromkeys(positions, 20.0)), cases.mse(), facts=facts)
    return cases.make_case(run, cases.train_at(run, positions))


def test_peaks_at_the_end_of_every_epoch_are_supported() -> None:
    """1,300 samples in batches of 100: epochs of 13 steps, of which every 130th step is logged at its end."""
    positions = list(range(260, 1900, 130))
    judged = EpochBoundary().judge(case_with(positions, {"batch_size": 100, "dataset_size": 1300}))
    assert judged.decisive
    assert "13 steps (epoch)" in str(judged.mechanism)


def test_another_exact_period_is_found_without_being_stated() -> None:
    judged = EpochBoundary().judge(case_with(list(range(300, 1900, 100)), {}))
    assert judged.decisive
    assert judged.evidence[0].weight > 1


@pytest.mark.parametrize("seeds", some_of(6, slow=(20,)))
def test_peaks_at_random_steps_follow_no_period(seeds: int) -> None:
    ruled_out = 0
    for seed in range(seeds):
        positions = sorted(
            np.random.default_rng(seed).choice(np.arange(300, 1900), 15, replace=False).tolist()
        )
        ruled_out += EpochBoundary().judge(case_with(positions, cases.SEED_FACTS)).ruled_out
    assert ruled_out == seeds


SHORT = {"batch_size": 100, "dataset_size": 4202}  # 43 updates a pass, the last one of 2 samples
ON_IT = [p for p in range(300, 1900) if p * 10 % 43 == 42]  # positions that are logged on it


def coupled(positions: list[int], facts: dict[str, object]) -> Case:
    loss, error = cases.nll(dict.fromkeys(positions, 20.0)), cases.mse(dict.fromkeys(positions, 1.0))
    run = cases.make_run(loss, error, facts=facts)
    return cases.make_case(run, cases.train_at(run, positions))


def test_two_peaks_on_a_last_batch_of_two_samples_are_supported_and_no_hard_batch() -> None:
    explained = attribution.explain(coupled(ON_IT[3:20:8], {**cases.CALM_FACTS, **SHORT}))
    assert explained.primary_cause == "epoch-boundary"
    found = next(v for v in explained.verdicts if v.cause == "epoch-boundary")
    assert "varies 7.1 times as much" in str(found.mechanism)
    hard = next(v for v in explained.verdicts if v.cause == "hard-batch")
    assert hard.status is not Status.SUPPORTED


def test_one_peak_on_it_is_neither_established_nor_a_hard_batch() -> None:
    case = coupled([ON_IT[5]], {**cases.CALM_FACTS, **SHORT})
    assert attribution.explain(case).primary_cause == "unexplained"


@pytest.mark.parametrize(
    ("position", "facts"),
    [
        (ON_IT[5] + 1, SHORT),
        (ON_IT[5], {**SHORT, "dataset_size": 4260}),
        (ON_IT[5], {**SHORT, "sampling": "replacement"}),
    ],
)
def test_beside_it_or_where_it_is_not_short_or_there_are_no_passes_it_is_a_hard_batch(
    position: int, facts: dict[str, object]
) -> None:
    explained = attribution.explain(coupled([position], {**cases.CALM_FACTS, **facts}))
    assert explained.primary_cause == "hard-batch"


def test_one_jump_is_too_few() -> None:
    judged = EpochBoundary().judge(cases.seed_case())
    assert not judged.checkable


def test_the_chance_of_a_phase_is_binomial() -> None:
    steps = np.arange(0, 10_000)
    found = phase(np.array([7, 17, 27, 37, 42]), steps, 10.0, "epoch")
    assert (found.hits, found.peaks) == (4, 5)
    exact = 5 * 0.1**4 * 0.9 + 0.1**5
    assert found.chance == pytest.approx(10 * exact)


def test_hard_batches_at_one_phase_are_no_bad_luck() -> None:
    judged = HardBatch().judge(
        case_with(list(range(260, 1900, 130)), {"batch_size": 100, "dataset_size": 1300})
    )
    assert cases.evidence(judged, "periodic").weight < 0
    assert not judged.decisive


@pytest.mark.parametrize(
    "key", ["target_update_interval", "target_update_period", "target_network_frequency", "eval_interval"]
)
def test_a_period_that_is_stated_beside_the_run_is_named(tmp_path: Path, key: str) -> None:
    peaks = range(260, 1900, 130)
    loss, error = cases.nll(dict.fromkeys(peaks, 20.0)), cases.mse(dict.fromkeys(peaks, 1.0))
    folder = cases.written(tmp_path / "run", loss, error, **{key: 1300})
    run = spikediag.read_run(folder)
    likeliest = attribution.explain(cases.make_case(run, cases.train_at(run, peaks))).verdicts[0]
    assert likeliest.cause == "epoch-boundary"
    assert f"1300 steps ({key})" in str(likeliest.evidence[0].reading)


def stairs(
    seed: int, length: int, passes: int, rises: float = 0.1, rate: float | None = None, **counters: bool
) -> Diagnosis:
    """A fine-tuning whose loss steps down at every pass; its held-out loss steps up by `rises`."""
    rng, every = np.random.default_rng(seed), 10
    steps = np.arange(1, length * passes // every + 1) * every
    done = (steps - 1) // length
    loss = 1.2 + 0.5 * np.exp(-steps / 400) - 0.3 * done + rng.normal(0, 0.04, len(steps))
    evaluated = steps[19::20]
    held_out = 1.25 + 0.5 * np.exp(-evaluated / 400) + rises * ((evaluated - 1) // length)
    curves = {
        "train/loss": (steps, loss),
        "eval/loss": (evaluated, held_out + rng.normal(0, 0.003, len(evaluated))),
    }
    if counters.get("fractional"):
        curves["train/epoch"] = (steps, steps / length)
    if counters.get("whole"):
        curves["train/epoch"] = (steps, done.astype(float))
    if rate is not None:
        curves["train/lr"] = (steps, 1e-4 * rate**done)
    return spikediag.diagnose(Run.from_arrays(curves))


@pytest.mark.parametrize(
    ("seed", "length", "passes", "counter"),
    [(0, 4000, 2, "fractional"), (1, 3000, 3, "fractional"), (2, 2500, 3, "whole"), (3, 3000, 3, "none")],
)
def test_a_loss_that_steps_down_at_every_pass_sees_its_samples_again(
    seed: int, length: int, passes: int, counter: str
) -> None:
    found = stairs(seed, length, passes, rate=1.0, **{counter: True})
    assert found.overall.status is RunStatus.CLEAN
    falls = [f for f in found.findings if f.spike.is_fall]
    assert len(falls) == passes - 1
    assert {f.primary_cause for f in falls} == {"epoch-boundary"}
    assert all("samples are seen again" in str(f.primary.mechanism) for f in falls)
    assert any("over-fits" in str(f.primary.mechanism) for f in falls)
    advised = [str(f.primary.advice[0].text) for f in falls if "over-fits" in str(f.primary.mechanism)]
    assert all("take the checkpoint" in text for text in advised)
    assert f"Train {passes - 1} pass(es)" in advised[-1]


def test_a_rate_that_is_lowered_at_whole_epochs_explains_the_steps_as_well() -> None:
    found = stairs(7, 3000, 3, rate=0.1, fractional=True)
    falls = [f for f in found.findings if f.spike.is_fall]
    assert falls
    assert {f.primary_cause for f in falls} == {"lr-change"}
    assert all("settle lower" in str(f.primary.mechanism) and not f.primary.advice for f in falls)
    judged = next(v for v in falls[0].verdicts if v.cause == "epoch-boundary")
    assert "a loss falls by that too" in str(judged.evidence[0].reading) + str(judged.evidence[1].reading)


def test_equal_distances_alone_are_not_established() -> None:
    falls = [f for f in stairs(3, 3000, 3).findings if f.spike.is_fall]
    judged = next(v for v in falls[0].verdicts if v.cause == "epoch-boundary")
    assert judged.status is Status.PLAUSIBLE


def test_a_held_out_loss_that_stays_is_no_over_fitting() -> None:
    (fall,) = stairs(4, 4000, 2, rises=0.0, fractional=True).findings
    assert "over-fits" not in str(fall.primary.mechanism)
    assert "Nothing to mend" in str(fall.primary.advice[0].text)


def test_a_fall_between_two_passes_is_none_of_their_steps() -> None:
    rng, steps = np.random.default_rng(5), np.arange(1, 801) * 10
    loss = np.where(steps > 5500, 0.8, 1.2) + rng.normal(0, 0.04, 800)
    found = spikediag.diagnose(
        Run.from_arrays({"train/loss": (steps, loss), "train/epoch": (steps, steps / 4000)})
    )
    judged = next(v for v in found.findings[0].verdicts if v.cause == "epoch-boundary")
    assert judged.status is Status.RULED_OUT
