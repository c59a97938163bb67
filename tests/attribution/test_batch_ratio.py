"""batch-ratio."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import spikediag
from spikediag import attribution
from spikediag.attribution.causes.batch_ratio import BatchRatio
from spikediag.model import CauseVerdict, CouplingVerdict, LossKind, Role, Status
from spikediag.stats.sampling import FLAGGED_ABOVE
from tests.attribution import cases


def test_the_users_case_is_flagged_with_its_passes_and_its_range() -> None:
    judged = BatchRatio().judge(cases.seed_case())
    ratio = str(cases.evidence(judged, "ratio-above-half").reading)
    assert "Batch 256 of 418 samples is 61% (config.yaml: batch_size; config.yaml: dataset_size)" in ratio
    assert "above 50%" in ratio
    assert "12,249 times (256 x 20,000 / 418)" in str(cases.evidence(judged, "passes").reading)
    smaller = next(a for a in judged.advice if a.remedy == "smaller-batch")
    assert "42 to 83" in str(smaller.text)
    assert smaller.code == "batch_size = 64"
    assert judged.decisive
    assert not judged.ruled_out


def test_the_sampling_variance_story_is_tested_and_carries_no_weight() -> None:
    judged = BatchRatio().judge(cases.seed_case())
    for what in ("resampling-height", "resampling-persistence", "resampling-error", "resampling-size"):
        assert cases.evidence(judged, what).weight == 0
    assert "3 logged points" in str(cases.evidence(judged, "resampling-persistence").reading)


def test_a_loss_below_the_isotropic_floor_certifies_a_tiny_sigma() -> None:
    found = cases.evidence(BatchRatio().judge(cases.seed_case()), "isotropic-floor")
    assert found.weight > 0
    assert found.observed < found.reference


def test_a_safe_ratio_rules_it_out_and_gives_no_advice() -> None:
    judged = BatchRatio().judge(cases.calm_case())
    assert judged.ruled_out
    assert not judged.advice


def test_an_error_that_moved_speaks_against_it() -> None:
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse({cases.AT: 2.0}))
    judged = BatchRatio().judge(cases.make_case(run))
    assert cases.evidence(judged, "error-moved").weight < 0
    assert not judged.decisive


def test_a_run_that_collects_rewards_has_no_fixed_dataset() -> None:
    reward = cases.series("Train/mean_reward", Role.REWARD, cases.noise(1.0))
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), reward, facts={})
    judged = BatchRatio().judge(cases.make_case(run))
    assert cases.evidence(judged, "no-fixed-dataset").weight < 0


def test_an_unknown_batch_or_dataset_says_how_to_give_it() -> None:
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), facts={"batch_size": 256})
    judged = BatchRatio().judge(cases.make_case(run))
    assert not judged.checkable
    assert judged.missing[0].code == "spikediag analyze runs/bc --dataset-size N"


def test_accumulated_batches_are_one_batch_in_evidence_condition_and_remedy(tmp_path: Path) -> None:
    """64 samples at a time, four times before each update: 256 of 418, which is 61 %."""
    config = {"batch_size": 64, "gradient_accumulation_steps": 4, "dataset_size": 418}
    folder = cases.written(tmp_path / "run", cases.nll({cases.AT: 39}), cases.mse(), **config)
    diagnosis = spikediag.diagnose(folder)
    said = "Batch 256 of 418 samples is 61% (derived: "
    (verdict,) = (v for v in diagnosis.findings[0].verdicts if v.cause == "batch-ratio")
    assert any(str(e.reading).startswith(said) for e in verdict.evidence)
    (condition,) = (c for c in diagnosis.conditions if c.condition == "batch-ratio")
    assert str(condition.reading).startswith(said)
    assert condition.value == 256 / 418 > FLAGGED_ABOVE
    (smaller,) = (a for a in verdict.advice if str(a.text).startswith("Use a batch of"))
    assert "instead of 256" in str(smaller.text)
    assert smaller.code == "batch_size = 16  # of 4 parts"


@cache
def of(batch: int, dataset: int) -> CauseVerdict:
    """The verdict on identical curves, whose error stays while the loss leaps."""
    facts = {"batch_size": batch, "dataset_size": dataset, "action_dim": 7}
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), facts=facts)
    verdicts = attribution.explain(cases.make_case(run)).verdicts
    return next(v for v in verdicts if v.cause == "batch-ratio")


def test_no_sample_more_or_less_makes_a_cliff() -> None:
    sizes = [256, 418, 511, 512, 600, 800, 1200]
    for size in sizes:
        assert abs(of(256, size).share - of(256, size + 1).share) < 0.02
    falling = [of(256, size).share for size in sizes]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > 0.8
    assert falling[-1] < 0.1


def test_half_is_a_label_at_which_no_weight_jumps() -> None:
    above, below = of(256, 511), of(256, 512)
    weights = [
        next(e.weight for e in verdict.evidence if e.what.startswith("ratio-")) for verdict in (above, below)
    ]
    assert abs(weights[0] - weights[1]) < 0.02
    assert any(str(e.reading).endswith("above 50%: flagged.") for e in above.evidence)
    assert Status.RULED_OUT not in {above.status, below.status}


def test_a_batch_much_larger_than_the_dataset_is_a_doubtful_number_not_a_cause() -> None:
    found = of(256, 53)
    assert found.status is Status.NOT_CHECKABLE
    assert found.share < 0.2
    assert "larger than the dataset" in str(found.evidence[0].reading) + str(found.evidence[1].reading)


@pytest.mark.parametrize(
    ("tag", "beside"),
    [
        ("train/diffusion_loss", None),
        ("critic/critic_loss", "episode/reward"),
        ("losses/policy_loss", "charts/episodic_return"),
        ("train/loss", "train/accuracy"),
        ("train/loss", "val/mse"),
    ],
)
def test_it_does_not_apply_to_a_loss_that_is_no_likelihood(tag: str, beside: str | None) -> None:
    values = 0.5 + cases.noise(0.03)
    values[cases.AT : cases.AT + 6] += 4
    arrays = {tag: (cases.STEPS, values)}
    if beside is not None:
        arrays[beside] = (cases.STEPS, 0.7 + cases.noise(0.01, 5))
    run = spikediag.Run.from_arrays(arrays, batch_size=256, dataset_size=418, action_dim=7)
    finding = spikediag.diagnose(run).findings[0]
    verdicts = [v for v in finding.verdicts if v.cause == "batch-ratio"]
    assert all(v.status is Status.NOT_CHECKABLE and v.mechanism is None for v in verdicts)
    assert finding.primary_cause != "batch-ratio"
    kind = run.loss_kind(run.series[tag])
    assert bool(verdicts) == (kind is LossKind.UNKNOWN)


def test_data_collected_on_the_way_are_no_fixed_dataset_but_evaluations_may_be_logged() -> None:
    for tag, fixed in (("Train/mean_reward", False), ("eval/mean_reward", True)):
        reward = cases.series(tag, Role.REWARD, cases.noise(1.0))
        run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), reward)
        assert BatchRatio().judge(cases.make_case(run)).ruled_out is not fixed


@pytest.mark.parametrize("passes", [50, 150, 186, 500, 990])
def test_few_passes_are_never_said_to_have_memorised(passes: int) -> None:
    position = round(passes * 418 / 256)
    steps = np.arange(2 * position)
    values, error = -15 + cases.noise(0.8, 6, len(steps)), 0.1 + cases.noise(0.005, 7, len(steps))
    values[position : position + 6] += 39
    run = spikediag.Run.from_arrays(
        {"bc/actor_loss": (steps, values), "bc/mse": (steps, error)},
        batch_size=256,
        dataset_size=418,
        action_dim=7,
    )
    finding = spikediag.diagnose(run).findings[0]
    verdict = next(v for v in finding.verdicts if v.cause == "batch-ratio")
    readings = [str(e.reading) for e in verdict.evidence]
    assert "few for memorising" in "".join(readings)
    assert "memorise" not in str(verdict.mechanism)
    assert "memorised" not in "".join(readings)
    assert verdict.share < 0.84 * max(np.log10(passes / 100), 0) + 0.01


def test_samples_drawn_by_weight_are_not_said_to_be_alike() -> None:
    facts = {**cases.SEED_FACTS, "sampling": "weighted"}
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), facts=facts)
    reading = str(cases.evidence(BatchRatio().judge(cases.make_case(run)), "passes").reading)
    assert "not drawn evenly" in reading
    assert "alike" not in reading


def test_an_error_that_nearly_doubled_speaks_against_it() -> None:
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse({cases.AT: 0.09}))
    case = cases.make_case(run)
    assert case.coupling.verdict is CouplingVerdict.PARTLY
    assert cases.evidence(BatchRatio().judge(case), "error-partly").weight < -0.5
