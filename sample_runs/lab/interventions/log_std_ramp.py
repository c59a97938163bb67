"""log-std-ramp: the policy is paid, more and more, for being too sure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth

if TYPE_CHECKING:
    from torch import Tensor

    from sample_runs.lab.policy import Likelihood


@dataclass(frozen=True)
class LogStdRamp(Intervention):
    """An entropy term with the wrong sign whose weight grows from 0 at `step` to `weight` at `stop`.

    Minimising e^2 / (2 sigma^2) + (1 + c) log sigma gives sigma^2 = e^2 / (1 + c): sigma shrinks as c grows,
    and the likelihood itself gets worse, while the best mean stays the best mean.
    """

    step: int
    stop: int
    weight: float

    def added_loss(self, likelihood: "Likelihood", step: int) -> "Tensor | None":
        """The entropy term, from its first step on."""
        if step < self.step:
            return None
        share = min(1.0, (step - self.step) / (self.stop - self.step))
        return self.weight * share * likelihood.log_std.sum(1).mean()

    def truth(self) -> Truth:
        """Sigma shrinks slowly; the mean is not asked to change."""
        return Truth(
            f"An entropy term of the wrong sign grows from 0 to {self.weight:g} "
            f"between updates {self.step:,} and {self.stop:,}.",
            "It shrinks every sigma gradually and leaves the best mean where it was.",
            step=self.step,
            kind=("drift", "level_shift"),
            coupling="decoupled",
            primary_cause="log-std-drift",
        )
