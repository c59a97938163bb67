"""Recipe: every setting of one training, the reference's by default."""

from dataclasses import asdict, dataclass, field

from sample_runs.lab.demonstrations import OBSERVATION_DIM, Task


@dataclass(frozen=True)
class Recipe:
    """The settings of a training; the defaults are the reference, `bc_single_trajectory`.

    Attributes:
        schedule: `constant`, or `cosine` down to zero at the last step.
        sampling: `replacement` (as HIL-SERL's replay buffer), `weighted` by the action error, or `epochs`
            (shuffled, without replacement, the short last batch kept).
        std_min: The floor of the policy's standard deviation, in action units.
        dropout: Share of hidden units left out of each update; only the fast training knows it.
        target_noise: Standard deviation of the fresh noise on the actions of every batch, in action units;
            only the fast training knows it.
        weight_decay: Factor of the penalty on half the squared weights, part of the total loss.
        max_grad_norm: Gradient clipping by the global norm, none if None.
        log_period: Updates between two logged points.
    """

    seed: int = 0
    batch_size: int = 256
    trajectories: int = 1
    transitions: int = 418
    train_steps: int = 20_000
    learning_rate: float = 3e-4
    schedule: str = "constant"
    beta1: float = 0.9
    beta2: float = 0.999
    std_min: float = 1e-5
    std_max: float = 5.0
    weight_decay: float = 1e-3
    max_grad_norm: float | None = None
    sampling: str = "replacement"
    hidden: int = 256
    dropout: float = 0.0
    target_noise: float = 0.0
    log_period: int = 10
    task: Task = field(default_factory=Task)

    @property
    def dataset_size(self) -> int:
        """Transitions in all trajectories together."""
        return self.trajectories * self.transitions

    def facts(self) -> dict[str, object]:
        """The configuration as it is written beside the event files."""
        settings = asdict(self)
        for unwritten in ("task", "beta1", "beta2", "dropout", "target_noise"):
            del settings[unwritten]
        return {
            "algorithm": "bc",
            "optimizer": "adam",
            "betas": [self.beta1, self.beta2],
            "dataset_size": self.dataset_size,
            "action_dim": self.task.action_dim,
            "observation_dim": OBSERVATION_DIM,
            **settings,
        }
