"""Policy: a tanh network with a Gaussian head whose mean and log-std depend on the state."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sample_runs.lab.demonstrations import OBSERVATION_DIM

HALF_LOG_TWO_PI = 0.9189385332046727


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The negative log-likelihood of a batch of actions, with what it is made of.

    Attributes:
        error: (b, d), action minus mean.
        log_std: (b, d), after clipping.
        nll: scalar, nats: the sum over action dimensions, the mean over the batch.
    """

    error: Tensor
    log_std: Tensor
    nll: Tensor

    @property
    def mse(self) -> Tensor:
        """The squared error: sum over action dimensions, mean over the batch."""
        return self.error.square().sum(1).mean()

    def terms(self) -> Tensor:
        """(b, d), the negative log-likelihood of each action of each transition, nats."""
        return 0.5 * (self.error / self.log_std.exp()).square() + self.log_std + HALF_LOG_TWO_PI


class GaussianPolicy(nn.Module):
    """24 observations, two hidden layers, mean and log-std of every action dimension."""

    def __init__(self, action_dim: int, hidden: int, std_min: float, std_max: float) -> None:
        super().__init__()
        self.action_dim = action_dim
        self.trunk = nn.Sequential(
            nn.Linear(OBSERVATION_DIM, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh()
        )
        self.head = nn.Linear(hidden, 2 * action_dim)
        self.std_min = std_min
        self.std_max = std_max

    def likelihood(self, observations: Tensor, actions: Tensor) -> Likelihood:
        """How likely the policy finds the expert's `actions`; the std is clipped as in HIL-SERL."""
        mean, raw_log_std = self.head(self.trunk(observations)).chunk(2, dim=1)
        std = raw_log_std.exp().clamp(self.std_min, self.std_max)
        error = actions - mean
        log_std = std.log()
        nll = (0.5 * (error / std).square() + log_std).sum(1).mean() + self.action_dim * HALF_LOG_TWO_PI
        return Likelihood(error, log_std, nll)

    def squared_norm(self) -> Tensor:
        """Half the squared length of all weights, the quantity that weight decay penalises."""
        return 0.5 * sum((weight.square().sum() for weight in self.parameters()), torch.zeros(()))

    def log_std_bias(self) -> Tensor:
        """(d,), the part of the head's bias that every log-std shares; a view, so it can be changed."""
        return self.head.bias.detach()[self.action_dim :]
