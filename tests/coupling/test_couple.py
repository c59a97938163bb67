"""Coupling: did the error metric move too?"""

import numpy as np
import pytest

from spikediag.coupling import couple
from spikediag.model import CouplingVerdict, Kind, Measure, Reduction, Role, Run, Series
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


def test_a_flat_error_is_decoupled_with_a_margin_from_the_algebra() -> None:
    run = leaping(cases.mse())
    found = couple(cases.spike_at(run, AT, AT + 3), run)
    assert found.verdict is CouplingVerdict.DECOUPLED
    test = found.tests[0]
    assert -test.margin < test.low < test.change < test.high < test.margin
    assert test.p_equivalent < 0.05
    assert "7 action dimensions" in str(test.margin_reason)


def test_an_error_that_leaps_with_it_is_coupled() -> None:
    assert verdict(leaping(cases.mse(dict.fromkeys(LEAP, 1.0)))) is CouplingVerdict.COUPLED


def test_no_companion() -> None:
    run = leaping(None)
    assert verdict(run) is CouplingVerdict.NO_COMPANION


def test_a_noisy_error_is_undecided_not_decoupled() -> None:
    assert verdict(leaping(cases.mse() + np.abs(cases.noise(0.3, 8)))) is CouplingVerdict.UNDECIDED


def test_an_unknown_dimension_takes_a_smaller_margin_and_says_so() -> None:
    known, unknown = leaping(cases.mse()), leaping(cases.mse(), facts={})
    spike = cases.spike_at(unknown, AT, AT + 1)
    tests = [couple(spike, run).tests[0] for run in (known, unknown)]
    assert tests[1].margin <= tests[0].margin
    assert "16 assumed" in str(tests[1].margin_reason)


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
    assert "no point" in str(found.reading)


def test_its_own_earlier_spikes_do_not_blind_the_test() -> None:
    bumps = dict.fromkeys(range(1200, AT - 40, 7), 5.0)
    assert verdict(leaping(cases.mse(bumps))) is CouplingVerdict.DECOUPLED


def test_non_finite_points_are_left_out_and_a_dead_companion_is_coupled() -> None:
    holes = cases.mse()
    holes[1300:AT:9] = np.nan
    assert verdict(leaping(holes)) is CouplingVerdict.DECOUPLED
    dead = cases.mse()
    dead[AT:] = np.nan
    assert verdict(leaping(dead)) is CouplingVerdict.COUPLED


def test_where_up_is_good_a_fall_is_the_error_moving() -> None:
    accuracy = 0.9 + cases.noise(0.004, 3)
    flat = leaping(None, companion("bc/accuracy", accuracy, measure=Measure.ACCURACY))
    assert verdict(flat) is CouplingVerdict.DECOUPLED
    fallen = accuracy.copy()
    fallen[AT : AT + 3] = 0.4
    run = leaping(None, companion("bc/accuracy", fallen, measure=Measure.ACCURACY))
    assert verdict(run) is CouplingVerdict.COUPLED


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
    for error, expected in ((0.0, CouplingVerdict.DECOUPLED), (0.6, CouplingVerdict.COUPLED)):
        run = cases.make_run(cases.nll(bump), cases.mse(dict.fromkeys(positions, error)))
        assert couple(cases.train_at(run, positions), run).verdict is expected


def test_a_level_shift_is_tested_over_its_first_stretch() -> None:
    loss, error = cases.nll(), cases.mse()
    loss[AT:] += 20
    for rise, expected in ((0.0, CouplingVerdict.DECOUPLED), (0.5, CouplingVerdict.COUPLED)):
        run = cases.make_run(loss, np.where(np.arange(len(error)) >= AT, error + rise, error))
        assert verdict(run, len(loss), Kind.LEVEL_SHIFT) is expected


def test_the_verdict_does_not_depend_on_the_scale_of_the_loss_noise_margin() -> None:
    """Without a likelihood the margin comes from the noise, in the loss's own standard deviations."""
    found = []
    for scale in (1.0, 1e-4, 1e5):
        loss = cases.series("bc/actor_loss", Role.LOSS, scale * cases.nll(LEAP), measure=Measure.VALUE)
        run = Run("r", "r", {s.tag: s for s in (loss, companion("bc/mse", cases.mse()))})
        found.append(couple(cases.spike_at(run, AT, AT + 3), run).tests[0])
    assert len({test.verdict for test in found}) == 1
    assert found[0].margin == pytest.approx(found[1].margin) == pytest.approx(found[2].margin)
