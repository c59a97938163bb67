"""batch-ratio."""

from pathlib import Path

import spikediag
from spikediag.attribution.causes.batch_ratio import BatchRatio
from spikediag.model import Role
from spikediag.stats.sampling import FLAGGED_ABOVE
from tests.attribution import cases


def test_the_users_case_is_flagged_with_its_passes_and_its_range() -> None:
    judged = BatchRatio().judge(cases.seed_case())
    ratio = str(cases.evidence(judged, "ratio-above-half").reading)
    assert "Batch 256 of 418 samples is 61% (config.yaml: batch_size; config.yaml: dataset_size)" in ratio
    assert "above 50%" in ratio
    assert "12,249 times (256 x 20,000 / 418)" in str(cases.evidence(judged, "passes").reading)
    first = judged.advice[0]
    assert "42 to 83" in str(first.text)
    assert first.code == "batch_size = 64"
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
