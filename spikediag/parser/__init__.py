"""From event files to a run.

`find_runs` says where runs are, `read_run` reads one, `run_from_arrays` builds one from memory.

To read: `read` tells the whole way, one stage after another; `event_files/` reads the bytes; `facts/` reads
the configuration; `presets/` holds what each library calls its quantities.
"""

from spikediag.parser.finding import RunSource, find_runs
from spikediag.parser.read import read_run, run_from_arrays

__all__ = ["RunSource", "find_runs", "read_run", "run_from_arrays"]
