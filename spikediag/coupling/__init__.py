"""Spike + companion series -> did the error metric move too? An equivalence test with a stated margin."""

from spikediag.coupling.combine import combine
from spikediag.coupling.companion import rank, test_companion
from spikediag.coupling.window import windows
from spikediag.model import Coupling, Role, Run, Spike

__all__ = ["couple"]


def couple(spike: Spike, run: Run) -> Coupling:
    """Test every companion of the run against one spike; for a train, over its members together.

    Args:
        spike: A spike of one loss of the run.
        run: The run; its COMPANION series may be logged at any rate and hold non-finite points.

    Returns:
        `NO_COMPANION` when the run logs none, else the verdict over all of them.
    """
    loss = run.series[spike.tag]
    companions = sorted(run.having(Role.COMPANION), key=lambda series: rank(series, loss))
    spans = windows(spike, loss)
    tests = tuple(
        test for series in companions if (test := test_companion(series, spike, spans, run)) is not None
    )
    return combine(tests, tuple(series.tag for series in companions), spike)
