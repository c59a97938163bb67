"""State: what a training holds and an intervention may change."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sample_runs.lab.policy import GaussianPolicy
from sample_runs.lab.recipe import Recipe


@dataclass(eq=False)
class Batch:
    """What one update learns from: observations (b, 24) and actions (b, d)."""

    observations: Tensor
    actions: Tensor


class State:
    """The parts of a training in progress; interventions may reach into any of them.

    Attributes:
        policy: The network that is trained.
        optimizer: Adam over its weights.
        observations: (n, 24), and `actions` (n, d): the demonstrations as tensors.
        loss_scale: The factor on the loss, for trainings that scale it; `overflowed` if the gradients did.
        checkpoint: Saved weights, for trainings that are resumed.
    """

    def __init__(self, recipe: Recipe) -> None:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(mode=True)
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.demonstrations = recipe.task.demonstrate(recipe.trajectories, recipe.transitions)
        self.observations = torch.from_numpy(self.demonstrations.observations)
        self.actions = torch.from_numpy(self.demonstrations.actions)
        self.policy = GaussianPolicy(recipe.task.action_dim, recipe.hidden, recipe.std_min, recipe.std_max)
        self.optimizer = self.new_optimizer()
        self.loss_scale = 1.0
        self.overflowed = False
        self.checkpoint: dict[str, Tensor] = {}

    def new_optimizer(self) -> torch.optim.Adam:
        """Adam without memory, as a restart without optimizer state begins."""
        betas = (self.recipe.beta1, self.recipe.beta2)
        return torch.optim.Adam(
            self.policy.parameters(), lr=self.recipe.learning_rate, betas=betas, fused=True
        )
