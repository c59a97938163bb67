"""One event file, read whole: its points, its span in time, its fingerprint, and what was wrong with it.

A file that cannot be used is a value too (`LeftOut`), because the others of its run are read all the same.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from spikediag.model import Damage, DamageKind
from spikediag.parser.event_files.scalars import MOST_TAGS, Scalars, read_scalars
from spikediag.parser.event_files.summaries import Summaries, read_summaries, wanted_records

MARK = "tfevents"
POINTER = b"version https://git-lfs."
POINTED = "a Git LFS pointer, not the file itself; fetch it with `git lfs pull`"
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
MOST_EXTENTS = 10_000  # stretches of data that are looked through for the end of a sparse file
MOST_GAPS = 1000  # damaged stretches of one file told one by one
MOST_KEPT = 1 << 26  # bytes of files that were looked into and not yet taken, beside those just read


@dataclass(frozen=True)
class EventFile:
    """What one file holds; `label` is its path relative to the run."""

    path: Path
    label: str
    size: int  # bytes
    sha256: str
    scalars: Scalars
    records: bytes = field(default=b"", repr=False)  # that are no scalars but are needed
    hole: int = 0  # bytes at the end that no disk holds

    @cached_property
    def summaries(self) -> Summaries:
        """Text, hyper-parameters and histograms."""
        return read_summaries(self.records)

    @cached_property
    def span(self) -> tuple[float, float]:
        """Wall times of the first and the last point; (inf, -inf) without points."""
        walls = [points.walls[np.isfinite(points.walls)] for points in self.scalars.points.values()]
        walls = [w for w in walls if len(w)]
        return min((float(w.min()) for w in walls), default=np.inf), max(
            (float(w.max()) for w in walls), default=-np.inf
        )

    @property
    def damage(self) -> Iterator[Damage]:
        """The stretches that could not be read."""
        gaps = self.scalars.gaps
        for gap in gaps[:MOST_GAPS]:
            yield Damage(DamageKind.LOST, self.label, gap.offset, gap.length, gap.what)
        if others := gaps[MOST_GAPS:]:
            total = sum(gap.length for gap in others)
            what = f"{len(others)} more stretches from here on"
            yield Damage(DamageKind.LOST, self.label, others[0].offset, total, what)
        if self.hole:
            yield Damage(DamageKind.LOST, self.label, self.size, self.hole, "the file ends in a hole")
        if self.scalars.astray:
            what = f"left out: {self.scalars.astray:,} points at steps farther than 2^53 from 0"
            yield Damage(DamageKind.LOST, self.label, 0, 0, what)
        if self.scalars.refused:
            what = f"left out: {self.scalars.refused:,} points of tags beyond the first {MOST_TAGS:,}"
            yield Damage(DamageKind.LOST, self.label, 0, 0, what)


@dataclass(frozen=True)
class LeftOut:
    """A file that could not be used, and why."""

    label: str
    size: int  # bytes; 0 when it could not be opened
    why: str

    @property
    def damage(self) -> Iterator[Damage]:
        """The whole file."""
        yield Damage(DamageKind.LEFT_OUT, self.label, 0, self.size, f"left out: {self.why}")


def looks_like_events(path: Path) -> bool:
    """Tell from its name and kind, without opening it, whether a path may be an event file."""
    if MARK not in path.name or path.name.endswith(SIDECARS):
        return False
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def read_event_file(path: Path, label: str) -> EventFile | LeftOut:
    """Read a file to its last whole record."""
    try:
        buffer, hole = _content(path)
        scalars = read_scalars(buffer)
    except (OSError, MemoryError) as error:
        return LeftOut(label, 0, getattr(error, "strerror", None) or "it does not fit into the memory")
    if buffer.startswith(POINTER):
        return LeftOut(label, len(buffer), POINTED)
    if buffer and not scalars.records:
        return LeftOut(label, len(buffer), "no TensorBoard event file")
    digest = hashlib.sha256(buffer).hexdigest()
    return EventFile(path, label, len(buffer), digest, scalars, wanted_records(scalars, buffer), hole)


def _content(path: Path) -> tuple[bytes, int]:
    """The bytes of a file up to its last data, and how many follow that no disk holds.

    What is no regular file by now is not read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "no regular file")
        end = status.st_size
        if getattr(status, "st_blocks", end) * 512 < end and hasattr(os, "SEEK_HOLE"):
            end = _last_data(file.fileno(), end)
            return file.read(end), status.st_size - end
        return file.read(), 0


def _last_data(handle: int, size: int) -> int:
    """Where the hole at the end of a sparse file begins; its size where there is none."""
    at, extents = 0, 0
    try:
        while at < size and extents < MOST_EXTENTS:
            at, extents = os.lseek(handle, os.lseek(handle, at, os.SEEK_DATA), os.SEEK_HOLE), extents + 1
    except OSError as error:
        if error.errno != errno.ENXIO:  # no data from here on
            at = size
    finally:
        os.lseek(handle, 0, os.SEEK_SET)
    return at if extents < MOST_EXTENTS else size


class EventFiles:
    """Event files that were looked into and may be asked for again; each is read once while it is kept."""

    def __init__(self) -> None:
        self._kept: dict[Path, EventFile | LeftOut] = {}  # the oldest first

    def keep(self, paths: tuple[Path, ...], base: Path) -> tuple[EventFile | LeftOut, ...]:
        """Read files and keep their content for `take`; labels are relative to `base`.

        Beyond `MOST_KEPT` bytes the oldest are let go; they would be read again.
        """
        files = self.take(paths, base)
        total = sum(file.size for file in (*self._kept.values(), *files))
        while self._kept and total > MOST_KEPT:
            total -= self._kept.pop(next(iter(self._kept))).size
        self._kept.update(zip(paths, files, strict=True))
        return files

    def take(self, paths: tuple[Path, ...], base: Path) -> tuple[EventFile | LeftOut, ...]:
        """Hand over files; whoever takes them is the only one to hold their content."""
        return tuple(
            replace(self._kept.pop(path), label=_label(path, base))
            if path in self._kept
            else read_event_file(path, _label(path, base))
            for path in paths
        )


def _label(path: Path, base: Path) -> str:
    if path.is_relative_to(base):
        return path.relative_to(base).as_posix()
    beside = path.is_relative_to(base.parent) and path.parent != base.parent
    return f"../{path.relative_to(base.parent).as_posix()}" if beside else path.name
