"""One event file, read whole: its columns, its span in time, and its fingerprint."""

import hashlib
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from spikediag.parser.event_files.scalars import Columns, read_columns
from spikediag.parser.event_files.summaries import Rest, needed, read_rest

MARK = "tfevents"
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


@dataclass(frozen=True)
class EventFile:
    """What one file holds; `label` is its path relative to the run."""

    path: Path
    label: str
    size: int  # bytes
    sha256: str
    columns: Columns
    records: bytes = field(default=b"", repr=False)  # that are no scalars but are needed

    @cached_property
    def rest(self) -> Rest:
        """Text, hyper-parameters and histograms."""
        return read_rest(self.records)

    @cached_property
    def span(self) -> tuple[float, float]:
        """Wall times of the first and the last point; (inf, -inf) without points."""
        walls = [points.walls[np.isfinite(points.walls)] for points in self.columns.tags.values()]
        walls = [w for w in walls if len(w)]
        return min((float(w.min()) for w in walls), default=np.inf), max(
            (float(w.max()) for w in walls), default=-np.inf
        )

    @property
    def is_foreign(self) -> bool:
        """Whether the file has bytes, but not one record."""
        return self.size > 0 and not self.columns.records


def looks_like_events(path: Path) -> bool:
    """Tell from its name and kind, without opening it, whether a path may be an event file."""
    if MARK not in path.name or path.name.endswith(SIDECARS):
        return False
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def read_event_file(path: Path, label: str) -> EventFile:
    """Read a file to its last whole record.

    Raises:
        OSError: the file cannot be opened or read.
    """
    buffer = path.read_bytes()
    columns = read_columns(buffer)
    digest = hashlib.sha256(buffer).hexdigest()
    return EventFile(path, label, len(buffer), digest, columns, needed(columns, buffer))
