"""What every learner has: settings that change at their iterations, restarts, and a log."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sample_runs.lab.metric_log import MetricLog

S = TypeVar("S")


@dataclass(frozen=True)
class Change:
    """Settings that are different from iteration `first` on, for `iterations` of them or for good."""

    first: int
    settings: Mapping[str, Any]
    iterations: int | None = None

    def holds(self, iteration: int) -> bool:
        """Whether it acts in an iteration."""
        return self.first <= iteration and (
            self.iterations is None or iteration < self.first + self.iterations
        )


@dataclass(frozen=True)
class Plan:
    """How long a learner trains, how it counts, and what happens to it on the way.

    Attributes:
        step_size: By how much an iteration moves the logged step.
        log_period: Iterations between two logged points.
        restart: The iteration at which another process goes on, with the weights alone.
        saved: The iteration that the weights are from; the last one if None.
    """

    seed: int
    iterations: int
    step_size: int = 1
    log_period: int = 1
    changes: tuple[Change, ...] = ()
    restart: int | None = None
    saved: int | None = None

    def settings(self, usual: S, iteration: int) -> S:
        """The settings of an iteration."""
        for change in self.changes:
            if change.holds(iteration):
                usual = replace(usual, **change.settings)  # type: ignore[type-var]
        return usual

    def run(self, log: MetricLog) -> Iterator[int]:
        """The iterations, a new session of the log begun with each process."""
        for iteration in range(self.iterations):
            if iteration in {0, self.restart}:
                log.begin_session()
            yield iteration

    def step(self, iteration: int) -> int:
        """What the log calls an iteration."""
        return iteration * self.step_size
