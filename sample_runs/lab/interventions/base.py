"""Intervention: the hooks through which a training can be disturbed; this one disturbs nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample_runs.lab.truth import Truth

if TYPE_CHECKING:
    from torch import Tensor

    from sample_runs.lab.policy import Likelihood
    from sample_runs.lab.state import Batch, State


@dataclass(frozen=True)
class Intervention:
    """Every hook does what an undisturbed training does; an intervention replaces one or two of them."""

    def truth(self) -> Truth:
        """What must be found because of this intervention."""
        raise NotImplementedError

    def configuration(self, facts: dict[str, object]) -> dict[str, object]:
        """What the run's configuration says; disturbances that nobody planned are not in it."""
        return facts

    def sessions(self, train_steps: int) -> tuple[range, ...]:
        """The steps of each process that trained; more than one after a restart."""
        return (range(train_steps),)

    def before_session(self, training: "State", number: int) -> None:
        """Called once when a process starts."""

    def before_step(self, training: "State", step: int) -> None:
        """Called before every update."""

    def learning_rate(self, rate: float, step: int) -> float:
        """The learning rate to use instead of the scheduled `rate`."""
        return rate

    def batch(self, batch: "Batch", step: int) -> "Batch":
        """The batch to learn from instead of the drawn one."""
        return batch

    def added_loss(self, likelihood: "Likelihood", step: int) -> "Tensor | None":
        """A term of the total loss that the recipe does not have."""
        return None

    def backward(self, training: "State", loss: "Tensor", step: int) -> None:
        """Fill the gradients of the policy from the total loss."""
        loss.backward()

    def logged(self, row: dict[str, float], step: int) -> dict[str, float]:
        """What is logged instead of the measured `row`."""
        return row
