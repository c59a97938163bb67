"""lr-warm-restart: a cosine schedule that has come down starts again at its top."""

import math
from dataclasses import dataclass

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth


@dataclass(frozen=True)
class LrWarmRestart(Intervention):
    """Cosine annealing with warm restarts (SGDR, arXiv 1608.03983): period `step`, from `peak` to `floor`."""

    step: int
    peak: float
    floor: float = 1e-6

    def configuration(self, facts: dict[str, object]) -> dict[str, object]:
        """The schedule is planned, restart and all."""
        schedule = {"schedule": "cosine_warm_restarts", "schedule_period": self.step, "min_lr": self.floor}
        return {**facts, "learning_rate": self.peak, **schedule}

    def learning_rate(self, rate: float, step: int) -> float:
        """The annealed rate, starting again at every multiple of `step`."""
        progress = (step % self.step) / self.step
        return self.floor + 0.5 * (self.peak - self.floor) * (1.0 + math.cos(math.pi * progress))

    def truth(self) -> Truth:
        """The restart undoes what the annealing had settled."""
        return Truth(
            f"The cosine schedule restarts at update {self.step:,}: "
            f"the learning rate leaps from {self.floor:g} to {self.peak:g}.",
            "Nothing but the learning rate changes; the loss rises with it and falls as it decays.",
            step=self.step,
            kind=("level_shift", "transient", "train", "variance", "drift"),
            coupling=("coupled", "partly", "undecided", "decoupled"),
            primary_cause="lr-change",
        )
