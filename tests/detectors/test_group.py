"""Losses that leap together are one incident, led by the one whose error can be looked at."""

from types import MappingProxyType

import numpy as np
import pytest

from spikediag.detectors import detect, group
from spikediag.detectors.group import changes_of, loss_change
from spikediag.model import Measure, Role, Run, Series


def run_of(**measures: tuple[Role, Measure, float]) -> Run:
    rng = np.random.default_rng(0)
    steps = np.arange(2000)
    series = {}
    for name, (role, measure, jump) in measures.items():
        values = rng.normal(size=2000)
        values[1500:1506] += jump
        tag = name.replace("__", "/")
        series[tag] = Series(tag, role, steps, values, steps, measure)
    return Run("run", "run", MappingProxyType(series))


def incidents(run: Run):
    return group(run, {tag: detect(series) for tag, series in run.series.items()})


def test_a_total_follows_the_likelihood_it_contains() -> None:
    run = run_of(
        bc__total_loss=(Role.LOSS, Measure.TOTAL, 60.0),
        bc__actor_loss=(Role.LOSS, Measure.NLL, 40.0),
        bc__value_loss=(Role.LOSS, Measure.VALUE, 0.0),
        bc__mse=(Role.COMPANION, Measure.SQUARED_ERROR, 0.0),
    )

    (incident,) = incidents(run)

    assert incident.spike.tag == "bc/actor_loss"
    assert [change.tag for change in incident.losses] == ["bc/actor_loss", "bc/value_loss", "bc/total_loss"]
    leading, still, total = incident.losses
    assert (leading.before, leading.sigmas) == (incident.spike.baseline, incident.spike.sigmas)
    assert leading.peak - leading.before == pytest.approx(40, abs=4)
    assert abs(still.sigmas) < 5
    assert total.peak - total.before == pytest.approx(60, abs=4)
    assert total.after == pytest.approx(0, abs=1)


def test_a_companion_in_the_group_leads_over_a_larger_loss() -> None:
    run = run_of(
        a__loss=(Role.LOSS, Measure.UNKNOWN, 60.0),
        b__loss=(Role.LOSS, Measure.UNKNOWN, 40.0),
        b__mse=(Role.COMPANION, Measure.SQUARED_ERROR, 0.0),
    )

    (incident,) = incidents(run)

    assert incident.spike.tag == "b/loss"


def test_a_held_out_loss_follows_the_one_that_was_trained_on_however_far_it_leaps() -> None:
    run = run_of(train__loss=(Role.LOSS, Measure.UNKNOWN, 30.0), val__loss=(Role.LOSS, Measure.UNKNOWN, 60.0))

    (incident,) = incidents(run)

    assert incident.spike.tag == "train/loss"


def test_without_a_companion_the_larger_one_leads() -> None:
    run = run_of(a__loss=(Role.LOSS, Measure.UNKNOWN, 60.0), b__loss=(Role.LOSS, Measure.UNKNOWN, 40.0))

    (incident,) = incidents(run)

    assert incident.spike.tag == "a/loss"


def test_a_spike_of_a_companion_is_no_incident() -> None:
    run = run_of(a__loss=(Role.LOSS, Measure.NLL, 0.0), a__mse=(Role.COMPANION, Measure.SQUARED_ERROR, 40.0))

    assert incidents(run) == ()


def lost(at: int) -> np.ndarray:
    values = np.random.default_rng(1).normal(size=2000)
    values[at:] = np.nan
    return values


def test_the_first_loss_that_is_no_number_leads() -> None:
    steps = np.arange(2000)
    tags = {"a/epoch": lost(900), "b/step": lost(300)}
    run = Run(
        "run", "run", MappingProxyType({t: Series(t, Role.LOSS, steps, v, steps) for t, v in tags.items()})
    )

    (incident,) = incidents(run)

    assert (incident.spike.tag, incident.spike.onset_step) == ("b/step", 300)


def test_a_fall_is_told_where_it_is_a_new_level() -> None:
    steps, values = np.arange(2000), np.random.default_rng(2).normal(size=2000)
    values[1000:] -= 20
    values[400:405] -= 20
    series = Series("a/loss", Role.LOSS, steps, values, steps)

    found = group(
        Run("run", "run", MappingProxyType({"a/loss": series})), {"a/loss": detect(series, falls=True)}
    )

    assert [i.spike.start for i in found] == [1000]
    assert found[0].spike.height < 0


@pytest.mark.parametrize(("back", "found"), [(3.0, [33]), (-40.0, [33, -76])])
def test_the_way_back_of_a_rise_is_no_finding_unless_it_goes_lower(back: float, found: list[int]) -> None:
    steps, values = np.arange(2000), 130 + 10 * np.random.default_rng(1).normal(size=2000)
    values[300:] += 35
    values[1800:1812] += 50
    values[1812:] -= 35 - back
    series = Series("a/loss", Role.LOSS, steps, values, steps)
    spikes = detect(series, falls=True)
    assert [round(spike.height) > 0 for spike in spikes] == [True, False]

    told = group(Run("run", "run", MappingProxyType({"a/loss": series})), {"a/loss": spikes})

    assert [round(incident.spike.height) for incident in told] == found


def test_a_fall_right_after_a_tall_spike_to_below_the_level_before_it_is_told() -> None:
    steps, values = np.arange(2000), 0.4 * np.random.default_rng(0).normal(size=2000) - 8
    values[1000:1006] += 39
    values[1020:] -= 3.2
    series = Series("a/loss", Role.LOSS, steps, values, steps)

    found = group(
        Run("run", "run", MappingProxyType({"a/loss": series})), {"a/loss": detect(series, falls=True)}
    )

    assert [incident.spike.start for incident in found] == [1000, 1020]


def test_losses_that_share_steps_are_measured_as_each_by_itself() -> None:
    run = run_of(
        a=(Role.LOSS, Measure.UNKNOWN, 30.0),
        b=(Role.LOSS, Measure.UNKNOWN, 8.0),
        c=(Role.LOSS, Measure.UNKNOWN, 0),
    )
    losses = list(run.series.values())
    together = changes_of(losses, 1500, 1505)
    for one, alone in zip(together, (loss_change(loss, 1500, 1505) for loss in losses), strict=True):
        assert one.tag == alone.tag
        numbers = [
            (one.before, one.peak, one.after, one.sigmas),
            (alone.before, alone.peak, alone.after, alone.sigmas),
        ]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)


@pytest.mark.parametrize("at", [1_200, 1_600])
def test_a_held_out_loss_that_steps_up_where_the_training_loss_steps_down_belongs_to_the_fall(
    at: int,
) -> None:
    rng = np.random.default_rng(0)
    values = 0.05 * rng.normal(size=2_000) - (np.arange(2_000) >= 1_200)
    rare = np.arange(0, 2_000, 50)
    held_out = 0.05 * rng.normal(size=len(rare)) + (rare >= at)
    run = Run(
        "run",
        "run",
        MappingProxyType(
            {
                "train/loss": Series("train/loss", Role.LOSS, np.arange(2_000), values, np.arange(2_000)),
                "eval/loss": Series("eval/loss", Role.LOSS, rare, held_out, rare),
            }
        ),
    )

    found = group(run, {tag: detect(series, falls=True) for tag, series in run.series.items()})

    assert [i.spike.tag for i in found] == ["train/loss"] + ["eval/loss"] * (at > 1_200)


def test_a_new_level_of_one_loss_hides_no_burst_of_another() -> None:
    rng, steps = np.random.default_rng(1), np.arange(2000)
    actor, critic = rng.normal(size=(2, 2000))
    actor[400:1900] += 30
    for at in (400, 900, 1400):
        critic[at : at + 6] += 40
    losses = {"actor_loss": actor, "critic_loss": critic}
    series = {tag: Series(tag, Role.LOSS, steps, values, steps) for tag, values in losses.items()}

    found = incidents(Run("run", "run", MappingProxyType(series)))

    assert [(i.spike.tag, i.spike.start) for i in found] == [
        ("critic_loss", 400),
        ("critic_loss", 900),
        ("critic_loss", 1400),
    ]
