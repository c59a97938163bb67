"""TensorBoard's event files."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from spikediag.parser.event_files.scalars import read_stretches
from spikediag.parser.event_files.summaries import read_summaries
from spikediag.parser.log_files import Log, Opened, UnusableLogError, left_out_points, told_gaps
from spikediag.parser.sources import NOTHING, registry
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


def is_named_so(name: str) -> bool:
    """Whether a file of this name should hold events."""
    return MARK in name and not name.endswith(SIDECARS)


@registry.register
@dataclass(frozen=True)
class EventFiles:
    """TensorBoard event files: scalars in both encodings, text, hyper-parameters, histograms of log-std."""

    id: str = "event_files"
    alone: bool = False
    beside: Text = NOTHING

    def knows(self, path: Path) -> bool:
        """Whether its name holds `tfevents` and it is a regular file, no side-car of one."""
        if not is_named_so(path.name):
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
        scalars = read_stretches(file.stretches(), file.size)
        if file.size and not scalars.records:
            raise UnusableLogError(NO_EVENTS)
        excerpt = scalars.excerpt
        yield Log(
            scalars.points,
            (*told_gaps(list(scalars.gaps)), *left_out_points(scalars.astray, scalars.refused)),
            is_cut=bool(scalars.gaps) or not file.size,
            speaks=bool(excerpt.tags),
            summaries=partial(read_summaries, excerpt.records),
            notes=tuple(excerpt.notes),
        )
