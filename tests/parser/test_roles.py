"""Every library's tags are understood with no configuration, and the known traps are not stepped into."""

# ruff: noqa: E501  # tables of tags

import time

import numpy as np
import pytest

from spikediag.model import Framework, LossKind, Measure, Reduction, Role, Transform
from spikediag.parser import read_run, run_from_arrays
from spikediag.parser.library_presets import GENERAL, log_lines, presets, recognise
from spikediag.parser.roles import assign_roles
from tests.parser.libraries import LIBRARIES
from tests.parser.writing import tags_run


def run_of(*tags: str, n: int = 5):
    rng = np.random.default_rng(0)
    return run_from_arrays({tag: (np.arange(n), rng.uniform(0.1, 1, n)) for tag in tags}, {})


@pytest.mark.parametrize("library", LIBRARIES)
def test_library(tmp_path, library: str) -> None:
    expected = LIBRARIES[library]
    run = read_run(tags_run(tmp_path / library, expected))
    assert run.library == library
    found = {}
    for tag, series in run.series.items():
        found[tag] = series.role.value
        if ":" in expected[tag]:
            found[tag] += f":{series.measure.value}"
    assert found == expected
    assert all(str(series.reason) for series in run.series.values())


def test_every_preset_is_shown() -> None:
    assert set(presets()) - {GENERAL} == set(LIBRARIES)


@pytest.mark.parametrize("preset", presets().values(), ids=lambda preset: preset.name)
def test_log_lines_are_for_roles_that_causes_ask_for(preset) -> None:
    general = presets()[GENERAL].frameworks[Framework.TORCH]
    assert set(preset.lines.log) <= set(general.log)
    assert set(preset.lines.remedies) <= set(general.remedies)


def test_the_line_for_an_error_metric_is_that_of_the_library() -> None:
    assert "self.logger.record" in run_of("train/actor_loss", "rollout/ep_rew_mean").log_lines[Role.COMPANION]


@pytest.mark.parametrize(
    ("kinds", "asked"),
    [
        ({LossKind.LIKELIHOOD}, "mean - action"),
        ({LossKind.UNKNOWN}, "prediction - target"),
        ({LossKind.VALUE}, "prediction - target"),
        ({LossKind.CROSS_ENTROPY}, "labels"),
        ({LossKind.CROSS_ENTROPY, LossKind.UNKNOWN}, "labels"),
        ({LossKind.DENOISING}, None),
    ],
)
def test_the_line_for_an_error_metric_is_that_of_the_loss(kinds: set[LossKind], asked: str | None) -> None:
    line = log_lines(None, kinds).get(Role.COMPANION)
    assert line is asked or asked in line


def test_log_lines_of_the_library_and_of_all() -> None:
    assert "jnp.log" in run_of("bc/actor_loss", "bc/mse").log_lines["log_std"]
    assert "add_scalar" in run_of("my_loss").log_lines["log_std"]


WITHOUT_PRESET = {  # libraries whose tags the general rules understand: role, or the kind of a loss
    "preferences": {
        "train/loss": "kl_regularised", "train/rewards/chosen": "reward", "train/rewards/margins": "reward",
        "train/rewards/accuracies": "reward", "train/rewards/rejected": "other",
    },
    "sheeprl": {
        "Loss/policy_loss": "policy_gradient", "Loss/value_loss": "value", "Loss/entropy_loss": "entropy",
        "Info/ent_coef": "other", "Rewards/rew_avg": "reward", "Game/ep_len_avg": "other",
    },
    "sheeprl, dreaming": {
        "Loss/world_model_loss": "unknown", "Loss/policy_loss": "policy_gradient", "Loss/value_loss": "value",
        "Grads/world_model": "grad_norm", "Grads/actor": "grad_norm", "Rewards/rew_avg": "reward",
    },
    "CORL, TD3+BC": {"actor_loss": "actor", "critic_loss": "value", "d4rl_normalized_score": "reward"},
    "on-policy": {
        "agent0/policy_loss": "policy_gradient", "agent0/value_loss": "value", "average_episode_rewards": "reward",
    },
    "spaCy": {"losses/ner": "unknown", "losses/tok2vec": "unknown"},
    "timm": {
        "train_loss": "cross_entropy", "eval_loss": "cross_entropy", "eval_top1": "companion",
        "eval_top5": "companion", "lr": "learning_rate",
    },
    "a callback that scores spikes": {"train/loss": "unknown", "spike/SpikeScore": "other"},
    "lerobot": {
        "train/loss": "unknown", "train/grad_norm": "grad_norm", "train/lr": "learning_rate", "train/samples": "samples",
        "train/epochs": "epoch", "train/update_s": "other", "eval/avg_sum_reward": "reward", "eval/pc_success": "reward",
    },
    "lerobot, reinforced": {
        "train/loss_actor": "actor", "train/loss_critic": "value", "train/loss_temperature": "other",
        "train/actor_grad_norm": "grad_norm", "train/Episodic reward": "reward", "train/replay_buffer_size": "samples",
    },
    "CORL": {"actor_loss": "actor", "value_loss": "value", "q_loss": "value", "actor_lr": "learning_rate"},
    "openpi": {"loss": "unknown", "grad_norm": "grad_norm", "param_norm": "other"},
    "HiFi-GAN": {"training/gen_loss_total": "adversarial", "training/mel_spec_error": "companion"},
    "VITS": {"loss/g/total": "adversarial", "loss/d/total": "adversarial", "grad_norm_d": "grad_norm", "loss/g/mel": "adversarial"},
    "TRL before 0.12": {
        "ppo/loss/policy": "policy_gradient", "ppo/loss/value": "value", "ppo/loss/total": "policy_gradient",
        "ppo/policy/approxkl": "other", "ppo/mean_scores": "reward", "objective/kl": "other", "ppo/std_scores": "other",
    },
    "Spinning Up": {"LossPi": "policy_gradient", "LossV": "value", "Entropy": "entropy", "AverageEpRet": "reward", "KL": "other"},
    "Dreamer": {"train/model_loss": "unknown", "train/value_loss": "value", "train/model_grad_norm": "grad_norm"},
    "latent diffusion": {"train/loss_simple": "denoising", "train/loss_vlb": "denoising", "val/loss_simple_ema": "denoising"},
}  # fmt: skip


@pytest.mark.parametrize("library", WITHOUT_PRESET)
def test_library_without_a_preset(library: str) -> None:
    expected = WITHOUT_PRESET[library]
    run = run_of(*expected)
    found = {
        tag: (run.loss_kind(s) if s.role is Role.LOSS else s.role).value for tag, s in run.series.items()
    }
    assert run.library is None
    assert found == expected


@pytest.mark.parametrize(
    "tag",
    [
        "train/reward_std",
        "test/length_std",
        "adv_std",
        "value/std",
        "obs_sigma",
        "grad_std",
        "weights/std_err",
        "stdout",
    ],
)
def test_a_spread_of_something_else_is_no_policy_std(tag: str) -> None:
    assert run_of(tag).series[tag].role is not Role.LOG_STD


@pytest.mark.parametrize(
    ("tag", "role"),
    [
        ("train/log_std", Role.LOG_STD),
        ("policy/logstd_mean", Role.LOG_STD),
        ("actor/std", Role.LOG_STD),
        ("action_std", Role.LOG_STD),
        ("Loss/learning_rate", Role.LEARNING_RATE),
        ("Optimizer/policy_lr", Role.LEARNING_RATE),
        ("loss vs samples", Role.OTHER),
        ("Train/mean_reward/time", Role.OTHER),
        ("loss_smoothed", Role.OTHER),
        ("bc/log_prob", Role.OTHER),
        ("loss_weight", Role.OTHER),
        ("loss_scale", Role.LOSS_SCALE),
        ("amp/grad_scale", Role.LOSS_SCALE),
        ("grad_gnorm", Role.GRAD_NORM),
        ("total_norm", Role.GRAD_NORM),
        ("train/total_norm", Role.GRAD_NORM),
        ("train/grad norm", Role.GRAD_NORM),
        ("total_loss", Role.LOSS),
        ("loss", Role.LOSS),
        ("val/rmse", Role.COMPANION),
        ("lr", Role.LEARNING_RATE),
        ("bc/neglogp", Role.LOSS),
        ("train/neg_log_likelihood", Role.LOSS),
        ("train/log_likelihood", Role.OTHER),
        ("clear", Role.OTHER),
        ("glossary", Role.OTHER),
        ("alpha_loss", Role.OTHER),
        ("num_frames_std", Role.OTHER),
        ("timesteps_per_episode/std", Role.OTHER),
        ("AverageReturn/Train", Role.REWARD),
        ("Eval_AverageReturn", Role.REWARD),
        ("Train_StdReturn", Role.OTHER),
        ("train/rew", Role.REWARD),
        ("mel_spec_error", Role.COMPANION),
        ("grad_norm_d", Role.GRAD_NORM),
        ("train/grad_norm/actor", Role.GRAD_NORM),
        ("logloss", Role.LOSS),
        ("ppo/mean_scores", Role.REWARD),
        ("ppo/std_scores", Role.OTHER),
        ("ppo/mean_non_score_reward", Role.OTHER),
        ("lm loss vs tokens", Role.OTHER),
        ("Policy/mean_noise_std", Role.LOG_STD),
        ("Policy / Standard deviation", Role.LOG_STD),
        ("my_policy/std", Role.LOG_STD),
    ],
)
def test_general_rules(tag: str, role: Role) -> None:
    assert run_of(tag).series[tag].role is role


def test_a_policy_loss_beside_a_squared_error_is_a_likelihood() -> None:
    run = run_of("agent/actor_loss", "agent/mse", "critic/actor_loss")
    imitation = run_of("bc/loss", "bc/neglogp", "bc/ce_loss")
    assert imitation.series["bc/loss"].measure is Measure.TOTAL
    assert imitation.series["bc/ce_loss"].measure is Measure.UNKNOWN
    student = run_of("Loss/behavior", "Loss/mse", "Policy/mean_std")
    assert student.series["Loss/behavior"].measure is Measure.NLL
    assert run.series["agent/actor_loss"].measure is Measure.NLL
    assert run.series["critic/actor_loss"].measure is Measure.POLICY


def test_std_is_kept_as_logged_and_reckoned_with_as_its_logarithm() -> None:
    run = run_from_arrays({"policy/std": ([0, 1, 2], [1.0, np.e, 0.0])}, {})
    series = run.series["policy/std"]
    np.testing.assert_array_equal(series.values, [1.0, np.e, 0.0])
    np.testing.assert_allclose(series.natural.values, [0.0, 1.0, np.nan])
    assert series.natural.natural is series.natural
    assert series.reduction is Reduction.MEAN
    assert series.transform is Transform.LN
    assert "logarithm" in str(series.reason)


def test_signs_and_units(tmp_path) -> None:
    sb3 = read_run(tags_run(tmp_path, ["train/entropy_loss", "train/loss", "rollout/ep_rew_mean"]))
    np.testing.assert_array_equal(sb3.series["train/entropy_loss"].natural.values, [-0.0, -1.0, -2.0])
    np.testing.assert_array_equal(sb3.series["train/entropy_loss"].values, [0.0, 1.0, 2.0])
    assert sb3.series["train/entropy_loss"].transform is Transform.NEGATED
    assert sb3.series["train/loss"].transform is Transform.NONE
    verl = run_from_arrays({"train/lr(1e-3)": ([0, 1], [1.0, 2.0]), "train/loss": ([0, 1], [1.0, 2.0])}, {})
    np.testing.assert_allclose(verl.series["train/lr(1e-3)"].values, [1e-3, 2e-3])


def test_statistics_of_a_tag_are_dropped() -> None:
    run = run_of("update/loss", "update/loss/std", "update/loss-min")
    assert run.series["update/loss/std"].role is Role.OTHER
    assert run.series["update/loss-min"].role is Role.OTHER


def test_a_companion_that_is_the_loss_in_other_units() -> None:
    rng = np.random.default_rng(3)
    error = rng.gamma(2.0, 0.1, 200)
    steps = np.arange(200)
    run = run_from_arrays({"bc/loss": (steps, 3 * error + 1), "bc/mse": (steps, error)}, {})
    assert run.series["bc/mse"].role is Role.OTHER
    assert run.series["bc/mse"].copy_of == "bc/loss"


def test_one_common_leap_makes_no_twin() -> None:
    rng = np.random.default_rng(4)
    loss, error = rng.normal(size=200), rng.normal(size=200)
    loss[120], error[120] = 1e6, 1e6
    run = run_from_arrays({"bc/loss": (np.arange(200), loss), "bc/mse": (np.arange(200), error)}, {})
    assert run.series["bc/mse"].role is Role.COMPANION


def test_two_ramps_of_equal_steps_are_no_twins() -> None:
    steps = np.arange(100)
    run = run_from_arrays({"bc/loss": (steps, 2.0 * steps), "bc/mse": (steps, 3.0 * steps)}, {})
    assert run.series["bc/mse"].role is Role.COMPANION


def test_the_rules_look_at_the_beginning_of_a_tag_of_megabytes() -> None:
    tags = [f"{k}/" + "loss_mean/" * 100_000 for k in range(6)]
    start = time.process_time()
    assert set(assign_roles(tags, recognise(tags), {})) == set(tags)
    assert time.process_time() - start < 2
