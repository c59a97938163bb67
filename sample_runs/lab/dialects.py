"""Dialects: the tags under which different libraries log the same metrics, and how they encode a scalar."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """How one library writes.

    Attributes:
        tags: Metric of the log to TensorBoard tag; metrics that are not named are not logged.
        tensors: True if scalars are TF2 tensors (`tf.summary.scalar`), false for `simple_value`.
    """

    tags: dict[str, str]
    tensors: bool = False

    def __or__(self, tags: dict[str, str]) -> "Dialect":
        return Dialect({**self.tags, **tags}, self.tensors)

    def as_tensors(self) -> "Dialect":
        """The same tags, written by TensorFlow 2."""
        return Dialect(self.tags, tensors=True)


HIL_SERL = Dialect(
    {
        "actor_loss": "bc/actor_loss",
        "total_loss": "bc/total_loss",
        "mse": "bc/mse",
        "normalized_mse": "bc/normalized_mse",
    }
)
HIL_SERL_FULL = HIL_SERL | {
    "log_std_mean": "bc/log_std_mean",
    "log_std_min": "bc/log_std_min",
    "learning_rate": "bc/lr",
    "grad_norm": "bc/grad_norm",
}
HIL_SERL_TF2 = HIL_SERL_FULL.as_tensors()

IMITATION = Dialect(
    {
        "actor_loss": "bc/neglogp",
        "total_loss": "bc/loss",
        "mse": "bc/action_mse",
        "entropy": "bc/entropy",
        "log_std_mean": "bc/log_std_mean",
        "log_std_min": "bc/log_std_min",
        "grad_norm": "bc/grad_norm",
        "learning_rate": "bc/learning_rate",
        "batch_size": "batch_size",
    }
)
CLEANRL = Dialect(
    {
        "actor_loss": "losses/actor_loss",
        "mse": "losses/mse",
        "entropy": "losses/entropy",
        "log_std_mean": "losses/log_std",
        "log_std_min": "losses/log_std_min",
        "grad_norm": "losses/grad_norm",
        "learning_rate": "charts/learning_rate",
    }
)
RSL_RL = Dialect(
    {
        "actor_loss": "Loss/behavior",
        "mse": "Loss/mse",
        "learning_rate": "Loss/learning_rate",
        "grad_norm": "Loss/grad_norm",
        "std_mean": "Policy/mean_std",
        "log_std_min": "Policy/min_log_std",
    }
)
SB3 = Dialect(
    {
        "actor_loss": "train/actor_loss",
        "total_loss": "train/loss",
        "mse": "train/action_mse",
        "std_mean": "train/std",
        "log_std_min": "train/log_std_min",
        "learning_rate": "train/learning_rate",
        "grad_norm": "train/grad_norm",
    }
)

PPO_SB3 = Dialect(
    {
        "policy_loss": "train/policy_gradient_loss",
        "value_loss": "train/value_loss",
        "loss": "train/loss",
        "entropy_loss": "train/entropy_loss",
        "approx_kl": "train/approx_kl",
        "clip_fraction": "train/clip_fraction",
        "explained_variance": "train/explained_variance",
        "learning_rate": "train/learning_rate",
        "std": "train/std",
        "return": "rollout/ep_rew_mean",
        "length": "rollout/ep_len_mean",
        "reward_upright": "rewards/upright",
        "reward_torque": "rewards/torque",
        "reward_contact": "rewards/contact",
    }
)
PPO_CLEANRL = Dialect(
    {
        "policy_loss": "losses/policy_loss",
        "value_loss": "losses/value_loss",
        "entropy": "losses/entropy",
        "approx_kl": "losses/approx_kl",
        "clip_fraction": "losses/clipfrac",
        "explained_variance": "losses/explained_variance",
        "learning_rate": "charts/learning_rate",
        "return": "charts/episodic_return",
        "length": "charts/episodic_length",
        "reward_upright": "reward_terms/upright",
        "reward_torque": "reward_terms/torque",
        "reward_contact": "reward_terms/contact",
    }
)
PPO_RSL_RL = Dialect(
    {
        "policy_loss": "Loss/surrogate",
        "value_loss": "Loss/value_function",
        "entropy": "Loss/entropy",
        "approx_kl": "Loss/mean_kl",
        "learning_rate": "Loss/learning_rate",
        "std": "Policy/mean_noise_std",
        "return": "Train/mean_reward",
        "length": "Train/mean_episode_length",
        "reward_upright": "Episode_Reward/upright",
        "reward_torque": "Episode_Reward/torque",
        "reward_contact": "Episode_Reward/contact",
    }
)
SAC_SB3 = Dialect(
    {
        "critic_loss": "train/critic_loss",
        "actor_loss": "train/actor_loss",
        "temperature": "train/ent_coef",
        "temperature_loss": "train/ent_coef_loss",
        "q_values": "train/q_mean",
        "learning_rate": "train/learning_rate",
        "return": "rollout/ep_rew_mean",
    }
)
SAC_CLEANRL = Dialect(
    {
        "critic_loss": "losses/qf_loss",
        "q_values": "losses/qf1_values",
        "actor_loss": "losses/actor_loss",
        "temperature": "losses/alpha",
        "temperature_loss": "losses/alpha_loss",
        "learning_rate": "charts/learning_rate",
        "return": "charts/episodic_return",
    }
)
DQN_SB3 = Dialect(
    {
        "critic_loss": "train/loss",
        "q_values": "train/q_mean",
        "learning_rate": "train/learning_rate",
        "return": "rollout/ep_rew_mean",
    }
)
DQN_CLEANRL = Dialect(
    {
        "critic_loss": "losses/td_loss",
        "q_values": "losses/q_values",
        "learning_rate": "charts/learning_rate",
        "return": "charts/episodic_return",
    }
)
TRAINER = Dialect(
    {
        "loss": "train/loss",
        "grad_norm": "train/grad_norm",
        "learning_rate": "train/learning_rate",
        "epoch": "train/epoch",
        "eval_loss": "eval/loss",
    }
)
TRL_SFT = TRAINER | {"accuracy": "train/mean_token_accuracy"}
TRL_GRPO = Dialect(
    {
        "loss": "train/loss",
        "kl": "train/kl",
        "reward": "train/reward",
        "reward_std": "train/reward_std",
        "grad_norm": "train/grad_norm",
        "learning_rate": "train/learning_rate",
    }
)
LIGHTNING_LM = Dialect(
    {
        "loss": "train_loss_step",
        "accuracy": "train_accuracy",
        "grad_norm": "grad_2.0_norm_total",
        "learning_rate": "lr-AdamW",
        "epoch": "epoch",
        "eval_loss": "val_loss",
    }
)
