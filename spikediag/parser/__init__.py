"""Event files to runs: discovery, fast columns, restarts, tag roles, configuration with provenance."""

from spikediag.parser.arrays import run_from_arrays
from spikediag.parser.find import find_runs
from spikediag.parser.read import read_run

__all__ = ["find_runs", "read_run", "run_from_arrays"]
