"""From event files and other logs to a run.

`find_runs` says where runs are, `places` shares them out, `overlooked` says what is in none of them;
`read_run` reads one, `run_from_arrays` and `run_from_log` build one from memory.

To read: `read` tells the whole way, one stage after another; `finding` says which files are one run; `remote`
brings what lies elsewhere; `growing` reads on where a file has grown; `sources/` knows each kind of log,
`event_files/` the bytes of the first; `facts/` reads the configuration; `presets/` holds what each library
calls its quantities.
"""

from spikediag.parser.accounting import Overlooked, overlooked
from spikediag.parser.finding import Place, RunSource, find_runs, is_there, nothing_at
from spikediag.parser.growing import GrowingFiles
from spikediag.parser.places import Fingerprints, here, places
from spikediag.parser.read import read_run, refuse_unusable, run_from_arrays, run_from_log
from spikediag.parser.remote import address, cache_folder, url_of
from spikediag.parser.track import FARTHEST, Track, straighten

__all__ = [
    "FARTHEST",
    "Fingerprints",
    "GrowingFiles",
    "Overlooked",
    "Place",
    "RunSource",
    "Track",
    "address",
    "cache_folder",
    "find_runs",
    "here",
    "is_there",
    "nothing_at",
    "overlooked",
    "places",
    "read_run",
    "refuse_unusable",
    "run_from_arrays",
    "run_from_log",
    "straighten",
    "url_of",
]
