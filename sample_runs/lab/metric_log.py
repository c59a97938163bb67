"""Metric log: what a training measured, step by step, in the laboratory's own words."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

METRICS = (
    "actor_loss",  # nats
    "total_loss",  # nats, with the penalties that are minimised too
    "mse",  # squared action error, summed over dimensions
    "normalized_mse",  # mse over the variance of the actions
    "log_std_mean",
    "log_std_min",
    "std_mean",
    "entropy",  # nats
    "learning_rate",
    "grad_norm",  # before clipping
    "loss_scale",
    "epoch",
    "batch_size",
)


@dataclass
class MetricLog:
    """Rows of metrics in the order they were logged; one list of rows per session of the training."""

    sessions: list[list[tuple[int, dict[str, float]]]] = field(default_factory=list)

    def begin_session(self) -> None:
        """Open a new session: from here on, rows go to a new event file."""
        self.sessions.append([])

    def add(self, step: int, row: dict[str, float]) -> None:
        """Add what was measured at `step`."""
        self.sessions[-1].append((step, row))

    def column(self, metric: str) -> NDArray[np.float64]:
        """(n,), every logged value of `metric`, sessions one after the other."""
        return np.array([row[metric] for session in self.sessions for _, row in session])

    def steps(self) -> NDArray[np.int64]:
        """(n,), the step of every row."""
        return np.array([step for session in self.sessions for step, _ in session])
