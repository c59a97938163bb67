"""Spikes that were accepted: what is as it was passes, what is new or worse does not."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from spikediag.model import Finding
from spikediag.policy.acceptance import ANY_RUN, Acceptance
from spikediag.policy.ruling import Breach, Pardon, Ruling

WINDOW = 0.01  # share of the run's steps by which a repeated training may shift a spike


def apply(ruling: Ruling, accepted: Sequence[Acceptance], today: date) -> Ruling:
    """The ruling with accepted breaches pardoned.

    One acceptance pardons one spike: two spikes where there was one are one new spike.
    """
    run = ruling.diagnosis.run.name
    # Windows that close first are spent first: among intervals and points this pardons as many as can be.
    unused = sorted((a for a in accepted if not a.expired(today)), key=lambda a: a.last_step)
    pardons, breaches = [], []
    for breach in sorted(ruling.breaches, key=_onset):
        fit = next((a for a in unused if breach.finding and a.covers(run, breach.finding)), None)
        if fit is None:
            breaches.append(breach)
        else:
            unused.remove(fit)
            pardons.append(Pardon(breach, fit))
    return replace(ruling, breaches=tuple(breaches), pardons=tuple(pardons))


def stale(accepted: Iterable[Acceptance], rulings: Sequence[Ruling]) -> tuple[Acceptance, ...]:
    """The acceptances for these runs that pardoned nothing: expired, or the spike is gone."""
    used = {pardon.acceptance for ruling in rulings for pardon in ruling.pardons}
    runs = [ruling.diagnosis.run.name for ruling in rulings]
    return tuple(a for a in accepted if a not in used and a.concerns(runs))


def accept(
    rulings: Sequence[Ruling], reason: str = "", expires: date | None = None
) -> tuple[Acceptance, ...]:
    """Acceptances for every finding that breaks the policy today; those that have one keep it.

    The window is the onset give or take 1 % of the run, the height is rounded up to three digits:
    the same training, run again, is not new.
    """
    kept = [pardon.acceptance for ruling in rulings for pardon in ruling.pardons]
    new = [
        replace(_acceptance(ruling, breach.finding), reason=reason, expires=expires)
        for ruling in rulings
        for breach in ruling.breaches
        if breach.finding is not None
    ]
    if len(rulings) == 1:  # the next training of it may have another name
        new = [replace(a, run=ANY_RUN) for a in new]
    return (*kept, *new)


def _onset(breach: Breach) -> int:
    return breach.finding.spike.onset_step if breach.finding else -1


def _acceptance(ruling: Ruling, finding: Finding) -> Acceptance:
    spike, run = finding.spike, ruling.diagnosis.run
    steps = run.series[spike.tag].steps
    slack = math.ceil(WINDOW * int(steps[-1] - steps[0]))
    return Acceptance(
        tag=spike.tag,
        kind=spike.kind.value,
        first_step=int(spike.onset_step) - slack,
        last_step=int(spike.onset_step) + slack,
        height=_round_up(float(spike.height)),
        count=int(spike.count),
        run=run.name,
    )


def _round_up(height: float) -> float:
    if not math.isfinite(height):
        return math.inf
    if height <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(height)) - 2)
    return max(float(f"{math.ceil(height / unit) * unit:.6g}"), height)
