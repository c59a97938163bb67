"""Coupling: did the error metric move too?"""

from dataclasses import replace
from itertools import accumulate

import numpy as np
import pytest

from spikediag.coupling import couple
from spikediag.detectors import detect
from spikediag.model import Coupling, CouplingVerdict, Kind, Measure, Reduction, Role, Run, Series
from tests.attribution import cases

AT = cases.AT
LEAP = {AT: 20.0, AT + 1: 39.0, AT + 2: 12.0}


def leaping(error: np.ndarray | None, *others: Series, facts: dict[str, int] = cases.SEED_FACTS) -> Run:
    return cases.make_run(cases.nll(LEAP), error, *others, facts=facts)


def companion(tag: str, values: np.ndarray, steps: np.ndarray = cases.STEPS, **more) -> Series:
    more.setdefault("measure", Measure.SQUARED_ERROR)
    return cases.series(tag, Role.COMPANION, values, steps, **more)


def verdict(run: Run, stop: int = AT + 3, kind: Kind = Kind.TRANSIENT) -> CouplingVerdict:
    return couple(cases.spike_at(run, AT, stop, kind), run).verdict


def decide(run: Run, stop: int = AT + 3, kind: Kind = Kind.TRANSIENT) -> Coupling:
    return couple(cases.spike_at(run, AT, stop, kind), run)


def raised(factor: float, at: range = range(AT, AT + 3), seed: int = 2, noise: float = 0.004) -> np.ndarray:
    values = 0.1 + cases.noise(noise, seed)
    values[at.start : at.stop] += 0.1 * (factor - 1)
    return values


def test_a_flat_error_is_decoupled_within_a_fifth_of_its_level() -> None:
    found = decide(leaping(cases.mse()))
    assert found.verdict is CouplingVerdict.DECOUPLED
    test = found.tests[0]
    assert test.low < test.change < test.high < test.margin == pytest.approx(0.21 * test.before)
    assert test.p_equivalent < 0.05
    assert "10 % of the error in its own unit" in str(test.margin_reason)
    assert "did not move" in str(found.reading)


@pytest.mark.parametrize("factor", [1.25, 1.5, 1.91])
def test_an_error_that_rose_by_far_less_than_the_jump_needs_moved_in_part(factor: float) -> None:
    found = decide(leaping(raised(factor)))
    assert found.verdict is CouplingVerdict.PARTLY
    assert found.tests[0].needed == pytest.approx(0.1 * 2 * 29.5 / 7, rel=0.1)
    assert "of what error alone would need" in str(found.reading)
    assert "for a jump of 29.8 at a sigma that is right on average" in str(found.reading)
    assert "did not move" not in str(found.reading)


def test_a_fall_is_no_rise_and_is_not_called_unmoved() -> None:
    found = decide(leaping(raised(0.2)))
    assert found.verdict is CouplingVerdict.DECOUPLED
    assert "got better" in str(found.reading)
    assert "did not move" not in str(found.reading)


@pytest.mark.parametrize("factor", [0.85, 0.9])
def test_a_fall_inside_the_margin_is_none(factor: float) -> None:
    found = decide(leaping(raised(factor)))
    assert found.verdict is CouplingVerdict.DECOUPLED
    assert found.tests[0].high < 0
    assert not found.improved
    assert "did not move" in str(found.reading)


def test_an_error_that_may_be_better_beyond_the_margin_is_said_not_to_have_risen() -> None:
    found = decide(leaping(raised(0.87, noise=0.01, seed=6)))
    assert found.verdict is CouplingVerdict.DECOUPLED
    test = found.tests[0]
    assert test.low < -test.margin < test.change < test.high < test.margin
    assert found.may_be_better
    assert "did not get worse" in str(found.reading)
    assert f"by more than the margin of {test.margin:.3g} is ruled out, better is not" in str(found.reading)


@pytest.mark.parametrize(("rise", "said"), [(0.018, "did not get worse:"), (0.03, "it got better")])
def test_an_accuracy_that_rose_got_better_or_may_have(rise: float, said: str) -> None:
    accuracy = 0.9 + cases.noise(0.004, 3)
    accuracy[AT : AT + 3] += rise
    found = decide(leaping(None, companion("bc/accuracy", accuracy, measure=Measure.ACCURACY)))
    assert found.verdict is CouplingVerdict.DECOUPLED
    assert said in str(found.reading)
    assert found.improved is (said == "it got better")
    assert found.may_be_better is not found.improved


@pytest.mark.parametrize("late", [-5, -3, -1, 1, 3, 5])
def test_an_error_logged_a_few_points_beside_the_jump_is_not_called_unmoved(late: int) -> None:
    run = cases.make_run(cases.nll({AT: 39}), raised(3, range(AT + late, AT + late + 1)))
    found = decide(run, AT + 1)
    assert found.verdict is CouplingVerdict.UNDECIDED
    assert found.tests[0].strayed_at == (AT + late) * 10


@pytest.mark.parametrize("decay", [0.9, 0.99, 0.999])
def test_a_smoother_cannot_answer_and_says_why(decay: float) -> None:
    rough = np.concatenate((0.1 + cases.noise(0.02, 7, 4000), raised(3, noise=0.02)))
    fresh = (1 - decay) * (rough - 0.1)
    smooth = np.array(list(accumulate(fresh, lambda last, new: decay * last + new)))[4000:] + 0.1
    found = decide(leaping(smooth))
    assert found.verdict is CouplingVerdict.UNDECIDED
    assert "smoother than the jump is long" in str(found.tests[0].blind)


def test_an_average_by_its_name_cannot_answer() -> None:
    found = decide(leaping(None, companion("ema/mse", cases.mse())))
    assert found.verdict is CouplingVerdict.UNDECIDED
    assert "average over earlier weights" in str(found.reading)


def test_a_smoother_that_leaps_all_the_same_moved() -> None:
    assert decide(leaping(None, companion("ema/mse", raised(12.0)))).verdict is CouplingVerdict.COUPLED


def test_a_held_out_loss_answers_for_a_loss_that_is_trained_on_and_is_named() -> None:
    flat = cases.series("eval/loss", Role.LOSS, cases.nll())
    leapt = cases.series("eval/loss", Role.LOSS, cases.nll(LEAP))
    for series, expected in ((flat, CouplingVerdict.DECOUPLED), (leapt, CouplingVerdict.COUPLED)):
        found = decide(leaping(None, series))
        assert found.verdict is expected
        assert found.tests[0].held_out
        assert "On held-out data" in str(found.reading)


@pytest.mark.parametrize(
    ("rise", "expected"), [(0.0, CouplingVerdict.DECOUPLED), (9.0, CouplingVerdict.COUPLED)]
)
def test_a_few_evaluations_answer_for_a_level_that_stays_up(rise: float, expected: CouplingVerdict) -> None:
    """As when the logged loss is a sum instead of a mean from a resume on."""
    loss = 1 + cases.noise(0.05, 1)
    loss[AT:] += 9
    places = np.arange(0, 2000, 100)
    values = 1.2 + 0.3 * np.exp(-places / 300) + cases.noise(0.01, 4, 20) + rise * (places >= AT)
    evaluated = cases.series("eval/loss", Role.LOSS, values, cases.STEPS[places])
    train = cases.series("bc/actor_loss", Role.LOSS, loss)
    run = Run("r", "r", {s.tag: s for s in (train, evaluated)})
    assert verdict(run, len(loss), Kind.LEVEL_SHIFT) is expected


def test_a_likelihood_whose_calm_batches_price_the_error_high_needs_less_of_it() -> None:
    error = 0.1 + cases.noise(0.004, 5)
    loss = -15 + 4000 * (error - 0.1) + cases.noise(2.0, 6)
    loss[AT : AT + 3] += 39
    found = decide(cases.make_run(loss, error)).tests[0]
    assert found.needed == pytest.approx(39 / 4000, rel=0.2)
    assert found.margin == pytest.approx(0.5 * found.needed)
    assert "calm batches" in str(found.margin_reason)


def test_a_spike_too_short_to_decide_is_judged_with_the_others_of_its_loss() -> None:
    positions = range(600, 1800, 60)
    run = cases.make_run(cases.nll(dict.fromkeys(positions, 20.0)), 0.1 + cases.noise(0.012, 4))
    spikes = tuple(cases.spike_at(run, p, p + 1) for p in positions)
    undecided = next(s for s in spikes if couple(s, run).verdict is CouplingVerdict.UNDECIDED)
    found = couple(undecided, run, spikes)
    assert found.verdict is CouplingVerdict.DECOUPLED
    assert "20 jumps of bc/actor_loss together" in str(found.reading)
    assert found.pooled == 20


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_members_of_a_train_are_judged_one_by_one(share: float) -> None:
    positions = list(range(900, 1900, 50))
    hit = positions[:: round(1 / share)]
    loss = cases.nll(dict.fromkeys(positions, 15.0))
    run = cases.make_run(loss, 0.1 + cases.noise(0.005, 3) + np.isin(np.arange(2000), hit) * 0.2)
    found = couple(cases.train_at(run, positions), run)
    assert found.verdict is CouplingVerdict.PARTLY
    assert (found.tests[0].moved, found.tests[0].tested) == (len(hit), 20)
    assert f"it moved at {len(hit)} of 20" in str(found.reading)


def test_an_error_that_leaps_with_it_is_coupled() -> None:
    assert verdict(leaping(cases.mse(dict.fromkeys(LEAP, 1.0)))) is CouplingVerdict.COUPLED


def test_no_companion() -> None:
    run = leaping(None)
    assert verdict(run) is CouplingVerdict.NO_COMPANION


def test_an_error_metric_that_is_the_loss_in_other_units_is_named() -> None:
    copy = cases.series("bc/mse", Role.OTHER, cases.nll(LEAP) / 7, cases.STEPS, measure=Measure.SQUARED_ERROR)
    run = leaping(None, replace(copy, copy_of="bc/actor_loss"))
    found = decide(run)
    assert found.verdict is CouplingVerdict.NO_COMPANION
    assert "bc/mse is the only error metric beside bc/actor_loss, and it is the loss" in str(found.reading)


def test_a_noisy_error_is_undecided_not_decoupled() -> None:
    assert verdict(leaping(cases.mse() + np.abs(cases.noise(0.3, 8)))) is CouplingVerdict.UNDECIDED


def test_an_unknown_dimension_needs_a_smaller_rise_and_says_so() -> None:
    error = raised(1.5)
    known, unknown = (decide(leaping(error, facts=facts)).tests[0] for facts in (cases.SEED_FACTS, {}))
    assert unknown.needed < known.needed
    assert unknown.verdict is CouplingVerdict.PARTLY


@pytest.mark.parametrize("every", [2, 3])
def test_a_companion_at_another_rate(every: int) -> None:
    thin = slice(None, None, every)
    for bump, expected in ((0.0, CouplingVerdict.DECOUPLED), (1.0, CouplingVerdict.COUPLED)):
        values = cases.mse(dict.fromkeys(range(AT, AT + 3), bump))
        run = leaping(None, companion("bc/mse", values[thin], cases.STEPS[thin]))
        assert verdict(run) is expected


def test_a_companion_between_the_logged_points_of_the_loss() -> None:
    run = leaping(None, companion("bc/mse", cases.mse(dict.fromkeys(LEAP, 1.0)), cases.STEPS + 4))
    assert verdict(run) is CouplingVerdict.COUPLED


def test_a_companion_with_no_point_during_the_spike_is_undecided() -> None:
    run = leaping(None, companion("val/mse", cases.mse()[50::100], cases.STEPS[50::100]))
    found = couple(cases.spike_at(run, AT, AT + 3), run)
    assert found.verdict is CouplingVerdict.UNDECIDED
    assert not found.tests
    assert "too few points" in str(found.reading)


def test_its_own_earlier_spikes_do_not_blind_the_test() -> None:
    bumps = dict.fromkeys(range(1200, AT - 40, 7), 5.0)
    assert verdict(leaping(cases.mse(bumps))) is CouplingVerdict.DECOUPLED


def test_non_finite_points_are_left_out_and_a_dead_companion_is_coupled() -> None:
    holes = cases.mse()
    holes[1300:AT:9] = np.nan
    assert verdict(leaping(holes)) is CouplingVerdict.DECOUPLED
    dead = cases.mse()
    dead[AT:] = np.nan
    found = decide(leaping(dead))
    assert found.verdict is CouplingVerdict.COUPLED
    assert "became non-finite together with the loss" in str(found.reading)
    assert not found.never_finite


def test_an_error_that_was_never_a_number_is_not_said_to_have_moved() -> None:
    found = decide(leaping(np.full(len(cases.STEPS), np.nan)))
    assert found.never_finite
    assert str(found.reading) == "bc/mse was no number either, from its first point on."


def test_where_up_is_good_a_fall_is_the_error_moving() -> None:
    accuracy = 0.9 + cases.noise(0.004, 3)
    flat = leaping(None, companion("bc/accuracy", accuracy, measure=Measure.ACCURACY))
    assert verdict(flat) is CouplingVerdict.DECOUPLED
    for fall in (0.05, 0.5):
        fallen = accuracy.copy()
        fallen[AT : AT + 3] -= fall
        for percent in (1, 100):
            run = leaping(None, companion("bc/accuracy", percent * fallen, measure=Measure.ACCURACY))
            found = decide(run)
            assert found.verdict is CouplingVerdict.COUPLED
            assert found.tests[0].change == pytest.approx(-percent * fall, abs=0.01 * percent)


def test_the_closest_companion_decides_but_is_never_outvoted_by_one_that_moved() -> None:
    far = companion("eval/mse", cases.mse(dict.fromkeys(LEAP, 1.0)), reduction=Reduction.SUM)
    run = leaping(cases.mse(), far)
    found = couple(cases.spike_at(run, AT, AT + 3), run)
    assert found.tests[0].tag == "bc/mse"
    assert found.verdict is CouplingVerdict.UNDECIDED
    assert "disagree" in str(found.reading)


def test_a_train_is_tested_over_its_members() -> None:
    positions = list(range(1000, 1900, 90))
    bump = dict.fromkeys(positions, 15.0)
    for error, expected in ((0.0, CouplingVerdict.DECOUPLED), (0.4, CouplingVerdict.COUPLED)):
        run = cases.make_run(cases.nll(bump), cases.mse(dict.fromkeys(positions, error)))
        assert couple(cases.train_at(run, positions), run).verdict is expected


@pytest.mark.parametrize(
    ("rise", "from_point", "expected"),
    [
        (0.0, 0, CouplingVerdict.DECOUPLED),
        (0.2, 0, CouplingVerdict.PARTLY),
        (0.2, 100, CouplingVerdict.UNDECIDED),
        (2.0, 0, CouplingVerdict.COUPLED),
    ],
)
def test_a_level_shift(rise: float, from_point: int, expected: CouplingVerdict) -> None:
    loss, error = cases.nll(), cases.mse()
    loss[AT:] += 20
    run = cases.make_run(loss, np.where(np.arange(len(error)) >= AT + from_point, error + rise, error))
    assert verdict(run, len(loss), Kind.LEVEL_SHIFT) is expected


def test_a_rise_later_in_a_long_jump_is_not_called_unmoved() -> None:
    loss = cases.nll(dict.fromkeys(range(AT, AT + 30), 9.0))
    loss[AT + 3] += 25
    run = cases.make_run(loss, raised(6, range(AT + 12, AT + 22)))
    assert verdict(run, AT + 30) in {CouplingVerdict.PARTLY, CouplingVerdict.COUPLED}


def test_without_a_likelihood_a_rise_beyond_the_margin_is_coupled() -> None:
    loss = cases.series("bc/actor_loss", Role.LOSS, cases.nll(LEAP) ** 2, measure=Measure.VALUE)
    for factor, expected in (
        (1.0, CouplingVerdict.DECOUPLED),
        (1.14, CouplingVerdict.PARTLY),
        (1.5, CouplingVerdict.COUPLED),
    ):
        run = Run("r", "r", {s.tag: s for s in (loss, companion("bc/mse", raised(factor)))})
        assert decide(run).verdict is expected


@pytest.mark.parametrize("scale", [1e-4, 1e5])
def test_the_verdict_does_not_depend_on_the_scale_of_the_loss(scale: float) -> None:
    found = []
    for times in (1.0, scale):
        loss = cases.series("bc/actor_loss", Role.LOSS, times * cases.nll(LEAP), measure=Measure.VALUE)
        found.append(decide(Run("r", "r", {s.tag: s for s in (loss, companion("bc/mse", cases.mse()))})))
    assert found[0].tests == found[1].tests


def test_a_new_level_answers_for_the_error_up_to_the_next_one_only() -> None:
    rng, steps = np.random.default_rng(3), np.arange(1800)
    loss = 1.2 - 0.3 * (steps // 600) + 0.03 * rng.normal(size=1800)
    held_out = 1.1 + 0.12 * (np.arange(36) >= 24) + 0.004 * rng.normal(size=36)
    run = Run(
        "runs/lm",
        "lm",
        {
            "train/loss": cases.series("train/loss", Role.LOSS, loss, steps),
            "eval/loss": cases.series("eval/loss", Role.LOSS, held_out, steps[49::50]),
        },
    )
    first, second = detect(run.series["train/loss"], falls=True)

    early, late = (couple(spike, run, (first, second)) for spike in (first, second))

    assert (first.start, second.start) == (600, 1200)
    assert abs(early.tests[0].change) < 0.01 < early.tests[0].margin
    assert early.tests[0].strayed_at is None
    assert late.verdict is CouplingVerdict.COUPLED
