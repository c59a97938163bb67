"""Where a run says by itself that something changes, before anyone looks at its losses."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.causes.lr_change import changes_in, habit_in
from spikediag.attribution.quantities import Quantity, measuring, switches
from spikediag.model import Role, Run, Series


@dataclass(frozen=True)
class Announced:
    """Steps that a run announces."""

    noisier: tuple[int, ...]  # from which a loss may be noisier: processes that begin, smaller batches
    moved: tuple[int, ...]  # from which it may stand elsewhere: passes, stages, rates that are raised


def announced(run: Run) -> Announced:
    """The steps that the logged settings and counters of a run, and its restarts, announce."""
    restarts = [session.first_step for session in run.sessions[1:]]
    batches = (s for series in measuring(run, Quantity.BATCH) for s in switches(series))
    stages = (s for series in measuring(run, Quantity.STAGE) for s in switches(series))
    rates = (step for series in run.having(Role.LEARNING_RATE) for step in _raised(run, series))
    passes = (step for series in run.having(Role.EPOCH) for step in _begun(series))
    return Announced(
        noisier=(*restarts, *(s.step for s in batches if abs(s.after) < abs(s.before))),
        moved=(*restarts, *(s.step for s in stages), *rates, *passes),
    )


def _raised(run: Run, rate: Series) -> Iterator[int]:
    """The steps at which a learning rate is raised at once; none of one that adapts itself."""
    if not habit_in(run, rate).adaptive:
        yield from (c.step for c in changes_in(run, rate) if c.factor > 1 and not c.gradual)


def _begun(passes: Series) -> Iterator[int]:
    """The steps at which a counter of passes reaches another whole number."""
    steps, values = passes.numbers
    yield from (int(step) for step in steps[1:][np.diff(np.floor(values)) > 0])
