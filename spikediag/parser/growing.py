"""Log files that a training is still writing: what was read of them is kept, and only what is new is read.

An event file is only ever appended to, so it is read from the byte after its last whole record. Of no other
log is that promised: it is read again when its size, its time or its identity changed. An event file that
became shorter, was replaced, or has other bytes where reading goes on is read from its beginning.
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from spikediag.errors import refused
from spikediag.model import say
from spikediag.parser.event_files.scalars import read_scalars
from spikediag.parser.event_files.summaries import Excerpt, read_summaries
from spikediag.parser.log_files import (
    MOST_TAGS,
    POINTED,
    POINTER,
    Gap,
    LeftOut,
    Log,
    LogFile,
    Summaries,
    left_out_points,
    told_gaps,
)
from spikediag.parser.sources import EVENTS, read_file, source_for
from spikediag.parser.sources.event_files import NO_EVENTS
from spikediag.parser.track import Track

AT_ONCE = 1 << 28  # bytes read at a time
SEAM = 64  # bytes before the new ones that must be those that were read


class GrowingFiles:
    """Reads files as `read_file` does, and of event files that grew only what is new.

    Attributes:
        changes: How often each file was found changed; equal numbers mean that nothing is new.
    """

    def __init__(self) -> None:
        self.changes: dict[Path, int] = defaultdict(int)
        self._events: dict[Path, _GrowingEvents] = {}
        self._others: dict[Path, tuple[tuple[int, ...], tuple[LogFile | LeftOut, ...]]] = {}

    def read(self, path: Path, label: str) -> tuple[LogFile | LeftOut, ...]:
        """Everything that is in a file by now."""
        if source_for(path).id != EVENTS:
            return self._again(path, label)
        try:
            return (self._read_on(path).file(path, label),)
        except OSError as error:
            self._forget(path)
            return (LeftOut(label, 0, refused(error)),)
        except MemoryError:
            self._forget(path)
            return (LeftOut(label, 0, say("it does not fit into the memory")),)

    def _read_on(self, path: Path) -> "_GrowingEvents":
        status = path.stat()
        identity = (status.st_dev, status.st_ino)
        events = self._events.get(path)
        if events is None or events.identity != identity or (new := events.unread(path)) is None:
            self._forget(path)
            events = self._events[path] = _GrowingEvents(identity)
            new = events.unread(path) or b""
            self.changes[path] += 1
        while new != events.rest:
            self.changes[path] += 1
            events.take(new)
            new = events.unread(path) or b""
        return events

    def _forget(self, path: Path) -> None:
        if self._events.pop(path, None) is not None:
            self.changes[path] += 1

    def _again(self, path: Path, label: str) -> tuple[LogFile | LeftOut, ...]:
        whole = path.parent if path.parent.is_file() else path  # a run in a file of several
        try:
            status = whole.stat()
            now: tuple[int, ...] = (status.st_size, status.st_mtime_ns, status.st_ino)
        except OSError:
            now = ()
        then, files = self._others.get(path, (None, ()))
        if now != then:
            files = read_file(path, label)
            self._others[path] = now, files
            self.changes[path] += 1
        return tuple(replace(file, label=label) if isinstance(file, LeftOut) else file for file in files)


def bytes_from(path: Path, start: int) -> bytes:
    """The bytes of a file from one on, at most `AT_ONCE`.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(start)
        return file.read(AT_ONCE)


@dataclass
class _GrowingEvents:
    """What was read of one event file, and how far."""

    identity: tuple[int, int]  # device and inode
    at: int = 0  # the byte after the last whole record that was read
    seam: bytes = b""  # the bytes before it
    rest: bytes = b""  # what follows and is no whole record yet
    tail: Gap | None = None  # what is wrong with it
    digest: Any = field(default_factory=hashlib.sha256)  # of what lies before `at`
    tracks: dict[str, list[Track]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    records: int = 0
    refused: int = 0
    astray: int = 0
    excerpt: Excerpt = field(default_factory=Excerpt)  # texts, hyper-parameters and histograms

    def unread(self, path: Path) -> bytes | None:
        """What follows the last whole record by now; None where the file is another, or was cut.

        Raises:
            OSError: the file cannot be read.
        """
        found = bytes_from(path, self.at - len(self.seam))
        return found[len(self.seam) :] if found.startswith(self.seam) else None

    def take(self, new: bytes) -> None:
        """Read the records of bytes that follow what was read."""
        scalars = read_scalars(new)
        self.tail = next((g for g in scalars.gaps if g.offset + g.length >= len(new)), None)
        end = len(new) if self.tail is None else self.tail.offset
        self.gaps += [replace(g, offset=self.at + g.offset) for g in scalars.gaps if g is not self.tail]
        for tag, track in scalars.points.items():
            if tag not in self.tracks and len(self.tracks) >= MOST_TAGS:
                self.refused += len(track.steps)
                continue
            self.tracks.setdefault(tag, []).append(track)
        self.records += scalars.records
        self.refused += scalars.refused
        self.astray += scalars.astray
        self.excerpt.join(scalars.excerpt, self.at)
        self.digest.update(new[:end])
        self.at, self.seam, self.rest = self.at + end, (self.seam + new[:end])[-SEAM:], new[end:]

    def file(self, path: Path, label: str) -> LogFile | LeftOut:
        """Everything that was read, as one file."""
        size = self.at + len(self.rest)
        if size and not self.records:
            return LeftOut(label, size, POINTED if self.rest.startswith(POINTER) else NO_EVENTS)
        digest = self.digest.copy()
        digest.update(self.rest)
        gaps = [*self.gaps, *([replace(self.tail, offset=self.at)] if self.tail is not None else [])]
        log = Log(
            {tag: self._joined(tag) for tag in self.tracks},
            (*told_gaps(gaps), *left_out_points(self.astray, self.refused)),
            is_cut=bool(gaps) or not size,
            speaks=bool(self.excerpt.tags),
            summaries=partial(_summaries, self.excerpt.records),
            notes=tuple(self.excerpt.notes),
        )
        return LogFile(path, label, EVENTS, size, digest.hexdigest(), log)

    def _joined(self, tag: str) -> Track:
        parts = self.tracks[tag]
        if len(parts) > 1:
            columns = ([getattr(p, name) for p in parts] for name in ("steps", "values", "walls"))
            parts[:] = [Track(*map(np.concatenate, columns))]
        return parts[0]


@lru_cache(maxsize=64)
def _summaries(records: bytes) -> Summaries:
    """What a file says beside its points, read once for as long as it says no more."""
    return read_summaries(records)
