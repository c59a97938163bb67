"""Does it matter? yes, no, or what would tell; over all findings and for what the run is for."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.model import (
    Checkpoint,
    Coupling,
    CouplingVerdict,
    Excursion,
    Explanation,
    Finding,
    Kind,
    LossKind,
    Measure,
    OutcomeVerdict,
    Role,
    Run,
    Series,
    Spike,
    say,
)
from spikediag.outcome import assess
from tests.attribution import cases

AT = cases.AT
LEAP = {AT: 20.0, AT + 1: 39.0, AT + 2: 22.0}
EVALUATIONS = cases.STEPS[::100]  # the jump lies between the 15th and the 16th of 20


def finding(spike: Spike, name: str = "F1") -> Finding:
    coupling = Coupling(CouplingVerdict.UNDECIDED, (), say("undecided"))
    return Finding(name, spike, coupling, lambda _: Explanation((), "unexplained"))


def flat_nll(bump=None) -> np.ndarray:
    values = -15 + cases.noise(0.6, 1)
    for position, height in (bump or {}).items():
        values[position] += height
    return values


def flat_mse() -> np.ndarray:
    return 0.1 + cases.noise(0.005, 2)


def reward(values: np.ndarray, tag: str = "eval/reward") -> Series:
    return cases.series(tag, Role.REWARD, values, EVALUATIONS[: len(values)])


def evaluations(after: float, n: int = 20) -> np.ndarray:
    values = 100 + cases.noise(3, 5, n)
    values[16:] += after - 100
    return values


def leapt(*others: Series, error: np.ndarray | None = None, **more) -> Run:
    return cases.make_run(flat_nll(LEAP), flat_mse() if error is None else error, *others, **more)


def of_leap(run: Run):
    return assess(run, (finding(cases.spike_at(run, AT, AT + 3)),))


def because(found) -> str:
    return "\n".join(str(text) for text in found.because)


def test_back_with_a_flat_error_is_no_and_says_once_what_that_does_not_certify() -> None:
    found = of_leap(leapt())
    assert found.matters is False
    assert "bc/actor_loss is no worse after it" in because(found)
    assert "(one standard deviation of its batches)" in because(found)
    assert "(10% of its level)" in because(found)
    assert "bc/mse is no worse" in because(found)
    assert because(found).count("certifies nothing about the policy on the robot") == 1


def test_without_any_error_or_reward_it_cannot_be_told_and_what_would_tell_is_said() -> None:
    run = cases.make_run(flat_nll(LEAP), None)
    found = of_leap(run)
    assert found.matters is None
    assert any("success rate" in str(advice.text) for advice in found.would_tell)
    assert any("not trained on" in str(advice.text) for advice in found.would_tell)


def test_a_loss_that_stays_up_matters_though_a_taller_one_came_back() -> None:
    loss = flat_nll({500: 60.0})
    loss[AT:] += 30
    run = cases.make_run(loss, flat_mse())
    shift = replace(cases.spike_at(run, AT, len(loss), Kind.LEVEL_SHIFT), sigmas=40.0)
    found = assess(run, (finding(cases.spike_at(run, 500, 501)), finding(shift, "F2")))
    assert found.matters
    assert "F2: bc/actor_loss had not come back" in because(found)


def test_a_quarter_of_the_height_is_not_back() -> None:
    loss = flat_nll()
    loss[AT:] += 39 * np.exp(-np.arange(500) / 150)
    found = of_leap(cases.make_run(loss, flat_mse()))
    assert found.matters
    assert "bc/actor_loss is worse after it" in because(found)


@pytest.mark.parametrize(("after", "matters"), [(50.0, True), (93.0, True), (101.0, False)])
def test_rewards_decide_even_by_few_evaluations(after: float, matters: bool) -> None:
    found = of_leap(leapt(reward(evaluations(after))))
    assert found.matters is matters
    assert "eval/reward" in because(found)


def test_a_reward_halved_for_its_last_two_evaluations_matters() -> None:
    found = of_leap(leapt(reward(evaluations(50.0, 18))))
    assert found.matters


def test_a_reward_that_is_not_logged_after_is_not_called_unharmed() -> None:
    found = of_leap(leapt(reward(evaluations(100.0, 15))))
    assert found.matters is None
    assert "eval/reward was not logged after it" in because(found)
    assert "Evaluate more often" in str(found.would_tell[0].text)


def test_a_noisy_reward_cannot_tell() -> None:
    found = of_leap(leapt(reward(100 + 40 * np.cos(np.pi * np.arange(20)))))
    assert found.matters is None
    assert "cannot be told" in because(found)


def test_rewards_before_lowest_during_and_after_are_kept() -> None:
    loss = flat_nll(dict.fromkeys(range(AT, AT + 200), 9.0))
    values = evaluations(100.0)
    values[15], values[16] = 70.0, 20.0
    run = cases.make_run(loss, flat_mse(), reward(values))
    found = assess(run, (finding(cases.spike_at(run, AT, AT + 200)),))
    outcome = next(o for o in found.outcomes if o.role is Role.REWARD)
    assert outcome.before == pytest.approx(100, abs=2)
    assert outcome.during == 20.0
    assert outcome.after == pytest.approx(100, abs=6)
    assert "read 20" in str(outcome.reading)
    assert found.matters
    assert "While the loss stood high, eval/reward was worse" in str(outcome.reading)
    assert outcome.meanwhile == pytest.approx(45)


def test_what_was_foretold_is_kept_beside_an_end_that_is_astronomically_worse() -> None:
    values = evaluations(100.0)
    values[16:] = -1e18
    found = of_leap(leapt(reward(values)))
    outcome = next(o for o in found.outcomes if o.role is Role.REWARD)
    assert outcome.foretold == pytest.approx(100, abs=6)
    assert outcome.meanwhile is None


def test_a_held_out_loss_that_ends_worse_matters() -> None:
    values = 2 + cases.noise(0.02, 4, 20)
    for rise, matters in ((0.0, False), (0.5, True)):
        held_out = values + np.where(np.arange(20) > 15, rise, 0)
        found = of_leap(leapt(cases.series("eval/loss", Role.LOSS, held_out, EVALUATIONS)))
        assert found.matters is matters
        assert "certifies nothing" not in because(found)


def test_an_error_that_ends_a_tenth_higher_matters() -> None:
    error = flat_mse()
    error[AT:] += 0.0095
    assert of_leap(leapt(error=error)).matters


def test_an_error_that_was_falling_is_held_to_its_trend() -> None:
    falling = 0.5 - 0.0002 * np.arange(2000) + cases.noise(0.002, 6)
    stuck = np.where(np.arange(2000) < AT, falling, 0.2 + cases.noise(0.002, 7))
    ended = [next(o for o in of_leap(leapt(error=e)).outcomes if o.tag == "bc/mse") for e in (falling, stuck)]
    assert ended[0].verdict is OutcomeVerdict.NOT_WORSE
    assert ended[1].after > ended[1].foretold + 0.01


def test_learning_that_stops_matters_and_learning_that_slows_as_before_does_not() -> None:
    places = np.arange(2000)
    going = -0.05 * places + cases.noise(0.4, 3)
    stopped = np.where(places < AT, going, -75 + cases.noise(0.4, 4))
    slowing = 60 * np.exp(-places / 600) + cases.noise(0.4, 3)
    leap = 39.0 * ((places >= AT) & (places < AT + 3))
    for loss, matters in ((going, False), (stopped, True), (slowing, False)):
        found = of_leap(cases.make_run(loss + leap, flat_mse()))
        assert found.matters is matters
        assert ("stopped improving" in because(found)) is matters


def test_a_run_that_ends_inside_a_jump_matters() -> None:
    loss = flat_nll(dict.fromkeys(range(1996, 2000), 39.0))
    run = cases.make_run(loss, flat_mse())
    found = assess(run, (finding(cases.spike_at(run, 1996, 2000)),))
    assert found.matters
    assert "had not come back when the log ended" in because(found)


def test_the_newest_checkpoint_saved_inside_a_jump_matters() -> None:
    inside, late = Checkpoint("ckpt/15010", 15_010), Checkpoint("ckpt/19000", 19_000)
    for checkpoints, matters in (((inside,), True), ((inside, late), False), ((), False)):
        found = of_leap(leapt(checkpoints=checkpoints))
        assert found.matters is matters
        assert ("was saved inside F1" in because(found)) is (inside in checkpoints)


def test_the_checkpoint_to_go_back_to_is_named() -> None:
    assert "ckpt/9000 (step 9,000)" in because(of_leap(leapt(checkpoints=(Checkpoint("ckpt/9000", 9_000),))))


def test_a_value_loss_that_stays_up_while_returns_climb_is_harmless() -> None:
    loss = 5 + cases.noise(0.5, 1)
    loss[AT:] += 40
    series = cases.series("bc/actor_loss", Role.LOSS, loss, measure=Measure.VALUE)
    for after, matters in ((130.0, False), (40.0, True)):
        run = Run("r", "r", {s.tag: s for s in (series, reward(evaluations(after)))})
        shift = finding(cases.spike_at(run, AT, len(loss), Kind.LEVEL_SHIFT))
        assert assess(run, (shift,)).matters is matters


@pytest.mark.parametrize(("after", "matters"), [(130.0, False), (100.0, None), (40.0, True)])
def test_the_level_of_a_surrogate_is_no_reason_and_a_reward_that_never_moved_shows_nothing(
    after: float, matters: bool | None
) -> None:
    loss = 5 + cases.noise(0.5, 1)
    loss[AT:] += 40
    surrogate = cases.series("bc/actor_loss", Role.LOSS, loss, kind=LossKind.POLICY_GRADIENT)
    earned = np.full(20, 100.0) if after == 100.0 else None
    rewards = reward(evaluations(after) if earned is None else earned)
    run = Run("r", "r", {s.tag: s for s in (surrogate, rewards)})
    shift = finding(cases.spike_at(run, AT, len(loss), Kind.LEVEL_SHIFT))
    assert assess(run, (shift,)).matters is matters


def test_a_surrogate_that_is_no_number_any_more_matters() -> None:
    loss = cases.noise(0.5, 1)
    loss[AT:] = np.nan
    surrogate = cases.series("bc/actor_loss", Role.LOSS, loss, kind=LossKind.POLICY_GRADIENT)
    run = Run("r", "r", {surrogate.tag: surrogate})
    assert assess(run, (finding(cases.spike_at(run, AT, len(loss), Kind.NON_FINITE)),)).matters


def test_a_loss_that_is_no_number_any_more_matters() -> None:
    loss = flat_nll()
    loss[AT:] = np.nan
    run = cases.make_run(loss, flat_mse())
    found = assess(run, (finding(cases.spike_at(run, AT, len(loss), Kind.NON_FINITE)),))
    assert found.matters
    assert "no number any more" in because(found)


def test_a_train_is_judged_around_its_highest_member_and_not_from_before_its_first() -> None:
    places = list(range(200, 1900, 60))
    loss = 40 * np.exp(-np.arange(2000) / 100) - 15 + cases.noise(0.6, 1)
    loss[places] += 12
    run = cases.make_run(loss, flat_mse())
    found = assess(run, (finding(cases.train_at(run, places)),))
    assert found.matters is False


def test_no_finding_is_not_judged_here() -> None:
    assert assess(leapt(), ()).matters is None


def test_what_cannot_be_told_around_the_last_jump_is_said() -> None:
    noisy = np.where(np.arange(20) < 10, 100.0, 100 + 40 * np.cos(np.pi * np.arange(20)))
    run = cases.make_run(flat_nll({600: 39.0, AT: 20.0}), flat_mse(), reward(noisy))
    first, last = cases.spike_at(run, 600, 601), cases.spike_at(run, AT, AT + 1)
    found = assess(run, (finding(replace(first, sigmas=60.0)), finding(replace(last, sigmas=30.0), "F2")))
    assert found.matters is None
    assert "F2: Whether eval/reward ended worse cannot be told" in because(found)


def test_a_value_loss_that_grew_with_the_returns_is_no_reason() -> None:
    grown = 5 + cases.noise(0.5, 1) + 40 * (np.arange(2000) >= AT) + 200 * (np.arange(2000) == 600)
    value = cases.series("bc/actor_loss", Role.LOSS, grown, measure=Measure.VALUE)
    run = Run("r", "r", {s.tag: s for s in (value, reward(evaluations(130.0)))})
    early = finding(cases.spike_at(run, 600, 601))
    shift = finding(cases.spike_at(run, AT, 2000, Kind.LEVEL_SHIFT), "F2")
    found = assess(run, (early, shift))
    assert "F2" not in because(found)
    assert [o.excused for o in found.outcomes if o.finding == "F2" and o.role is Role.LOSS] == [True]


def test_what_would_tell_is_asked_around_the_highest_member_of_a_train() -> None:
    run = cases.make_run(flat_nll({600: 9.0, AT: 39.0}), None)
    members = (Excursion(600, 601, 600), Excursion(AT, AT + 1, AT))
    spike = replace(cases.spike_at(run, 600, AT + 1, Kind.TRAIN), members=members, count=2)
    told = assess(run, (finding(spike),)).would_tell
    assert "before step 15,000 and one from after it" in str(told[0].text)


def test_a_value_loss_whose_reward_is_no_worse_is_no_reason_though_a_later_finding_is() -> None:
    grown = 5 + cases.noise(0.5, 1) + 40 * (np.arange(2000) >= AT - 900) + 200 * (np.arange(2000) == AT)
    value = cases.series("bc/actor_loss", Role.LOSS, grown, measure=Measure.VALUE)
    run = Run("r", "r", {s.tag: s for s in (value, reward(evaluations(50.0)))})
    shift = finding(replace(cases.spike_at(run, AT - 900, 2000, Kind.LEVEL_SHIFT), sigmas=90.0))
    found = assess(run, (shift, finding(cases.spike_at(run, AT, AT + 1), "F2")))
    assert found.matters is True
    assert "bc/actor_loss is worse" not in because(found)
    assert [o.finding for o in found.outcomes if o.harms] == ["F2"]


@pytest.mark.parametrize(("earlier", "told"), [(90, False), (10, True)])
def test_a_jump_that_an_earlier_one_as_high_outlasted_is_not_said_to_have_ended_worse(
    earlier: int, told: bool
) -> None:
    n = len(cases.STEPS)
    values = flat_nll()
    values[600 : 600 + earlier] += 40.0
    values[n - 30 :] += 39.0
    run = cases.make_run(values, None)
    first, last = cases.spike_at(run, 600, 600 + earlier), cases.spike_at(run, n - 30, n, Kind.LEVEL_SHIFT)
    found = assess(run, (finding(first), finding(replace(last, end_step=None), "F2")))
    assert found.matters is (True if told else None)
    assert (f"30 points after the jump; an earlier one as high took {earlier}" in because(found)) is not told


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([5_000], "eval/reward was not logged after it: 100 before"),
        ([5_000, 17_000], "to tell whether it ended worse: 100 before, 101 after"),
        ([16_000, 17_000, 18_000], "eval/reward was not logged before it: 101 after"),
    ],
)
def test_a_few_evaluations_cannot_tell_and_are_said_though_an_error_is_logged(steps, said: str) -> None:
    few = cases.series("eval/reward", Role.REWARD, 100.0 + np.arange(len(steps)), np.array(steps))
    found = of_leap(leapt(few))
    assert found.matters is None
    assert said in because(found)
    assert [str(advice.text) for advice in found.would_tell] == ["Evaluate more often around step 15,000."]


def test_a_reward_that_was_worse_for_long_while_a_loss_stays_up_matters_though_it_is_better_since() -> None:
    loss = flat_nll(dict.fromkeys(range(AT - 1_000, len(cases.STEPS)), 9.0))
    values = 100 + cases.noise(3, 5, 200)
    values[60:110] -= 40
    values[110:] += 45
    run = cases.make_run(
        loss, flat_mse(), cases.series("eval/reward", Role.REWARD, values, cases.STEPS[::10])
    )
    found = assess(run, (finding(cases.spike_at(run, AT - 1_000, len(loss), Kind.LEVEL_SHIFT)),))
    assert found.matters
    assert "While the loss stood high, eval/reward was worse" in because(found)
