"""TensorBoard's event files, the first citizen."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from spikediag.parser.event_files.scalars import read_scalars
from spikediag.parser.event_files.summaries import read_summaries, wanted_records
from spikediag.parser.log_files import Log, Opened, UnusableLogError, left_out, told
from spikediag.parser.sources import NOTHING, registry
from spikediag.parser.track import Track
from spikediag.text import Text, say

MARK = "tfevents"
NO_EVENTS = say("no TensorBoard event file")
SIDECARS = (
    ".spikediag",  # what our own report adds for TensorBoard
    ".meta",
    ".profile-empty",
    ".zip",
    ".gz",
    ".bz2",
    ".xz",
    ".tar",
    ".txt",
    ".json",
    ".csv",
    ".md5",
    ".lock",
)


@registry.register
@dataclass(frozen=True)
class EventFiles:
    """TensorBoard event files: scalars in both encodings, text, hyper-parameters, histograms of log-std."""

    id: str = "event_files"
    alone: bool = False
    beside: Text = NOTHING

    def knows(self, path: Path) -> bool:
        """Whether its name holds `tfevents` and it is a regular file, no side-car of one."""
        if MARK not in path.name or path.name.endswith(SIDECARS):
            return False
        try:
            return stat.S_ISREG(path.stat().st_mode)
        except OSError:
            return False

    def home(self, path: Path) -> Path:
        """Its own folder; which folders are one run is known to `run_folders`."""
        return path.parent

    def read(self, file: Opened) -> Iterator[Log]:
        """Read a file to its last whole record.

        Raises:
            UnusableLogError: it holds no record.
        """
        scalars = read_scalars(file.content)
        if file.content and not scalars.records:
            raise UnusableLogError(NO_EVENTS)
        yield Log(
            {tag: Track(p.steps, p.values, p.walls) for tag, p in scalars.points.items()},
            (*told(list(scalars.gaps)), *left_out(scalars.astray, scalars.refused)),
            is_cut=bool(scalars.gaps) or not file.content,
            speaks=bool(scalars.others),
            summaries=partial(read_summaries, wanted_records(scalars, file.content)),
        )
