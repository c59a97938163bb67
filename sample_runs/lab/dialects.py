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
