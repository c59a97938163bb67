"""Spike + every other series of the run -> what else moved, how unusual that is, and what moved first."""

from spikediag.witnesses.hear import Pages, hear

__all__ = ["Pages", "hear"]
