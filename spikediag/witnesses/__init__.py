"""Spike + every other series of the run -> what else moved, how unusual that is, and what moved first."""

from spikediag.witnesses.find import SeriesTable, find

__all__ = ["SeriesTable", "find"]
