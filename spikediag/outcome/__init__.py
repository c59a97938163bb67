"""Findings -> does it matter? How loss, error, held-out loss and reward stood during and after them."""

from spikediag.outcome.aftermath import assess
from spikediag.outcome.past_best import past_best

__all__ = ["assess", "past_best"]
