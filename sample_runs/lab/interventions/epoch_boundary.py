"""epoch-boundary: the last batch of every epoch is short."""

from dataclasses import dataclass

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth


@dataclass(frozen=True)
class EpochBoundary(Intervention):
    """Nothing is disturbed: the recipe samples by epochs and keeps the short last batch.

    Attributes:
        remainder: Samples in the last batch of an epoch.
        updates: Updates in an epoch.
    """

    remainder: int
    updates: int

    def truth(self) -> Truth:
        """The mean over few samples varies most, once per epoch."""
        return Truth(
            f"Shuffled epochs of {self.updates} updates whose last batch holds {self.remainder} samples.",
            "The mean over so few samples varies most, loss and error alike, at the end of an epoch only.",
            kind=("train", "transient", "variance"),
            coupling=("coupled", "undecided"),
            primary_cause="epoch-boundary",
        )
