"""remedy: nothing is disturbed; the recipe differs from the reference from the first step on."""

from dataclasses import dataclass

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth


@dataclass(frozen=True)
class Remedy(Intervention):
    """A training whose recipe is the experiment; what must be found is stated with the recipe."""

    expected: Truth

    def truth(self) -> Truth:
        """What the collection states."""
        return self.expected
