"""log-std-drop: every sigma is smaller all at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth

if TYPE_CHECKING:
    from sample_runs.lab.state import State


@dataclass(frozen=True)
class LogStdDrop(Intervention):
    """Subtract `offset` from the bias of the log-std head before update `step`."""

    step: int
    offset: float

    def before_step(self, training: "State", step: int) -> None:
        """Lower the bias, once."""
        if step == self.step:
            training.policy.log_std_bias().sub_(self.offset)

    def truth(self) -> Truth:
        """The same errors are divided by smaller sigmas; the mean is not touched."""
        return Truth(
            f"The bias of the log-std head is lowered by {self.offset:g} before update {self.step:,}.",
            "Every sigma shrinks at once while the mean, and so the error at this step, stays as it was.",
            step=self.step,
            kind=("transient", "level_shift", "train"),
            coupling="decoupled",
            primary_cause="log-std-drift",
        )
