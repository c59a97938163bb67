"""Spike + companion series -> did the error metric move too? A one-sided test with a stated margin."""

from dataclasses import replace

from spikediag.coupling.combine import combine
from spikediag.coupling.companion import answer_of, companions
from spikediag.coupling.pool import pool
from spikediag.model import Coupling, Run, Shape, Spike

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
    asked, alone = companions(run, run.series[spike.tag]), until_next(spike, others)
    tests = tuple(test for s in asked if (test := answer_of(s, alone, run)) is not None)
    tags = tuple(series.tag for series in asked)
    copies = tuple(sorted(series.tag for series in run.series.values() if series.copy_of is not None))
    return pool(combine(tests, tags, copies, spike), spike, run, others)


def until_next(spike: Spike, others: tuple[Spike, ...]) -> Spike:
    """A new level up to where the next of them begins: what the error did there is not its own."""
    if spike.shape is not Shape.LEVEL:
        return spike
    following = (s.start for s in others if s.shape is Shape.LEVEL and s.start > spike.start)
    return replace(spike, stop=min((spike.stop, *following)))
