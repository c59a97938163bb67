"""Which series an overview shows: losses that jumped, what they are judged by, what could explain them."""

from collections.abc import Iterable, Iterator
from itertools import islice

from spikediag.model import Diagnosis, Role, Series
from spikediag.reporter.selection import lead, main_findings

# at most so many panels of each role, in the order of the page
PANELS = {
    Role.LOSS: 3,
    Role.COMPANION: 2,
    Role.LOG_STD: 2,
    Role.ENTROPY: 1,
    Role.LEARNING_RATE: 1,
    Role.GRAD_NORM: 1,
    Role.LOSS_SCALE: 1,
}
CALM_LOSSES = 2  # losses shown of a run without findings


def panels(diagnosis: Diagnosis) -> tuple[Series, ...]:
    """The series of an overview from top to bottom; the loss of the leading finding comes first."""
    return tuple(s for role, limit in PANELS.items() for s in islice(_ordered(diagnosis, role), limit))


def _ordered(diagnosis: Diagnosis, role: Role) -> Iterator[Series]:
    """Series with at least one point: those that findings name, then, except for losses, the others."""
    named = [s for tag in dict.fromkeys(_named(diagnosis)) if (s := diagnosis.run.series.get(tag))]
    chosen = [s for s in named if s.role is role and len(s)]
    others = [s for s in diagnosis.run.having(role) if len(s) and s not in chosen]
    if role is Role.LOSS:
        others = [] if chosen else others[:CALM_LOSSES]
    return iter([*chosen, *others])


def _named(diagnosis: Diagnosis) -> Iterable[str]:
    first = lead(diagnosis)
    if first is None:
        return
    yield first.spike.tag
    for finding in (*main_findings(diagnosis), *diagnosis.findings):
        yield finding.spike.tag
        yield from (test.tag for test in finding.coupling.tests)
    yield from (loss.tag for loss in first.losses)
