"""non-finite: one NaN in one observation, and every weight is NaN."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth

if TYPE_CHECKING:
    from sample_runs.lab.state import Batch


@dataclass(frozen=True)
class NonFinite(Intervention):
    """The sensor of one sample reads NaN in the batch of update `step`."""

    step: int

    def batch(self, batch: "Batch", step: int) -> "Batch":
        """The batch, with one NaN if it is the chosen one."""
        if step == self.step:
            batch.observations[0, -1] = float("nan")
        return batch

    def truth(self) -> Truth:
        """The gradient of the batch is NaN, and so is every weight after it."""
        return Truth(
            f"One sensor value in the batch of update {self.step:,} is NaN.",
            "The loss, the error and every weight are NaN from this update on.",
            step=self.step,
            kind=("non_finite", "divergence"),
            coupling=("coupled", "undecided", "no_companion"),
            primary_cause="non-finite",
        )
