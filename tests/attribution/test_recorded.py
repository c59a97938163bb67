"""What a flight record decides: which dimension, which samples, batch or weights, gradient first or not."""

import numpy as np
import pytest

from spikediag.attribution import explain
from spikediag.attribution.causes.degenerate_dimension import DegenerateDimension
from spikediag.attribution.causes.grad_explosion import GradExplosion
from spikediag.attribution.causes.hard_batch import HardBatch
from spikediag.attribution.recorded import Blame
from spikediag.model import FlightRecord, Run, Status
from tests.attribution import cases

PEAK = 15_010  # of `cases.seed_case`; its onset is logged at 15,000
FIRST, LAST = 14_900, 15_040
SAMPLES, DIMS = 20, 4


def record(
    *,
    dims: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0),
    samples: tuple[int, ...] = tuple(range(SAMPLES)),
    probe: float | None = 1.0,
    gradient: int | None = 0,
    height: float = 39.0,
    log_std: tuple[float, ...] = (),
    names: tuple[str, ...] = (),
    steps: range = range(FIRST, LAST),
) -> FlightRecord:
    """A climb of five updates up to the peak.

    Args:
        dims: The share of each dimension.
        samples: Places in the batch that carry the rise, evenly.
        probe: The part of it that the samples see which never change; None where none were probed.
        gradient: By how many updates its leap comes before the loss; None where it stays.
    """
    rng = np.random.default_rng(0)
    at = np.array(steps)
    climb = height * np.clip(1 - np.abs(at - PEAK) / 5, 0, 1)
    carried = np.isin(np.arange(SAMPLES), samples) * SAMPLES / max(len(samples), 1)
    sample_nll = -15 + rng.normal(size=(len(at), SAMPLES)) + climb[:, None] * carried
    leap = np.clip(1 - np.abs(at + (gradient or 0) - PEAK) / 5, 0, 1) * (gradient is not None)
    scalars = {"grad_norm": 500 * np.exp(0.1 * rng.normal(size=len(at)) + 3 * leap)}
    if probe is not None:
        scalars["probe_loss"] = -15.5 + 0.2 * rng.normal(size=len(at)) + probe * climb
    noise = 0.1 * rng.normal(size=(len(at), DIMS))
    return FlightRecord(
        "spikediag-record-15010.npz",
        15_000,
        PEAK,
        at,
        -4 + noise + climb[:, None] * np.array(dims),
        np.tile(np.array(log_std), (len(at), 1)),
        sample_nll,
        np.tile(np.arange(100, 100 + SAMPLES), (len(at), 1)),
        scalars,
        names,
    )


def case_of(*records: FlightRecord, error: np.ndarray | None = None, **more):
    """The user's own jump, of a run with records and, as a rule, without an error metric."""
    loss = cases.nll({cases.AT: 22, cases.AT + 1: 39, cases.AT + 2: 23})
    run: Run = cases.make_run(loss, error, flight_records=records, facts=cases.CALM_FACTS, **more)
    return cases.make_case(run, cases.spike_at(run, cases.AT, cases.AT + 3))


def status(case, cause: str) -> Status:
    return next(v.status for v in explain(case).verdicts if v.cause == cause)


def test_without_a_record_nothing_was_seen() -> None:
    assert case_of().recorded is None
    assert explain(case_of()).recorded == ()


def test_the_dimension_that_carries_the_jump_is_named_with_its_share() -> None:
    case = case_of(record(dims=(0.01, 0, 0, 0.99), names=("x", "y", "z", "gripper")))
    said = explain(case)
    assert case.recorded.step == PEAK
    assert case.recorded.dimension.share == pytest.approx(0.99, abs=0.01)
    assert "action dimension 3 (gripper) carried 98.9%" in str(said.recorded[0])
    assert status(case, "degenerate-dimension") is Status.SUPPORTED
    assert said.primary_cause == "degenerate-dimension"


def test_a_dimension_without_a_name_has_its_number() -> None:
    assert "action dimension 3 carried" in str(
        case_of(record()).recorded.of_dimension(case_of(record()).recorded.dimension)
    )


def test_the_configuration_names_a_dimension_that_the_record_does_not() -> None:
    seen = case_of(record(), action_names=("x", "y", "z", "gripper")).recorded
    assert str(seen.name(3)) == "action dimension 3 (gripper)"


def test_a_jump_that_all_dimensions_share_rules_the_degenerate_one_out() -> None:
    case = case_of(record(dims=(0.25, 0.25, 0.25, 0.25)))
    assert status(case, "degenerate-dimension") is Status.RULED_OUT


def test_a_recorded_sigma_far_below_the_others_is_said_of_that_dimension() -> None:
    case = case_of(record(log_std=(-1.0, -1.2, -0.9, -6.0), names=("x", "y", "z", "gripper")))
    judged = DegenerateDimension().judge(case)
    gap = cases.evidence(judged, "sigma-gap")
    assert gap.observed == pytest.approx(5.0)
    assert "the sigma of action dimension 3 (gripper) was" in str(gap.reading)
    assert "its sigma had shrunk" in str(judged.mechanism)


def test_samples_that_never_change_and_rise_too_blame_the_weights() -> None:
    case = case_of(record(probe=0.9))
    assert case.recorded.probe.blame is Blame.WEIGHTS
    assert "it was the weights, not the batch" in str(explain(case).recorded[1])
    assert status(case, "hard-batch") is Status.RULED_OUT
    assert status(case, "grad-explosion") is Status.SUPPORTED


def test_samples_that_never_change_and_stay_blame_the_batch_and_name_the_samples() -> None:
    case = case_of(record(probe=0.0, samples=(3, 7)))
    assert case.recorded.probe.blame is Blame.BATCH
    assert set(case.recorded.samples.indices) <= {103, 107}
    assert status(case, "hard-batch") is Status.SUPPORTED
    assert status(case, "grad-explosion") is Status.RULED_OUT
    assert "samples 10" in str(HardBatch().judge(case).advice[0].text)


def test_what_lies_between_is_left_open() -> None:
    case = case_of(record(probe=0.3))
    assert case.recorded.probe.blame is Blame.OPEN
    assert status(case, "hard-batch") is Status.NOT_CHECKABLE
    assert not any(e.what == "probe" for e in GradExplosion().judge(case).evidence)


def test_a_hard_batch_is_shown_although_an_error_is_logged_that_stayed() -> None:
    """The likelihood of a sample may be terrible where its error is small."""
    case = case_of(record(probe=0.0, samples=(3,)), error=cases.mse())
    assert status(case, "hard-batch") is Status.SUPPORTED


def test_a_rise_in_all_samples_speaks_against_a_few_hard_ones() -> None:
    few = cases.evidence(
        HardBatch().judge(case_of(record(probe=0.3, samples=(3,)), error=cases.mse())), "samples"
    )
    many = cases.evidence(HardBatch().judge(case_of(record(probe=0.3), error=cases.mse())), "samples")
    assert few.weight > 0 > many.weight
    assert few.observed == 1
    assert many.observed >= 9


def test_samples_are_compared_with_their_own_past() -> None:
    """One that always was the hardest is not to blame."""
    one = record(samples=(3,))
    one.sample_nll[:, 5] += 60
    assert case_of(one).recorded.samples.indices == (103,)


@pytest.mark.parametrize(("lead", "first"), [(6, True), (0, False)])
def test_the_order_of_gradient_and_loss_is_told_by_the_update(lead: int, first: bool) -> None:
    case = case_of(record(gradient=lead, probe=None))
    assert case.gradient.leapt
    assert case.gradient.leapt_first is first
    judged = GradExplosion().judge(case)
    assert judged.checkable
    assert judged.decisive is first


def test_a_recorded_gradient_that_stays_rules_an_explosion_out() -> None:
    case = case_of(record(gradient=None, probe=None))
    assert "stayed in its usual range" in str(explain(case).recorded[-1])
    assert status(case, "grad-explosion") is Status.RULED_OUT


def test_a_recorded_gradient_that_leaps_after_the_peak_is_the_consequence() -> None:
    late = record(gradient=-12, probe=None)
    case = case_of(late)
    assert not GradExplosion().judge(case).decisive
    assert status(case, "grad-explosion") in {Status.RULED_OUT, Status.PLAUSIBLE}


@pytest.mark.parametrize(
    "one",
    [
        record(height=0.0),
        record(steps=range(10_000, 10_100)),
        record(steps=range(PEAK - 3, PEAK + 30)),
        record(steps=range(PEAK + 30, PEAK + 100)),
    ],
    ids=["calm", "of another incident", "begun too late", "after it"],
)
def test_a_record_that_does_not_show_the_jump_says_nothing(one: FlightRecord) -> None:
    assert case_of(one).recorded is None


def test_of_several_records_the_one_that_shows_the_jump_is_read() -> None:
    case = case_of(record(height=0.0), record(names=("a", "b", "c", "d")), record(steps=range(300)))
    assert case.recorded.record.dimensions == ("a", "b", "c", "d")


def test_gaps_in_a_record_leave_the_rest_of_it_readable() -> None:
    one = record()
    one.sample_nll[::3] = np.nan
    one.sample_nll[PEAK - FIRST] = np.nan
    one.dimension_nll[PEAK - FIRST - 1, 2] = np.nan
    one.scalars["probe_loss"][5:] = np.nan
    case = case_of(one)
    assert case.recorded.step != PEAK
    assert case.recorded.probe is None
    assert explain(case).recorded


def test_a_probe_of_every_fifth_update_is_held_against_its_own_update() -> None:
    one = record(probe=1.0)
    seen = (one.steps % 5) == 3  # not at the peak, 15,008 is the last before it
    one.scalars["probe_loss"][~seen] = np.nan
    probe = case_of(one).recorded.probe
    assert probe.step == 15_008
    assert probe.share == pytest.approx(1.0, abs=0.2)


def test_a_record_says_nothing_of_a_fall() -> None:
    run = cases.make_run(cases.nll({cases.AT: -39}), None, flight_records=(record(),))
    case = cases.make_case(run, cases.spike_at(run))
    assert case.spike.is_fall
    assert case.recorded is None
