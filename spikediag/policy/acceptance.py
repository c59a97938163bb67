"""One spike that was accepted."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from spikediag.model import Finding

ANY_RUN = "*"


@dataclass(frozen=True)
class Acceptance:
    """What identifies an accepted spike, with the author's reason."""

    tag: str
    kind: str
    first_step: int  # the onset lies in [first_step, last_step]
    last_step: int
    height: float  # up to this; higher is worse, and fails
    count: int = 1  # of a train: up to this many excursions
    run: str = ANY_RUN  # the run's name; `*` and `?` as in file names
    reason: str = ""
    expires: date | None = None  # the last day on which it holds

    def covers(self, run: str, finding: Finding) -> bool:
        """Whether the finding is this spike, no worse than it was."""
        spike = finding.spike
        height = spike.height if math.isfinite(spike.height) else math.inf
        return (
            fnmatchcase(run, self.run)
            and (spike.tag, spike.kind.value) == (self.tag, self.kind)
            and self.first_step <= spike.onset_step <= self.last_step
            and height <= self.height
            and spike.count <= self.count
        )

    def concerns(self, runs: Iterable[str]) -> bool:
        """Whether it speaks of one of these runs."""
        return any(fnmatchcase(run, self.run) for run in runs)

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and self.expires < today
