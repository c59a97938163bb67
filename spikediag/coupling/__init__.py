"""Spike + companion series -> did the error metric move too? A one-sided test with a stated margin."""

from spikediag.coupling.combine import combine
from spikediag.coupling.companion import answer_of, companions
from spikediag.coupling.pool import pool
from spikediag.model import Coupling, Run, Spike

__all__ = ["couple"]


def couple(spike: Spike, run: Run, others: tuple[Spike, ...] = ()) -> Coupling:
    """Test every companion of the run against one spike; for a train, member by member and together.

    Args:
        spike: A spike of one loss of the run.
        run: The run; its companions may be logged at any rate and hold non-finite points.
        others: Every spike of that loss: where one is too short to decide, all of them together may.

    Returns:
        `NO_COMPANION` when the run logs none, else the verdict over all of them.
    """
    asked = companions(run, run.series[spike.tag])
    tests = tuple(test for s in asked if (test := answer_of(s, spike, run)) is not None)
    tags = tuple(series.tag for series in asked)
    copies = tuple(sorted(series.tag for series in run.series.values() if series.copy_of is not None))
    return pool(combine(tests, tags, copies, spike), spike, run, others)
