"""logging-change: the training goes on undisturbed, only its log is written differently."""

from dataclasses import dataclass

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth

SUMMED = ("actor_loss", "total_loss", "mse", "normalized_mse", "grad_norm")


@dataclass(frozen=True)
class LoggingChange(Intervention):
    """From `step` on, log the mean over `parts` equal parts of a batch; before, their sum was logged."""

    step: int
    parts: int

    def logged(self, row: dict[str, float], step: int) -> dict[str, float]:
        """The row, with every batch statistic summed."""
        if step >= self.step:
            return row
        return {key: value * self.parts if key in SUMMED else value for key, value in row.items()}

    def truth(self) -> Truth:
        """Loss and error change by one and the same factor; a negative loss rises by it."""
        return Truth(
            f"From update {self.step:,} on, means over {self.parts} parts of a batch are logged, not sums.",
            "Every batch statistic changes by one factor at one step, and the weights do not notice.",
            step=self.step,
            kind=("level_shift", "variance", "transient"),
            coupling=("coupled", "undecided"),
            primary_cause="logging-change",
        )
