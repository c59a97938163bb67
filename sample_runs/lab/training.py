"""Training: behaviour cloning, one update after the other, with one intervention looking on."""

import math

import torch
from torch import Tensor

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.metric_log import MetricLog
from sample_runs.lab.policy import HALF_LOG_TWO_PI, Likelihood
from sample_runs.lab.recipe import Recipe
from sample_runs.lab.sampling import batches
from sample_runs.lab.state import Batch, State
from spikediag.live.recorder import Recorder


class Training(State):
    """A training in progress, and what it logged.

    Attributes:
        recorder: Keeps the evidence of the updates in `recorded`; looking on, it changes nothing.
    """

    def __init__(
        self,
        recipe: Recipe,
        intervention: Intervention,
        recorder: Recorder | None = None,
        recorded: range = range(0),
    ) -> None:
        super().__init__(recipe)
        self.recorder, self.recorded = recorder, recorded
        self.intervention = intervention
        self.batches = batches(recipe, self.policy, self.observations, self.actions)
        self.log = MetricLog()

    def run(self) -> MetricLog:
        """Train all sessions and return what was logged."""
        for number, steps in enumerate(self.intervention.sessions(self.recipe.train_steps)):
            self.log.begin_session()
            self.intervention.before_session(self, number)
            for step in steps:
                self.update(step)
        return self.log

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
        recorded = self.recorder is not None and step in self.recorded
        if logged or recorded or self.recipe.max_grad_norm is not None:
            limit = self.recipe.max_grad_norm if self.recipe.max_grad_norm is not None else math.inf
            norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), limit)
        if logged:
            row = self.measure(step, likelihood, penalty, float(norm))
            self.log.add(step, self.intervention.logged(row, step))
        if self.recorder is not None and recorded:
            self._record(self.recorder, step, drawn, likelihood, norm)
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

    def _record(
        self, recorder: Recorder, step: int, drawn: Tensor, likelihood: Likelihood, norm: Tensor
    ) -> None:
        """What `likelihood` is made of, and what the same weights make of all transitions."""
        with torch.no_grad():
            every = self.policy.likelihood(self.observations, self.actions)
        recorder.record(
            step,
            indices=drawn,
            nll=likelihood.terms(),
            log_std=likelihood.log_std,
            grad_norm=norm,
            probe_loss=every.terms(),
        )

    def measure(
        self, step: int, likelihood: Likelihood, penalty: Tensor | float, norm: float
    ) -> dict[str, float]:
        """What is logged of one update."""
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
