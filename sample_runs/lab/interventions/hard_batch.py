"""hard-batch: a few corrupted samples in single batches."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth

if TYPE_CHECKING:
    from sample_runs.lab.state import Batch


@dataclass(frozen=True)
class HardBatch(Intervention):
    """In the batches of `steps`, move `samples` actions by `offset` in every smooth dimension."""

    steps: tuple[int, ...]
    samples: int
    offset: float

    def batch(self, batch: "Batch", step: int) -> "Batch":
        """The batch, corrupted if it is one of the chosen; gathered batches are copies."""
        if step in self.steps:
            batch.actions[: self.samples, :-1] += self.offset
        return batch

    def truth(self) -> Truth:
        """Wrong actions are large errors: loss and error rise in the same batch."""
        return Truth(
            f"{self.samples} actions of a single batch are off by {self.offset:g}, at updates "
            + ", ".join(f"{step:,}" for step in self.steps)
            + ".",
            "Only these batches are changed; their wrong actions are errors: the error rises with the loss.",
            step=self.steps[0],
            kind=("transient", "train"),
            coupling=("coupled", "partly"),
            primary_cause="hard-batch",
        )
