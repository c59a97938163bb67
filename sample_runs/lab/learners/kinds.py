"""Fault kinds of reinforcement learners and language models: what each fault looks like for one seed.

Every seed draws settings, a dialect and a place for the configuration, and writes folders like those of
`sample_runs.lab.faults`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from sample_runs.lab import dialects
from sample_runs.lab.configuration_places import ConfigurationPlace
from sample_runs.lab.dialects import Dialect
from sample_runs.lab.faults import PLACES
from sample_runs.lab.learners.base import Change, Plan
from sample_runs.lab.learners.language import Language, LanguageSettings
from sample_runs.lab.learners.off_policy import POLES as PLAYERS
from sample_runs.lab.learners.off_policy import OffPolicy, OffPolicySettings
from sample_runs.lab.learners.ppo import HORIZON, POLES, Ppo, PpoSettings
from sample_runs.lab.metric_log import MetricLog
from sample_runs.lab.sample_run import write_down
from sample_runs.lab.truth import KINDS, Truth

Draw = np.random.Generator
Learner = Ppo | OffPolicy | Language
L = TypeVar("L", Ppo, OffPolicy, Language)


@dataclass(frozen=True)
class LearnerRun:
    """A learner, what is known of its fault, and the way it is written down."""

    name: str
    learner: Learner
    truth: Truth
    dialect: Dialect
    place: ConfigurationPlace

    def collect(self, root: Path) -> MetricLog:
        """Train, and write events, configuration and truth into `root / name`."""
        log = self.learner.run()
        folder = root / self.name
        write_down(folder, log, self.dialect, place=self.place, facts=self.learner.facts())
        self.truth.write(folder / "truth.json", self.name)
        return log


@dataclass(frozen=True)
class Case:
    """A learner with one fault."""

    learner: Learner
    truth: Truth
    dialect: Dialect


Kind = Callable[[Draw, int], Case]


def learner_faults(seeds: range) -> Iterator[LearnerRun]:
    """One run per fault and seed, all faults of a seed before the next seed."""
    for seed in seeds:
        for number, kind in enumerate(LEARNER_FAULTS):
            draw = np.random.default_rng([seed, 1000 + number])
            case = kind(draw, seed * len(LEARNER_FAULTS) + number)
            place = PLACES[int(draw.integers(len(PLACES)))]
            name = f"{kind.__name__.lstrip('_')}_{seed:03}"
            yield LearnerRun(name, case.learner, case.truth, case.dialect, place)


def _late(draw: Draw, plan: Plan) -> int:
    """An iteration of the second part, one that is logged."""
    return int(draw.uniform(0.5, 0.75) * plan.iterations) // plan.log_period * plan.log_period


def _truth(cause: str | tuple[str, ...], step: int | None, intervention: str, why: str) -> Truth:
    return Truth(intervention, why, step=step, kind=KINDS, primary_cause=cause)


def _calm(what: str) -> Truth:
    return Truth("None.", f"{what} learns undisturbed.")


def _ppo(draw: Draw, seed: int) -> tuple[Ppo, Dialect]:
    """A PPO that has learnt most of what it can when the second part begins."""
    dialect = (dialects.PPO_SB3, dialects.PPO_CLEANRL, dialects.PPO_RSL_RL)[int(draw.integers(3))]
    adaptive = dialect is dialects.PPO_RSL_RL and draw.random() < 0.5
    settings = PpoSettings(
        learning_rate=float(draw.choice([5e-4, 1e-3, 2e-3])),
        gamma=float(draw.choice([0.9, 0.95])),
        entropy_coef=float(draw.choice([0.003, 0.01])),
        hidden=int(draw.choice([16, 24, 32])),
        desired_kl=0.01 if adaptive else None,
    )
    step_size = 1 if dialect is dialects.PPO_RSL_RL else POLES * HORIZON
    return Ppo(Plan(seed, int(draw.integers(280, 360)), step_size), settings), dialect


def _disturbed(learner: L, *changes: Change) -> L:
    return replace(learner, plan=replace(learner.plan, changes=changes))


def _ppo_calm(draw: Draw, seed: int) -> Case:
    learner, dialect = _ppo(draw, seed)
    return Case(learner, _calm("A PPO"), dialect)


def _ppo_trust_region(draw: Draw, seed: int) -> Case:
    learner, dialect = _ppo(draw, seed)
    at, factor = _late(draw, learner.plan), float(draw.uniform(100, 400))
    truth = _truth(
        "trust-region",
        learner.plan.step(at),
        f"In iteration {at} every update of the policy is {factor:.0f} times as long as the rate says.",
        "The policy leaves the one that had collected the data; the rate does not change.",
    )
    return Case(_disturbed(learner, Change(at, {"step_factor": factor}, 1)), truth, dialect)


def _ppo_lr_step(draw: Draw, seed: int) -> Case:
    learner, dialect = _ppo(draw, seed)
    learner = replace(learner, usual=replace(learner.usual, desired_kl=None))
    at, factor = _late(draw, learner.plan), float(draw.uniform(30, 100))
    rate = learner.usual.learning_rate * factor
    truth = _truth(
        "lr-change",
        learner.plan.step(at),
        f"From iteration {at} on the learning rate is {factor:.0f} times as high.",
        "The updates of policy and value function grow by that factor at once.",
    )
    return Case(_disturbed(learner, Change(at, {"learning_rate": rate})), truth, dialect)


def _ppo_reward_term(draw: Draw, seed: int) -> Case:
    learner, dialect = _ppo(draw, seed)
    at, force = _late(draw, learner.plan), float(10 ** draw.uniform(3.5, 5.5))
    change = Change(at, {"contact": force}, int(draw.integers(1, 4)))
    truth = _truth(
        "reward-term",
        learner.plan.step(at),
        f"From iteration {at} on, for {change.iterations}, one pole meets a contact force of {force:,.0f}.",
        "The penalty for contacts explodes, and the returns that the value function must predict with it.",
    )
    return Case(_disturbed(learner, change), truth, dialect)


def _ppo_returns_grow(draw: Draw, seed: int) -> Case:
    learner, dialect = _ppo(draw, seed)
    settings = replace(
        learner.usual,
        normalised=False,
        curriculum=True,
        desired_kl=None,
        learning_rate=float(draw.uniform(3e-4, 1e-3)),
    )
    truth = _truth(
        "returns-grow",
        None,
        "The reward rises with every mastered episode, and returns are learnt as they are.",
        "The better the policy the larger the return, and the error of predicting it grows in proportion.",
    )
    return Case(replace(learner, usual=settings), truth, dialect)


def _ppo_resume(draw: Draw, seed: int) -> Case:
    learner, dialect = _ppo(draw, seed)
    at = _late(draw, learner.plan)
    truth = _truth(
        "resume",
        learner.plan.step(at),
        f"At iteration {at} another process goes on with the weights alone.",
        "Without the statistics of the observations the networks see other numbers than they learnt from.",
    )
    return Case(replace(learner, plan=replace(learner.plan, restart=at)), truth, dialect)


def _off_policy(draw: Draw, seed: int, *, actor: bool) -> tuple[OffPolicy, Dialect]:
    pair = (dialects.SAC_SB3, dialects.SAC_CLEANRL) if actor else (dialects.DQN_SB3, dialects.DQN_CLEANRL)
    settings = OffPolicySettings(
        actor=actor,
        learning_rate=float(draw.choice([1e-3, 2e-3])),
        discount=float(draw.choice([0.9, 0.95])),
        tau=float(draw.choice([0.01, 0.02])),
        batch_size=int(draw.choice([64, 96])),
    )
    period = int(draw.integers(3, 6))
    plan = Plan(seed, int(draw.integers(360, 440)) * period, PLAYERS, period)
    return OffPolicy(plan, settings), pair[int(draw.integers(2))]


def _sac_calm(draw: Draw, seed: int) -> Case:
    learner, dialect = _off_policy(draw, seed, actor=True)
    return Case(learner, _calm("A SAC"), dialect)


def _sac_temperature(draw: Draw, seed: int) -> Case:
    learner, dialect = _off_policy(draw, seed, actor=True)
    learner = replace(learner, usual=replace(learner.usual, temperature_rate=float(draw.uniform(3e-3, 8e-3))))
    at = _late(draw, learner.plan) * 4 // 5
    truth = _truth(
        "temperature",
        learner.plan.step(at),
        f"From iteration {at:,} on the target entropy is 1.7 nats; five actions have 1.61 at most.",
        "The temperature climbs without bound, and the entropy bonus in every target with it.",
    )
    return Case(_disturbed(learner, Change(at, {"target_entropy": 1.7})), truth, dialect)


def _q_divergence(draw: Draw, seed: int) -> Case:
    learner, dialect = _off_policy(draw, seed, actor=bool(draw.integers(2)))
    at = _late(draw, learner.plan) * 4 // 5
    discount = float(draw.uniform(1.2, 1.8))
    changes = Change(at, {"discount": discount, "tau": 0.05})
    truth = _truth(
        "value-divergence",
        learner.plan.step(at),
        f"From iteration {at:,} on the next value counts {discount:.2f} times in its target.",
        "Values that are learnt from themselves grow by that factor again and again.",
    )
    return Case(_disturbed(learner, changes), truth, dialect)


def _dqn_target_update(draw: Draw, seed: int) -> Case:
    learner, dialect = _off_policy(draw, seed, actor=False)
    interval = int(draw.integers(45, 75)) * learner.plan.log_period
    learner = replace(learner, usual=replace(learner.usual, target_update_interval=interval, discount=0.98))
    truth = _truth(
        "target-update",
        None,
        f"The target network is replaced every {interval:,} iterations.",
        "All targets move at once, and the error is largest right after it.",
    )
    return Case(learner, truth, dialect)


def _dqn_lr_step(draw: Draw, seed: int) -> Case:
    learner, dialect = _off_policy(draw, seed, actor=False)
    at = _late(draw, learner.plan)
    factor = float(draw.uniform(50, 150))
    truth = _truth(
        "lr-change",
        learner.plan.step(at),
        f"From iteration {at:,} on the learning rate is {factor:.0f} times as high.",
        "The updates grow by that factor at once.",
    )
    change = Change(at, {"learning_rate": learner.usual.learning_rate * factor})
    return Case(_disturbed(learner, change), truth, dialect)


def _language(draw: Draw, seed: int) -> tuple[Language, Dialect]:
    settings = LanguageSettings(
        learning_rate=float(draw.uniform(5e-3, 1e-2)),
        decay=bool(draw.integers(2)),
        batch_size=int(draw.choice([64, 128])),
        accumulation=int(draw.choice([2, 4])),
        hidden=int(draw.choice([24, 32, 48])),
        pretrained=bool(draw.integers(2)),
    )
    period = int(draw.integers(1, 3))
    plan = Plan(seed, int(draw.integers(420, 560)) * period, log_period=period)
    dialect = (dialects.TRAINER, dialects.TRL_SFT, dialects.LIGHTNING_LM)[int(draw.integers(3))]
    return Language(plan, settings), dialect


def _lm_calm(draw: Draw, seed: int) -> Case:
    learner, dialect = _language(draw, seed)
    return Case(learner, _calm("A language model"), dialect)


def _lm_lr_step(draw: Draw, seed: int) -> Case:
    learner, dialect = _language(draw, seed)
    at = _late(draw, learner.plan)
    factor = float(draw.uniform(20, 60))
    truth = _truth(
        "lr-change",
        learner.plan.step(at),
        f"At update {at:,} the learning rate rises {factor:.0f} times.",
        "The updates grow by that factor at once.",
    )
    change = Change(at, {"learning_rate": learner.usual.learning_rate * factor})
    return Case(_disturbed(learner, change), truth, dialect)


def _lm_summed(draw: Draw, seed: int) -> Case:
    learner, dialect = _language(draw, seed)
    learner = replace(learner, usual=replace(learner.usual, accumulation=int(draw.choice([2, 4, 8]))))
    at = _late(draw, learner.plan)
    truth = _truth(
        "logging-change",
        learner.plan.step(at),
        f"From update {at:,} on the losses of {learner.usual.accumulation} micro-batches are added up.",
        "Loss and gradient norm grow by that factor; clipped updates and the held-out loss do not notice.",
    )
    return Case(_disturbed(learner, Change(at, {"summed": True})), truth, dialect)


def _lm_resume(draw: Draw, seed: int) -> Case:
    learner, dialect = _language(draw, seed)
    learner = replace(learner, usual=replace(learner.usual, pretrained=False))
    at = _late(draw, learner.plan)
    saved = int(at * draw.uniform(0.03, 0.12))
    truth = _truth(
        "resume",
        learner.plan.step(at),
        f"At update {at:,} another process goes on with the weights of update {saved:,}.",
        "The older weights know less, and the optimizer has no memory.",
    )
    plan = replace(learner.plan, restart=at, saved=saved)
    return Case(replace(learner, plan=plan), truth, dialect)


def _lm_data_stage(draw: Draw, seed: int) -> Case:
    learner, dialect = _language(draw, seed)
    at = _late(draw, learner.plan)
    truth = _truth(
        "data-stage",
        learner.plan.step(at),
        f"From update {at:,} on another text is read.",
        "The loss steps up at once and falls again as the new text is learnt.",
    )
    change = Change(at, {"stage": 1})
    return Case(_disturbed(learner, change), truth, dialect | {"stage": "train/data_stage"})


def _lm_hard_batch(draw: Draw, seed: int) -> Case:
    learner, _ = _language(draw, seed)
    learner = replace(
        learner, plan=replace(learner.plan, log_period=1), usual=replace(learner.usual, pretrained=True)
    )
    dialect = (dialects.TRL_SFT, dialects.LIGHTNING_LM)[int(draw.integers(2))]
    at, share = _late(draw, learner.plan), float(draw.uniform(0.6, 1.0))
    truth = replace(
        _truth(
            "hard-batch",
            learner.plan.step(at),
            f"{share:.0%} of the batch of update {at:,} are random letters.",
            "The model is wrong on them: loss and accuracy are bad in this batch and back in the next.",
        ),
        coupling=("coupled", "partly"),
    )
    return Case(_disturbed(learner, Change(at, {"garbled": share}, 1)), truth, dialect)


def _lm_non_finite(draw: Draw, seed: int) -> Case:
    learner, dialect = _language(draw, seed)
    at = _late(draw, learner.plan)
    truth = _truth(
        "non-finite",
        learner.plan.step(at),
        f"An input of update {at:,} is not a number.",
        "The gradient is not, and after it every weight.",
    )
    return Case(_disturbed(learner, Change(at, {"broken": True}, 1)), truth, dialect)


def _grpo_kl_term(draw: Draw, seed: int) -> Case:
    settings = LanguageSettings(
        learning_rate=float(draw.uniform(2e-3, 5e-3)),
        warmup_steps=20,
        decay=False,
        pretrained=True,
        beta=float(draw.choice([0.02, 0.04, 0.1])),
    )
    truth = _truth(
        "kl-term",
        None,
        "Advantages are centred in groups: the logged loss is beta times the divergence.",
        "It rises because the policy leaves its reference for the reward.",
    )
    learner = Language(Plan(seed, int(draw.integers(250, 350))), settings)
    return Case(learner, truth, dialects.TRL_GRPO)


LEARNER_FAULTS: tuple[Kind, ...] = (
    _ppo_calm,
    _ppo_trust_region,
    _ppo_lr_step,
    _ppo_reward_term,
    _ppo_returns_grow,
    _ppo_resume,
    _sac_calm,
    _sac_temperature,
    _q_divergence,
    _dqn_target_update,
    _dqn_lr_step,
    _lm_calm,
    _lm_lr_step,
    _lm_summed,
    _lm_resume,
    _lm_data_stage,
    _lm_hard_batch,
    _lm_non_finite,
    _grpo_kl_term,
)
