"""The command line: the only place that prints, writes and exits."""

from spikediag.cli.entry import main

__all__ = ["main"]
