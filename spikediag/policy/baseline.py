"""Spikes that were accepted: what is as it was passes, what is new or worse does not."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase

from spikediag.model import Finding
from spikediag.policy.ruling import Breach, Pardon, Ruling

ANY_RUN = "*"


@dataclass(frozen=True)
class Acceptance:
    """One spike that was accepted, by what identifies it, with the author's reason."""

    tag: str
    kind: str
    first_step: int  # the onset lies in [first_step, last_step]
    last_step: int
    height: float  # up to this; higher is worse, and fails
    count: int = 1  # of a train: up to this many excursions
    run: str = ANY_RUN  # the run's name; `*` and `?` as in file names
    reason: str = ""
    expires: date | None = None  # the last day on which it holds

    def accepts(self, run: str, finding: Finding) -> bool:
        """Whether the finding is this spike, no worse than it was."""
        spike = finding.spike
        return (
            fnmatchcase(run, self.run)
            and (spike.tag, spike.kind.value) == (self.tag, self.kind)
            and self.first_step <= spike.onset_step <= self.last_step
            and (spike.height <= self.height or not math.isfinite(spike.height))
            and spike.count <= self.count
        )


def apply(ruling: Ruling, accepted: Sequence[Acceptance], today: date) -> tuple[Ruling, set[Acceptance]]:
    """The ruling with accepted breaches pardoned, and the acceptances that were used.

    One acceptance pardons one spike, so that two spikes where there was one are one new spike.
    """
    run = ruling.diagnosis.run.name
    # Windows that close first are spent first: among intervals and points this pardons as many as can be.
    unused = sorted((a for a in accepted if not expired(a, today)), key=lambda a: a.last_step)
    pardons, breaches, used = [], [], set()
    for breach in sorted(ruling.breaches, key=_onset):
        fit = next((a for a in unused if breach.finding and a.accepts(run, breach.finding)), None)
        if fit is None:
            breaches.append(breach)
        else:
            unused.remove(fit)
            used.add(fit)
            pardons.append(Pardon(breach, fit.reason))
    return replace(ruling, breaches=tuple(breaches), pardons=tuple(pardons)), used


def expired(acceptance: Acceptance, today: date) -> bool:
    """Whether its last day is over."""
    return acceptance.expires is not None and acceptance.expires < today


def _onset(breach: Breach) -> int:
    return breach.finding.spike.onset_step if breach.finding else -1


def accept(rulings: Iterable[Ruling]) -> tuple[Acceptance, ...]:
    """Acceptances for every finding that breaks the policy today.

    The window is the onset give or take 1 % of the run, the height is rounded up to three digits:
    the same training, run again, is not new.
    """
    rulings = tuple(rulings)
    return tuple(
        _acceptance(ruling, breach.finding, alone=len(rulings) == 1)
        for ruling in rulings
        for breach in (*ruling.breaches, *(p.breach for p in ruling.pardons))
        if breach.finding is not None
    )


def _acceptance(ruling: Ruling, finding: Finding, *, alone: bool) -> Acceptance:
    spike, run = finding.spike, ruling.diagnosis.run
    steps = run.series[spike.tag].steps
    slack = math.ceil(0.01 * int(steps[-1] - steps[0]))
    return Acceptance(
        tag=spike.tag,
        kind=spike.kind.value,
        first_step=spike.onset_step - slack,
        last_step=spike.onset_step + slack,
        height=_round_up(spike.height),
        count=spike.count,
        run=ANY_RUN if alone else run.name,
    )


def _round_up(height: float) -> float:
    if not math.isfinite(height) or height <= 0:
        return math.inf if not math.isfinite(height) else height
    unit = 10.0 ** (math.floor(math.log10(height)) - 2)
    return max(float(f"{math.ceil(height / unit) * unit:.6g}"), height)
