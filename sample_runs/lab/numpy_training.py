"""Training in NumPy: the undisturbed update by hand, half the time of autograd; the study trains with it.

It starts from the weights of a `Training` and changes them in place, so the policy, the sampling and the
schedule stay the laboratory's own. A transition drawn twice is computed once and counted twice. A test holds
it to the training it stands for: the curves agree to rounding until chaos takes over.
"""

import math

import numpy as np
from numpy.typing import NDArray

from sample_runs.lab.metric_log import MetricLog
from sample_runs.lab.policy import HALF_LOG_TWO_PI
from sample_runs.lab.training import Training

EPSILON = np.float32(1e-8)  # Adam's, as in PyTorch
Floats = NDArray[np.float32]


class NumpyTraining:
    """A training that measures `actor_loss`, `mse` and `log_std_min` and is never disturbed."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self.recipe = training.recipe
        self.weights: list[Floats] = [weight.detach().numpy() for weight in training.policy.parameters()]
        self.first = [np.zeros_like(weight) for weight in self.weights]
        self.second = [np.zeros_like(weight) for weight in self.weights]
        self.log = MetricLog()

    def run(self) -> MetricLog:
        """Train to the recipe's last update and return what was logged."""
        self.log.begin_session()
        for step in range(self.recipe.train_steps):
            self.update(step)
        return self.log

    def update(self, step: int) -> None:
        """One batch, one optimizer step; logged every `log_period` steps."""
        drawn, counts = np.unique(next(self.training.batches).numpy(), return_counts=True)
        share = (counts / counts.sum()).astype(np.float32)[:, None]
        gradients = self._gradients(step, drawn, share)
        decay = np.float32(self.recipe.weight_decay)
        gradients = [g + decay * weight for g, weight in zip(gradients, self.weights, strict=True)]
        if self.recipe.max_grad_norm is not None:
            norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients))
            scale = np.float32(min(1.0, self.recipe.max_grad_norm / (norm + 1e-6)))
            gradients = [g * scale for g in gradients]
        self._adam(step, gradients)

    def _gradients(self, step: int, drawn: NDArray[np.int64], share: Floats) -> list[Floats]:
        """The gradient of the likelihood by hand, layer by layer from the head down."""
        weight1, bias1, weight2, bias2, weight3, bias3 = self.weights
        observations = self.training.demonstrations.observations[drawn]
        hidden1 = np.tanh(observations @ weight1.T + bias1)
        hidden2 = np.tanh(hidden1 @ weight2.T + bias2)
        mean, raw = np.split(hidden2 @ weight3.T + bias3, 2, axis=1)
        free = np.exp(raw)
        std = free.clip(self.recipe.std_min, self.recipe.std_max)
        error = self.training.demonstrations.actions[drawn] - mean
        surprise = np.square(error / std)
        if step % self.recipe.log_period == 0:
            self._log(step, error, surprise, np.log(std), share)
        of_mean = -error / np.square(std) * share
        of_log_std = (1.0 - surprise) * share * (free == std)
        of_head = np.hstack([of_mean, of_log_std])
        of_hidden2 = (of_head @ weight3) * (1.0 - np.square(hidden2))
        of_hidden1 = (of_hidden2 @ weight2) * (1.0 - np.square(hidden1))
        layers = ((of_hidden1, observations), (of_hidden2, hidden1), (of_head, hidden2))
        return [part for above, below in layers for part in (above.T @ below, above.sum(axis=0))]

    def _adam(self, step: int, gradients: list[Floats]) -> None:
        beta1, beta2 = np.float32(self.recipe.beta1), np.float32(self.recipe.beta2)
        rate = self.training.scheduled_rate(step) / (1.0 - self.recipe.beta1 ** (step + 1))
        correction = np.float32(1.0 / math.sqrt(1.0 - self.recipe.beta2 ** (step + 1)))
        memory = zip(self.weights, self.first, self.second, gradients, strict=True)
        for weight, first, second, gradient in memory:
            first[...] = beta1 * first + (1 - beta1) * gradient
            second[...] = beta2 * second + (1 - beta2) * np.square(gradient)
            weight[...] -= np.float32(rate) * first / (np.sqrt(second) * correction + EPSILON)

    def _log(self, step: int, error: Floats, surprise: Floats, log_std: Floats, share: Floats) -> None:
        constant = error.shape[1] * HALF_LOG_TWO_PI
        row = {
            "actor_loss": float(((0.5 * surprise + log_std) * share).sum()) + constant,
            "mse": float((np.square(error) * share).sum()),
            "log_std_min": float(log_std.min()),
        }
        self.log.add(step, row)
