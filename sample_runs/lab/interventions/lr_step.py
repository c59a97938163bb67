"""lr-step: from one update on, the learning rate is another."""

from dataclasses import dataclass

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth


@dataclass(frozen=True)
class LrStep(Intervention):
    """Multiply the scheduled learning rate by `factor` from `step` on."""

    step: int
    factor: float

    def learning_rate(self, rate: float, step: int) -> float:
        """The scheduled rate, times the factor once it holds."""
        return rate * self.factor if step >= self.step else rate

    def truth(self) -> Truth:
        """A higher rate throws the policy out of its minimum, mean and log-std alike."""
        return Truth(
            f"The learning rate is multiplied by {self.factor:g} from update {self.step:,} on.",
            "Nothing but the learning rate changes; it moves all weights, so the error may follow.",
            step=self.step,
            kind=("level_shift", "transient", "train", "variance", "drift", "divergence"),
            coupling=("coupled", "undecided", "decoupled"),
            primary_cause="lr-change",
        )
