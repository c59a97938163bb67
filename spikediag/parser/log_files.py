"""One log file, whatever its format: its points, its span in time, its fingerprint, its damage.

A file that cannot be used is a value too (`LeftOut`), because the others of its run are read all the same.
`opened` is the one place that opens a log file; `LogFiles` reads each once while it is kept.
"""

import codecs
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np

from spikediag.errors import SaidError, refused
from spikediag.model import Damage, DamageKind, StepUnit, Text, say
from spikediag.parser.remote import present
from spikediag.parser.track import Track

POINTER = b"version https://git-lfs."
POINTED = say("a Git LFS pointer, not the file itself; fetch it with `git lfs pull`")
MOST_EXTENTS = 10_000  # stretches of data that are looked through in a sparse file
LEAST_HOLE = 1 << 20  # bytes; a shorter hole is read as the NULs it stands for
STRETCH = 1 << 24  # bytes read at a time of a file that need not be held whole
PART = 1 << 18  # bytes; as many in one piece again and again are memory that is there already
MOST_WHOLE = 1 << 30  # bytes of a file that is held whole
MOST_GAPS = 1000  # damaged stretches of one file told one by one
MOST_KEPT = 1 << 26  # bytes of files that were looked into and not yet taken, beside those just read
MOST_TAGS = 20_000  # of one file
UNICODES = (  # as PowerShell and spreadsheets write them
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LATEST = 1e11  # seconds since the epoch, the year 5138


@dataclass(frozen=True)
class Gap:
    """Bytes that hold nothing readable, and why; of length 0 where only records are missing."""

    offset: int
    length: int
    what: Text


@dataclass(frozen=True)
class Summaries:
    """What a file says beside its points; texts and histograms by tag."""

    texts: Mapping[str, str] = field(default_factory=dict)
    hparams: Mapping[str, object] = field(default_factory=dict)
    means: Mapping[str, Track] = field(default_factory=dict)  # of histograms
    minima: Mapping[str, Track] = field(default_factory=dict)


class Opened:
    """A file that is open to its source, to be read once: whole, or stretch by stretch.

    Attributes:
        path: For what must be read in place.
        size: Bytes up to its last data, as they were when it was opened: what a writer adds is left for the
            next time.
    """

    def __init__(
        self,
        path: Path,
        stream: BinaryIO,
        data: Sequence[tuple[int, int]],
        status: os.stat_result | None = None,
    ) -> None:
        self.path = path
        self.size = data[-1][1] if data else 0
        self._stream = stream
        self._data = data  # where bytes lie, [start, stop); between them are holes
        self._status = status  # when it was opened
        self._digest = hashlib.sha256()

    @classmethod
    def of(cls, path: Path, content: bytes) -> "Opened":
        """A file that is in memory already."""
        return cls(path, BytesIO(content), ((0, len(content)),))

    @property
    def sha256(self) -> str:
        """The checksum of what was read of it; a hole counts nothing."""
        return self._digest.hexdigest()

    @property
    def is_sparse(self) -> bool:
        """Whether it has holes."""
        return self._data != ((0, self.size),)

    def beginning(self, most: int) -> bytes:
        """Its first bytes, without counting them as read."""
        self._stream.seek(0)
        return self._stream.read(min(most, self.size))

    def stretches(self, most: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield its bytes in order, so many at a time, each with its offset; what lies between two is a hole.

        A file that has become shorter meanwhile ends where it ends.
        """
        self._digest = hashlib.sha256()
        for start, stop in self._data:
            self._stream.seek(start)
            at = start
            while at < stop and (read := self._stream.read(min(most or STRETCH, stop - at))):
                self._digest.update(read)
                yield at, read
                at += len(read)

    @property
    def is_ended(self) -> bool:
        """Whether its last line is."""
        self._stream.seek(max(self.size - 1, 0))
        return self._stream.read(1) == b"\n"

    def afterwards(self) -> Iterator[Gap]:
        """What is to be said once it was read: the hole it ends in, and that it changed meanwhile."""
        if self._status is None:
            return
        before, after = self._status, os.fstat(self._stream.fileno())
        if hole := before.st_size - self.size:
            yield Gap(self.size, hole, say("the file ends in a hole"))
        if after.st_size < before.st_size:
            lost = before.st_size - after.st_size
            yield Gap(after.st_size, lost, say("it became shorter while it was read"))
        elif after.st_size == before.st_size and after.st_mtime_ns != before.st_mtime_ns:
            yield Gap(0, 0, say("it was written over while it was read"))

    @cached_property
    def content(self) -> bytes:
        """Its bytes, a hole as NULs.

        Raises:
            UnusableLogError: they are too many to be held.
        """
        refuse_beyond(MOST_WHOLE, self.size)
        if not self.is_sparse:
            return next((read for _, read in self.stretches(self.size)), b"")
        whole = bytearray()
        for at, read in self.stretches():
            whole.extend(bytes(at - len(whole)))
            whole.extend(read)
        return bytes(whole)

    @cached_property
    def text(self) -> bytes:
        """Its bytes as UTF-8, whichever Unicode the first of them name.

        Raises:
            UnusableLogError: they are too many to be held.
        """
        for mark, encoding in UNICODES:
            if self.content.startswith(mark):
                return self.content[len(mark) :].decode(encoding, "replace").encode("utf-8", "replace")
        return self.content.removeprefix(codecs.BOM_UTF8)


@dataclass(frozen=True, eq=False)
class Log:
    """What a source found in a file, of one run.

    Attributes:
        points: By tag, in the order of the file.
        gaps: What could not be read.
        part: Which run of the file it is, where a file holds several.
        is_cut: Whether something of it should hold points and does not.
        speaks: Whether it has text or hyper-parameters.
        summaries: Read when they are asked for.
        name: What its logger calls the run.
        notes: What was left out that holds no point.
        rounding: Half of the last digit that the file keeps, relative to the value.
        unit: What its steps count, where it tells.
        resumes: Whether its logger says that it goes on with what was logged under the same name before.
        anew: Series whose steps its logger counted from 0 again, though it resumes.
    """

    points: Mapping[str, Track]
    gaps: tuple[Gap, ...] = ()
    part: str = ""
    is_cut: bool = False
    speaks: bool = False
    summaries: Callable[[], Summaries] = field(default=Summaries, repr=False)
    name: str = ""
    notes: tuple[Text, ...] = ()
    rounding: float = 2.0**-24  # an event file keeps 32 bits
    unit: StepUnit | None = None
    resumes: bool = False
    anew: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class LogFile:
    """A file, or one run of a file that holds several; `label` is its path relative to the run."""

    path: Path  # of a run in a file of several, the path of the file and below it the name of the run
    label: str
    source: str  # the id of the source that read it
    size: int  # bytes
    sha256: str
    log: Log

    @property
    def points(self) -> Mapping[str, Track]:
        """The points of each tag, in the order of the file."""
        return self.log.points

    @cached_property
    def summaries(self) -> Summaries:
        """Text, hyper-parameters and histograms."""
        return self.log.summaries()

    @cached_property
    def span(self) -> tuple[float, float]:
        """Wall times of the first and the last point; (inf, -inf) without points."""
        walls = [points.walls[np.isfinite(points.walls)] for points in self.points.values()]
        walls = [w for w in walls if len(w)]
        return min((float(w.min()) for w in walls), default=np.inf), max(
            (float(w.max()) for w in walls), default=-np.inf
        )

    @property
    def damage(self) -> Iterator[Damage]:
        """The stretches that could not be read."""
        for gap in self.log.gaps:
            yield Damage(DamageKind.LOST, self.label, gap.offset, gap.length, gap.what)


@dataclass(frozen=True)
class LeftOut:
    """A file that could not be used, and why."""

    label: str
    size: int  # bytes; 0 when it could not be opened
    why: Text
    foreign: bool = False  # no log at all, whatever its name

    @property
    def damage(self) -> Iterator[Damage]:
        """The whole file."""
        yield Damage(DamageKind.LEFT_OUT, self.label, 0, self.size, say("left out: {why}", why=self.why))


class ForeignError(SaidError):
    """A file that only shares its name with what a source reads: no log, and nobody's damage."""


class UnusableLogError(SaidError):
    """A file that is not what its name says, or holds nothing; the message says why, and the way out."""


def refuse_beyond(most: int, size: int) -> None:
    """Refuse what is larger than `most` bytes.

    Raises:
        UnusableLogError: it is.
    """
    if size > most:
        raise UnusableLogError(say("it is larger than {size} MB; give a part of it", size=most >> 20))


def told_gaps(gaps: list[Gap]) -> list[Gap]:
    """The gaps of a file one by one, as many as anybody reads, and the others as one."""
    if others := gaps[MOST_GAPS:]:
        total = sum(gap.length for gap in others)
        more = Gap(others[0].offset, total, say("{count} more stretches from here on", count=len(others)))
        return [*gaps[:MOST_GAPS], more]
    return gaps


def left_out_points(astray: int, refused: int, unplaced: int = 0) -> Iterator[Gap]:
    """Say how many points were left out: for their step, for the number of tags, for want of a step."""
    if unplaced:
        yield Gap(0, 0, say("left out: {unplaced:,} points of rows that have no step", unplaced=unplaced))
    if astray:
        yield Gap(0, 0, say("left out: {astray:,} points at steps farther than 2^53 from 0", astray=astray))
    if refused:
        yield Gap(
            0,
            0,
            say(
                "left out: {refused:,} points of tags beyond the first {most:,}",
                refused=refused,
                most=MOST_TAGS,
            ),
        )


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a log file; what is no regular file by now is not read.

    Raises:
        OSError: it cannot be read.
    """
    handle = os.open(present(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "no regular file")
        yield Opened(path, file, _data(file.fileno(), status), status)


def content(path: Path) -> bytes:
    """The bytes of a file that is part of a log.

    Raises:
        OSError: it cannot be read.
        UnusableLogError: it is too large.
    """
    with opened(path) as file:
        return file.content


def _data(handle: int, status: os.stat_result) -> tuple[tuple[int, int], ...]:
    """Where the bytes of a file lie, without the long holes of a sparse one."""
    size = status.st_size
    if getattr(status, "st_blocks", size) * 512 >= size or not hasattr(os, "SEEK_HOLE"):
        return ((0, size),) if size else ()
    data: list[tuple[int, int]] = []
    at = extents = 0
    try:
        while at < size and extents < MOST_EXTENTS:
            start = os.lseek(handle, at, os.SEEK_DATA)
            at, extents = os.lseek(handle, start, os.SEEK_HOLE), extents + 1
            if data and start - data[-1][1] < LEAST_HOLE:
                start = data.pop()[0]
            data.append((start, min(at, size)))
    except OSError as error:
        if error.errno != errno.ENXIO:  # no data from here on
            return ((0, size),)
    finally:
        os.lseek(handle, 0, os.SEEK_SET)
    if extents == MOST_EXTENTS:
        data.append((data.pop()[0], size))
    return tuple(data)


Reader = Callable[[Opened], Iterator[Log]]


def read_log(path: Path, label: str, source: str, read: Reader) -> tuple[LogFile | LeftOut, ...]:
    """Read a file by its source; one that holds several runs gives each."""
    size = 0
    try:
        with opened(path) as file:
            size = file.size
            if file.beginning(len(POINTER)) == POINTER:
                return (LeftOut(label, size, POINTED),)
            logs = tuple(read(file))
            gaps = tuple(file.afterwards())
    except ForeignError as error:
        return (LeftOut(label, size, error.said, foreign=True),)
    except UnusableLogError as error:
        return (LeftOut(label, size, error.said),)
    except MemoryError:
        return (LeftOut(label, 0, say("it does not fit into the memory")),)
    except OSError as error:
        return (LeftOut(label, 0, refused(error)),)
    digest = file.sha256
    return tuple(
        LogFile(
            path / log.part,
            _within(label, log),
            source,
            size,
            digest,
            replace(log, gaps=(*log.gaps, *gaps)) if gaps else log,
        )
        for log in logs
    )


def _within(label: str, log: Log) -> str:
    return f"{label}/{log.part}" if log.part else label


ReadFile = Callable[[Path, str], tuple[LogFile | LeftOut, ...]]  # of a path and its label


class LogFiles:
    """Log files that were looked into and may be asked for again; each is read once while it is kept."""

    def __init__(self, read: ReadFile) -> None:
        self._read = read
        self._kept: dict[Path, tuple[LogFile | LeftOut, ...]] = {}  # the oldest first

    def keep(self, paths: tuple[Path, ...], base: Path) -> tuple[LogFile | LeftOut, ...]:
        """Read files and keep their content for `take`; labels are relative to `base`.

        Beyond `MOST_KEPT` bytes the oldest are let go; they would be read again.
        """
        found = {path: self._taken(path, base) for path in paths}
        total = sum(_size(files) for files in (*self._kept.values(), *found.values()))
        while self._kept and total > MOST_KEPT:
            total -= _size(self._kept.pop(next(iter(self._kept))))
        self._kept.update(found)
        return tuple(file for files in found.values() for file in files)

    def take(self, paths: tuple[Path, ...], base: Path) -> tuple[LogFile | LeftOut, ...]:
        """Hand over files; whoever takes them is the only one to hold their content."""
        return tuple(file for path in paths for file in self._taken(path, base))

    def _taken(self, path: Path, base: Path) -> tuple[LogFile | LeftOut, ...]:
        label = _label(path, base)
        if path not in self._kept:
            return self._read(path, label)
        return tuple(
            replace(file, label=_within(label, file.log) if isinstance(file, LogFile) else label)
            for file in self._kept.pop(path)
        )


def _size(files: tuple[LogFile | LeftOut, ...]) -> int:
    return max((file.size for file in files), default=0)


def _label(path: Path, base: Path) -> str:
    if path == base:  # a run in a file of several
        return path.parent.name
    if not path.is_relative_to(base.parent):  # a link to a folder beside others
        base = base.resolve()
    if path.is_relative_to(base):
        return path.relative_to(base).as_posix()
    beside = path.is_relative_to(base.parent) and path.parent != base.parent
    return f"../{path.relative_to(base.parent).as_posix()}" if beside else path.name


def by_completeness(files: Iterable[LogFile]) -> list[LogFile]:
    """Order files by how many points they have, most first."""
    return sorted(files, key=lambda file: (-sum(len(t.steps) for t in file.points.values()), file.label))


def usable(files: Iterable[LogFile | LeftOut]) -> list[LogFile]:
    """Those that could be read."""
    return [file for file in files if isinstance(file, LogFile)]
