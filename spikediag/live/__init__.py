"""While it trains: a monitor, where its alerts go, and what it looks like in each framework."""

from spikediag.live.alerts import Alert, State
from spikediag.live.monitor import Evidence, Monitor

__all__ = ["Alert", "Evidence", "Monitor", "State"]
