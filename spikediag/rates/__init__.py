"""Settings of a training -> its rate of spikes and what each remedy leaves of it, by the randomised study."""

from spikediag.rates.model import FARTHEST, FILE, Interval, Observed, Rates, Shift, fitted
from spikediag.rates.settings import DOSES, Settings

__all__ = ["DOSES", "FARTHEST", "FILE", "Interval", "Observed", "Rates", "Settings", "Shift", "fitted"]
