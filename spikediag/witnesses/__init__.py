"""Spike + every other series of the run -> what else moved, how unusual that is, and what moved first."""

from spikediag.witnesses.find import SeriesTable, ask_every_series

__all__ = ["SeriesTable", "ask_every_series"]
