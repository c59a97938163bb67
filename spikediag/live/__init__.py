"""While it trains: a monitor and its alerts, a recorder of the last updates, and files that go on growing."""

from spikediag.live.alerts import Alert, State
from spikediag.live.monitor import EvidenceKeeper, Monitor
from spikediag.live.recorder import Recorder

__all__ = ["Alert", "EvidenceKeeper", "Monitor", "Recorder", "State"]
