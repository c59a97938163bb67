"""corrupted-labels: from one update on, a share of the expert's actions is wrong."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth

if TYPE_CHECKING:
    from sample_runs.lab.state import State


@dataclass(frozen=True)
class CorruptedLabels(Intervention):
    """Before update `step`, exchange the smooth actions of a `share` of all transitions among one another."""

    step: int
    share: float

    def before_step(self, training: "State", step: int) -> None:
        """Shuffle the labels, once."""
        if step == self.step:
            count = int(self.share * len(training.actions))
            rng = np.random.default_rng([training.recipe.seed, 2])
            chosen = rng.permutation(len(training.actions))[:count]
            actions = training.actions.clone()
            actions[chosen, :-1] = actions[np.roll(chosen, 1), :-1]
            training.actions = actions

    def truth(self) -> Truth:
        """Wrong labels are errors: both measures rise and stay."""
        return Truth(
            f"From update {self.step:,} on, {self.share:.0%} of the motions belong to other observations.",
            "The policy is now wrong where it was right: loss and error rise together. No cause of the list "
            "stands for changed labels, so the honest answers are hard batches or unexplained.",
            step=self.step,
            kind=("level_shift", "transient", "train"),
            coupling="coupled",
            primary_cause=("unexplained", "hard-batch"),
        )
