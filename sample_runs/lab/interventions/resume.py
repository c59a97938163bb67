"""resume: stopped, and started again from an older checkpoint without the optimizer's memory."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth

if TYPE_CHECKING:
    from sample_runs.lab.state import State


@dataclass(frozen=True)
class Resume(Intervention):
    """Stop before update `stop`; the next process loads the weights saved before update `step`."""

    step: int
    stop: int

    def sessions(self, train_steps: int) -> tuple[range, ...]:
        """Two processes whose steps overlap."""
        return (range(self.stop), range(self.step, train_steps))

    def before_session(self, training: "State", number: int) -> None:
        """Load the checkpoint into the second process: weights only."""
        if number == 1:
            training.policy.load_state_dict(training.checkpoint)
            training.optimizer = training.new_optimizer()

    def before_step(self, training: "State", step: int) -> None:
        """Save the checkpoint."""
        if step == self.step and not training.checkpoint:
            training.checkpoint = {k: v.clone() for k, v in training.policy.state_dict().items()}

    def truth(self) -> Truth:
        """Adam without memory takes full steps in every weight at once."""
        return Truth(
            f"Stopped at update {self.stop:,} and resumed from the weights of update {self.step:,} "
            "without the optimizer's state.",
            "The weights are the old ones; Adam without memory moves every weight by a full learning rate.",
            step=self.step,
            kind=("transient", "level_shift", "train", "drift"),
            coupling=("decoupled", "coupled", "undecided"),
            primary_cause="resume",
        )
