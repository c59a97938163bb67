"""grad-explosion: one gradient is far too large."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth

if TYPE_CHECKING:
    from torch import Tensor

    from sample_runs.lab.state import State


@dataclass(frozen=True)
class GradExplosion(Intervention):
    """Multiply the gradient of update `step` by `factor`, as one broken worker of many would."""

    step: int
    factor: float

    def backward(self, training: "State", loss: "Tensor", step: int) -> None:
        """The gradient, too large at the chosen update."""
        loss.backward()
        if step == self.step:
            for weight in training.policy.parameters():
                if weight.grad is not None:
                    weight.grad.mul_(self.factor)

    def truth(self) -> Truth:
        """The loss of that batch is as usual; the update it leads to is not."""
        return Truth(
            f"The gradient of update {self.step:,} is multiplied by {self.factor:g}.",
            "The gradient norm rises first, the loss follows it from the next update on.",
            step=self.step,
            kind=("transient", "level_shift", "train"),
            coupling=("coupled", "undecided", "decoupled"),
            primary_cause="grad-explosion",
        )
