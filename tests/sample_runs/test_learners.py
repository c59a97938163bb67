"""The small reinforcement learners and language models: they learn, and a fault acts from its step on."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sample_runs.lab.learners import language
from sample_runs.lab.learners.base import Change, Plan
from sample_runs.lab.learners.kinds import LEARNER_FAULTS, learner_faults
from sample_runs.lab.learners.language import Language, LanguageSettings
from sample_runs.lab.learners.network import Network
from spikediag import parser
from spikediag.model import LossKind, Role
from tests.conftest import some_of

EARLY = 4  # iterations before the fault


@pytest.fixture(autouse=True)
def _little_pretraining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "FLUENT", 3)


def test_the_gradient_is_the_slope_of_the_loss():
    draw = np.random.default_rng(0)
    network, inputs, wanted = Network(draw, 3, 5, 4, 2), draw.normal(size=(7, 3)), draw.normal(size=(7, 2))

    def loss() -> float:
        return 0.5 * float(np.sum((network.forward(inputs) - wanted) ** 2))

    network.backward(network.forward(inputs) - wanted)
    gradient = network.gradient.copy()
    for at in range(0, len(gradient), 5):
        network.weights[at] += 1e-6
        above = loss()
        network.weights[at] -= 2e-6
        assert gradient[at] == pytest.approx((above - loss()) / 2e-6, rel=1e-4, abs=1e-6)
        network.weights[at] += 1e-6


def test_learner_faults_differ_by_seed_and_are_the_same_again():
    first, again, other = (list(learner_faults(range(s, s + 1))) for s in (3, 3, 4))
    assert [run.learner for run in first] == [run.learner for run in again]
    assert all(a.learner != b.learner for a, b in zip(first, other, strict=True))
    assert len(first) == len(LEARNER_FAULTS)


DATED = [run for run in learner_faults(range(7, 8)) if run.truth.step is not None]


@pytest.mark.parametrize("run", some_of(*DATED[::4], slow=tuple(DATED)), ids=lambda run: run.name)
def test_a_fault_acts_at_its_step_and_not_before(run):
    """Up to its step the disturbed training is the undisturbed one, number for number."""
    plan = replace(run.learner.plan, iterations=EARLY + 3, log_period=1, changes=(), restart=None, saved=None)
    moved = tuple(replace(change, first=EARLY) for change in run.learner.plan.changes)
    restart = {} if run.learner.plan.restart is None else {"restart": EARLY, "saved": 1}
    plain, disturbed = (
        replace(run.learner, plan=p).run() for p in (plan, replace(plan, changes=moved, **restart))
    )
    metrics = set(plain.sessions[0][-1][1]) & set(run.dialect.tags)
    assert metrics
    for metric in metrics:
        np.testing.assert_array_equal(disturbed.column(metric)[:EARLY], plain.column(metric)[:EARLY])
    assert any(not np.array_equal(disturbed.column(m)[EARLY:], plain.column(m)[EARLY:]) for m in metrics)


def test_a_language_model_learns_its_text():
    log = Language(Plan(1, 120), LanguageSettings(learning_rate=1e-2, batch_size=128)).run()
    assert log.column("loss")[-10:].mean() < log.column("loss")[:10].mean() - 0.4


def test_a_logged_group_loss_is_beta_times_the_divergence():
    log = Language(Plan(1, 6), LanguageSettings(beta=0.1, warmup_steps=1)).run()
    np.testing.assert_allclose(log.column("loss"), 0.1 * log.column("kl"), atol=1e-12)
    assert log.column("kl")[-1] > 0


def test_a_restart_begins_a_session():
    log = Language(Plan(1, 6, restart=4, saved=1), LanguageSettings()).run()
    assert [len(rows) for rows in log.sessions] == [4, 2]


def test_a_change_lasts_as_long_as_it_says():
    plan = Plan(1, 9, changes=(Change(3, {"garbled": 0.5}, 2), Change(4, {"stage": 1})))
    seen = [plan.settings(LanguageSettings(), i) for i in range(6)]
    assert [s.garbled for s in seen] == [0, 0, 0, 0.5, 0.5, 0]
    assert [s.stage for s in seen] == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("ppo_reward_term", LossKind.POLICY_GRADIENT),
        ("lm_hard_batch", LossKind.CROSS_ENTROPY),
        pytest.param("sac_temperature", LossKind.ACTOR, marks=pytest.mark.slow),
        pytest.param("dqn_lr_step", LossKind.VALUE, marks=pytest.mark.slow),
        pytest.param("grpo_kl_term", LossKind.KL_REGULARISED, marks=pytest.mark.slow),
    ],
)
def test_what_is_written_is_read_for_what_it_is(fault, kind, tmp_path):
    run = next(r for r in learner_faults(range(7, 8)) if r.name.startswith(fault))
    replace(run, learner=replace(run.learner, plan=replace(run.learner.plan, iterations=24))).collect(
        tmp_path
    )
    read = parser.read_run(tmp_path / run.name)
    assert kind in {read.loss_kind(loss) for loss in read.having(Role.LOSS)}
    assert json.loads((tmp_path / run.name / "truth.json").read_text())["primary_cause"]
