"""What could be changed: every remedy, in the run's own words, the best first."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.attribution import conditions
from spikediag.attribution.remedies import ORDER, remedies, settings_of, weighed
from spikediag.detectors import search
from spikediag.model import (
    ActionDimension,
    Coupling,
    CouplingVerdict,
    Explanation,
    FactName,
    Finding,
    Role,
    Run,
    say,
)
from tests.rates.rates_by_hand import rates

IDS = {
    "smaller-batch",
    "more-data",
    "weighted-sampling",
    "lr-decay",
    "sigma-floor",
    "grad-clip",
    "beta2",
    "action-noise",
    "drop-dimension",
    "probe",
}
FACTS = {
    "batch_size": 256,
    "dataset_size": 418,
    "sigma_min": 1e-5,
    "lr_schedule": "constant",
    "optimizer": "adam",
}


def run(tag="bc/actor_loss", **facts):
    draw = np.random.default_rng(0)
    loss, steps = draw.normal(-15, 0.5, 600), np.arange(600) * 10
    loss[400:404] += 30
    return Run.from_arrays(
        {tag: (steps, loss), "bc/mse": (steps, draw.normal(0.1, 0.001, 600))}, **FACTS | facts
    )


def findings(of):
    loss = next(of.having(Role.LOSS))
    (spike,) = search(loss)[0]
    return (
        Finding(
            "F1", spike, Coupling(CouplingVerdict.UNDECIDED, (), say("")), Explanation((), "unexplained")
        ),
    )


def proposed(of, model=None):
    return {remedy.id: remedy for remedy in remedies(of, findings(of), model or rates())}


def test_every_remedy_has_its_place():
    assert set(ORDER) == {remedy.id for remedy in remedies(run(), ())} == IDS


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("config.yaml: policy.std_min", "std_min: 1e-05 -> 0.05"),
        ("config.yaml: bounds.0", "bounds[0]: 1e-05 -> 0.05"),
        ("--sigma-min", "Set sigma_min to 0.05."),
    ],
)
def test_the_change_is_said_in_the_runs_own_setting_name(source, said):
    one = run()
    stated = replace(one.fact(FactName.SIGMA_MIN), source=source)
    one = replace(one, facts={**one.facts, FactName.SIGMA_MIN: stated})
    assert str(proposed(one)["sigma-floor"].text) == said


def test_the_best_stands_first_and_what_does_not_apply_last():
    ranked = remedies(run(), findings(run()), rates())
    assert ranked[0].id == "sigma-floor"
    assert ranked[-1].id == "drop-dimension"
    assert not ranked[-1].applies


def test_what_a_remedy_costs_in_error_counts_against_it():
    model = rates()
    costly = replace(model.shifts["sigma-floor"], error=3.0)
    model = replace(model, shifts={**model.shifts, "sigma-floor": costly})
    ranked = remedies(run(), findings(run()), model)
    assert ranked[0].id != "sigma-floor"
    assert "3 times" in str(proposed(run(), model)["sigma-floor"].cost)


def test_an_effect_stands_between_the_ends_of_its_interval():
    effects = [remedy.effect for remedy in proposed(run()).values() if remedy.effect is not None]
    assert len(effects) == 8
    assert all(effect.low <= effect.prevented <= effect.high <= 1 for effect in effects)


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        ({"sigma_min": 0.05}, "sigma-floor"),
        ({"grad_clip": 1.0}, "grad-clip"),
        ({"beta2": 0.95}, "beta2"),
        ({"lr_schedule": "cosine"}, "lr-decay"),
        ({"batch_size": 32}, "smaller-batch"),
        ({"batch_size": 418}, "more-data"),
        ({"sampling": "weighted"}, "weighted-sampling"),
    ],
)
def test_what_is_done_already_does_not_apply(facts, remedy):
    found = proposed(run(**facts))[remedy]
    assert not found.applies
    assert found.effect is None
    assert proposed(run())[remedy].applies


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"optimizer": "sgd"}, "with Adam, this run with sgd"),
        ({"batch_size": 100_000, "dataset_size": 1_000_000}, "Too far from what was studied: batch, dataset"),
    ],
)
def test_no_effect_is_given_where_the_study_does_not_speak(facts, why):
    one = proposed(run(**facts))
    assert all(remedy.effect is None for remedy in one.values())
    assert why in str(one["beta2"].reason)


def test_of_a_loss_that_is_no_likelihood_no_effect_is_given():
    one = run("train/td_loss")
    assert "train/td_loss is not known to be one" in str(proposed(one)["beta2"].reason)


def test_without_a_spike_there_is_nothing_to_prevent():
    assert all(remedy.effect is None for remedy in remedies(run(), (), rates()))


def test_a_probe_prevents_nothing():
    probe = proposed(run())["probe"]
    assert probe.applies
    assert probe.effect is None


def test_a_rate_that_ends_low_decays_whatever_is_stated():
    steps = np.arange(600) * 10
    arrays = {"bc/actor_loss": (steps, np.zeros(600)), "train/lr": (steps, np.linspace(1e-3, 0, 600))}
    assert settings_of(Run.from_arrays(arrays, lr_schedule="constant")).decays is True


def test_a_condition_is_worth_what_its_removal_prevents():
    one = run()
    found = remedies(one, findings(one), rates())
    weighed_ = {c.condition: c for c in weighed(conditions(one, findings(one)), found)}
    batch = weighed_["batch-ratio"].removed_by
    assert batch.id == "smaller-batch"
    assert batch.effect.prevented > 0
    assert weighed_["passes"].removed_by is None


def test_dataset_statistics_decide_whether_a_dimension_can_be_dropped():
    flat = ActionDimension(6, "meta/stats.json", 1.0, 1.0, 0.0, 1.0, 1.0, 1.0)
    moving = replace(flat, low=-1.0, sd=0.4, mean=0.0, q01=-0.9, q99=0.9)
    assert proposed(replace(run(), actions=(flat,)))["drop-dimension"].applies
    assert not proposed(replace(run(), actions=(moving,)))["drop-dimension"].applies
