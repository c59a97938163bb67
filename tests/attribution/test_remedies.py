"""What could be changed: every remedy, in the run's own words, the best first."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.attribution import conditions, remedies
from spikediag.attribution.remedies import PROPOSALS, foresee, settings_of
from spikediag.detectors import search
from spikediag.model import (
    ActionDimension,
    CauseVerdict,
    Coupling,
    CouplingVerdict,
    Explanation,
    FactName,
    Finding,
    Origin,
    Role,
    Run,
    Status,
    Tier,
    say,
)
from spikediag.parser.library_presets import presets, remedy_lines
from spikediag.pipeline import diagnose
from spikediag.rates import Interval, Rates
from tests.attribution import cases
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


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """What the model predicts is tested with it; here the middle recipe will do."""

    def effect(self, remedy, *_):
        prevented = self.prevented(remedy)
        return Interval(prevented, prevented - 0.1, min(1.0, prevented + 0.1))

    monkeypatch.setattr(Rates, "effect", effect)


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
            "F1",
            spike,
            Coupling(CouplingVerdict.UNDECIDED, (), say("")),
            lambda _: Explanation((), "unexplained"),
        ),
    )


def proposed(of, model=None):
    return {remedy.id: remedy for remedy in foresee(of, findings(of), model or rates())}


def test_every_remedy_has_its_place():
    assert set(PROPOSALS) == {remedy.id for remedy in foresee(run(), ())} == IDS


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("config.yaml: policy.std_min", "policy.std_min: 1e-05 -> 0.05"),
        ("config.yaml: bounds.0", "bounds[0]: 1e-05 -> 0.05"),
    ],
)
def test_the_change_is_said_in_the_runs_own_setting_name(source, said):
    one = run()
    stated = replace(one.fact(FactName.SIGMA_MIN), source=source, origin=Origin.BESIDE)
    one = replace(one, facts={**one.facts, FactName.SIGMA_MIN: stated})
    change = proposed(one)["sigma-floor"].advice.change
    assert (change.line, change.place) == (said, "config.yaml")


@pytest.mark.parametrize("changes", [{"origin": Origin.COMMAND_LINE}, {"value": 0.05}])
def test_a_setting_that_nobody_configured_or_that_stands_so_already_has_no_line(changes):
    one = run()
    stated = replace(one.fact(FactName.SIGMA_MIN), source="config.yaml: std_min", origin=Origin.BESIDE)
    one = replace(one, facts={**one.facts, FactName.SIGMA_MIN: replace(stated, **changes)})
    assert remedies.sigma_floor(one).change.line is None


def test_the_best_stands_first_and_what_does_not_apply_last():
    ranked = foresee(run(), findings(run()), rates())
    assert ranked[0].id == "sigma-floor"
    assert ranked[-1].id == "drop-dimension"
    assert not ranked[-1].applies


def test_what_a_remedy_costs_in_error_counts_against_it():
    model = rates()
    costly = replace(model.shifts["sigma-floor"], error=3.0)
    model = replace(model, shifts={**model.shifts, "sigma-floor": costly})
    ranked = foresee(run(), findings(run()), model)
    assert ranked[0].id != "sigma-floor"
    assert proposed(run(), model)["sigma-floor"].effect.error == 3.0


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


@pytest.mark.parametrize("unknown", ["batch_size", "dataset_size"])
def test_without_batch_and_dataset_nobody_knows_whether_the_study_speaks_of_a_run(unknown):
    one = proposed(run(**{unknown: None}))
    assert all(remedy.effect is None for remedy in one.values())
    assert "not both known" in str(one["beta2"].reason)


def test_of_spikes_that_something_set_off_no_effect_is_given():
    one = run()
    found = findings(one)[0]
    rate = CauseVerdict("lr-change", Tier.TRIGGER, Status.SUPPORTED, 0.9, ())
    triggered = replace(found, explain=lambda _: Explanation((rate,), "lr-change"))
    foreseen = foresee(one, (triggered,), rates())
    assert all(remedy.effect is None for remedy in foreseen)
    assert "nothing set the spikes off" in str(foreseen[0].reason)


@pytest.mark.parametrize(("mse", "studied"), [(0.1, True), (7e-6, False), (70.0, True)])
def test_a_floor_far_below_what_was_tried_has_no_effect_and_none_is_set_higher(mse, studied):
    one = run(action_dim=7)
    curve = one.series["bc/mse"]
    one = replace(one, series={**one.series, "bc/mse": replace(curve, values=0 * curve.values + mse)})
    floor = proposed(one)["sigma-floor"]
    assert (floor.effect is not None) is studied
    assert floor.advice.change.value <= 0.1


def test_of_a_loss_that_is_no_likelihood_no_effect_is_given():
    one = run("train/td_loss")
    assert "train/td_loss is not known to be one" in str(proposed(one)["beta2"].reason)


def test_without_a_spike_there_is_nothing_to_prevent():
    assert all(remedy.effect is None for remedy in foresee(run(), (), rates()))


def test_a_probe_prevents_nothing():
    probe = proposed(run())["probe"]
    assert probe.applies
    assert probe.effect is None


def test_a_rate_that_ends_low_decays_whatever_is_stated():
    steps = np.arange(600) * 10
    arrays = {"bc/actor_loss": (steps, np.zeros(600)), "train/lr": (steps, np.linspace(1e-3, 0, 600))}
    assert settings_of(Run.from_arrays(arrays, lr_schedule="constant")).decays is True


def test_the_batch_of_the_study_is_that_of_an_update_also_where_no_dataset_is_known() -> None:
    run = Run.from_arrays({"loss": np.ones(50)}, batch_size=16, effective_batch_size=64)
    assert settings_of(run).batch_size == run.batch_size.number == 64


def test_a_condition_is_worth_what_its_removal_prevents():
    one = run()
    judged = {c.condition: c for c in conditions(one, findings(one))}
    diagnosis = replace(diagnose(one), foresee=lambda: foresee(one, findings(one), rates()))
    batch = diagnosis.worth(judged["batch-ratio"])
    assert batch.id == "smaller-batch"
    assert batch.effect.prevented > 0
    assert diagnosis.worth(judged["passes"]) is None


def test_an_effect_is_predicted_only_when_it_is_read():
    asked = []
    diagnosis = replace(diagnose(run()), foresee=lambda: asked.append(1) or ())
    assert diagnosis.overall.summary
    assert not asked
    assert diagnosis.remedies == diagnosis.remedies == ()
    assert asked == [1]


def test_dataset_statistics_decide_whether_a_dimension_can_be_dropped():
    flat = ActionDimension(6, "meta/stats.json", 1.0, 1.0, 0.0, 1.0, 1.0, 1.0)
    moving = replace(flat, low=-1.0, sd=0.4, mean=0.0, q01=-0.9, q99=0.9)
    assert proposed(replace(run(), actions=(flat,)))["drop-dimension"].applies
    assert not proposed(replace(run(), actions=(moving,)))["drop-dimension"].applies


RUN = cases.make_run(cases.nll(), cases.mse())


def test_the_batch_of_the_rule() -> None:
    given = remedies.smaller_batch(RUN)
    assert given.code == "batch_size = 64"
    assert "4.0 times less" in str(given.text)


def test_a_batch_gathered_in_parts_is_made_smaller_in_each() -> None:
    facts = {"batch_size": 64, "effective_batch_size": 256, "dataset_size": 418}
    given = remedies.smaller_batch(cases.make_run(cases.nll(), None, facts=facts))
    assert given.code == "batch_size = 16  # of 4 parts"


def test_the_floor_is_half_the_error_per_dimension() -> None:
    assert "0.06" in remedies.sigma_floor(RUN).code
    assert "0.05" in remedies.sigma_floor(cases.make_run(cases.nll(), None)).code


def test_the_decay_spans_the_run() -> None:
    assert "T_max=20000" in remedies.decay_rate(RUN).code


def test_a_batch_within_the_rule_is_made_a_quarter() -> None:
    run = cases.make_run(cases.nll(), None, facts={"batch_size": 256, "dataset_size": 2090})
    given = remedies.smaller_batch(run)
    assert given.code == "batch_size = 64"
    assert "a quarter of it" in str(given.text)


def test_more_data_is_five_times_as_much() -> None:
    assert "2,090 samples" in str(remedies.more_data(RUN).text)


@pytest.mark.parametrize("library", [None, "hil-serl"])
def test_code_is_written_for_the_library(library: str | None) -> None:
    run = replace(RUN, remedy_lines=remedy_lines(presets().get(library)))
    codes = [
        remedies.sigma_floor(run).code,
        remedies.decay_rate(run).code,
        remedies.lower_beta2(run).code,
        remedies.clip_gradients(run, 3.2).code,
    ]
    assert all(("optax" in code or "jnp" in code) == (library == "hil-serl") for code in codes)
    assert "1)" in codes[3]


def test_the_rate_of_a_decay_is_stated_or_logged_or_left_to_the_user() -> None:
    jax = {"remedy_lines": remedy_lines(presets()["hil-serl"]), "facts": {}}
    logged = cases.series("lr", Role.LEARNING_RATE, np.full(len(cases.STEPS), 2e-4))
    assert "(learning_rate, 20000)" in remedies.decay_rate(cases.make_run(cases.nll(), None, **jax)).code
    assert "(0.0002, 20000)" in remedies.decay_rate(cases.make_run(cases.nll(), None, logged, **jax)).code


def test_a_beta2_that_nobody_states_is_called_assumed() -> None:
    stated = cases.make_run(cases.nll(), None, facts={"beta2": 0.99})
    assert "from 0.99 to" in str(remedies.lower_beta2(stated).text)
    unknown = cases.make_run(cases.nll(), None, facts={})
    assert "from 0.999 (assumed) to" in str(remedies.lower_beta2(unknown).text)


def test_gradients_of_a_likelihood_are_clipped_as_in_the_study_and_others_at_their_own_calm_norm() -> None:
    other = Run.from_arrays({"train/td_loss": (cases.STEPS, np.ones(len(cases.STEPS)))})
    assert remedies.clip_gradients(RUN, 320.0).change.value == 1.0
    assert remedies.clip_gradients(other, 320.0).change.value == 300.0
