"""Training: behaviour cloning, one update after the other, with one intervention looking on."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.logbook import Logbook
from sample_runs.lab.policy import HALF_LOG_TWO_PI, GaussianPolicy, Likelihood
from sample_runs.lab.recipe import Recipe
from sample_runs.lab.sampling import batches


@dataclass(eq=False)
class Batch:
    """What one update learns from: observations (b, 24) and actions (b, d)."""

    observations: Tensor
    actions: Tensor


class Training:
    """A training in progress; interventions may reach into any of its parts.

    Attributes:
        policy: The network that is trained.
        optimizer: Adam over its weights.
        observations: (n, 24), and `actions` (n, d): the demonstrations as tensors.
        loss_scale: The factor on the loss, for trainings that scale it; `overflowed` if the gradients did.
        checkpoint: Saved weights, for trainings that are resumed.
    """

    def __init__(self, recipe: Recipe, intervention: Intervention) -> None:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(mode=True)
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.intervention = intervention
        self.demonstrations = recipe.task.demonstrate(recipe.trajectories, recipe.transitions)
        self.observations = torch.from_numpy(self.demonstrations.observations)
        self.actions = torch.from_numpy(self.demonstrations.actions)
        self.policy = GaussianPolicy(recipe.task.action_dim, recipe.hidden, recipe.std_min, recipe.std_max)
        self.optimizer = self.new_optimizer()
        self.batches = batches(recipe, self.policy, self.observations, self.actions)
        self.loss_scale = 1.0
        self.overflowed = False
        self.checkpoint: dict[str, Tensor] = {}
        self.logbook = Logbook()

    def new_optimizer(self) -> torch.optim.Adam:
        """Adam without memory, as a restart without optimizer state begins."""
        betas = (self.recipe.beta1, self.recipe.beta2)
        return torch.optim.Adam(
            self.policy.parameters(), lr=self.recipe.learning_rate, betas=betas, fused=True
        )

    def run(self) -> Logbook:
        """Train all sessions and return what was logged."""
        for number, steps in enumerate(self.intervention.sessions(self.recipe.train_steps)):
            self.logbook.begin_session()
            self.intervention.before_session(self, number)
            for step in steps:
                self.update(step)
        return self.logbook

    def update(self, step: int) -> Likelihood:
        """One batch, one loss, one optimizer step; logged every `log_period` steps."""
        self.intervention.before_step(self, step)
        learning_rate = self.intervention.learning_rate(self.scheduled_rate(step), step)
        self.optimizer.param_groups[0]["lr"] = learning_rate
        drawn = next(self.batches)
        batch = self.intervention.batch(Batch(self.observations[drawn], self.actions[drawn]), step)
        likelihood = self.policy.likelihood(batch.observations, batch.actions)
        penalty = self.recipe.weight_decay * self.policy.squared_norm()
        added = self.intervention.added_loss(likelihood, step)
        if added is not None:
            penalty = penalty + added
        self.optimizer.zero_grad(set_to_none=True)
        self.intervention.backward(self, likelihood.nll + penalty, step)
        logged = step % self.recipe.log_period == 0
        if logged or self.recipe.max_grad_norm is not None:
            limit = self.recipe.max_grad_norm if self.recipe.max_grad_norm is not None else math.inf
            norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), limit)
        if logged:
            row = self._measure(step, likelihood, penalty, float(norm))
            self.logbook.log(step, self.intervention.logged(row, step))
        self.optimizer.step()
        return likelihood

    def scheduled_rate(self, step: int) -> float:
        """The learning rate of the recipe's schedule at `step`."""
        if self.recipe.schedule == "constant":
            return self.recipe.learning_rate
        if self.recipe.schedule == "cosine":
            progress = step / self.recipe.train_steps
            return self.recipe.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))
        raise ValueError(f"schedule {self.recipe.schedule!r} is none of constant, cosine")

    def _measure(self, step: int, likelihood: Likelihood, penalty: Tensor, norm: float) -> dict[str, float]:
        with torch.no_grad():
            actor_loss, mse = float(likelihood.nll), float(likelihood.mse)
            log_std = likelihood.log_std.detach()
            entropy = float(log_std.sum(1).mean()) + self.policy.action_dim * (0.5 + HALF_LOG_TWO_PI)
            return {
                "actor_loss": actor_loss,
                "total_loss": actor_loss + float(penalty),
                "mse": mse,
                "normalized_mse": mse / self.demonstrations.action_variance,
                "log_std_mean": float(log_std.mean()),
                "log_std_min": float(log_std.min()),
                "std_mean": float(log_std.exp().mean()),
                "entropy": entropy,
                "learning_rate": self.optimizer.param_groups[0]["lr"],
                "grad_norm": norm,
                "loss_scale": self.loss_scale,
                "epoch": step * self.recipe.batch_size / self.recipe.dataset_size,
                "batch_size": float(len(likelihood.error)),
            }
