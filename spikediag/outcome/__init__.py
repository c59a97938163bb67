"""Findings -> does it matter? How loss, error, held-out loss and reward stood during and after them."""

from spikediag.outcome.aftermath import judge

__all__ = ["judge"]
