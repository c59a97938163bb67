"""One log file, whatever its format, read whole: its points, its span in time, its fingerprint, its damage.

A file that cannot be used is a value too (`LeftOut`), because the others of its run are read all the same.
`content` is the one place that opens a log file; `LogFiles` reads each once while it is kept.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from spikediag.errors import SaidError, refused
from spikediag.model import Damage, DamageKind, Text, say
from spikediag.parser.remote import present
from spikediag.parser.track import Track

POINTER = b"version https://git-lfs."
POINTED = say("a Git LFS pointer, not the file itself; fetch it with `git lfs pull`")
MOST_EXTENTS = 10_000  # stretches of data that are looked through for the end of a sparse file
MOST_GAPS = 1000  # damaged stretches of one file told one by one
MOST_KEPT = 1 << 26  # bytes of files that were looked into and not yet taken, beside those just read
MOST_TAGS = 20_000  # of one file
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


@dataclass(frozen=True)
class Opened:
    """A file that is open to its source: its bytes, and the path for what must be read in place."""

    path: Path
    content: bytes = field(repr=False)


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
        rounding: Half of the last digit that the file keeps, relative to the value.
    """

    points: Mapping[str, Track]
    gaps: tuple[Gap, ...] = ()
    part: str = ""
    is_cut: bool = False
    speaks: bool = False
    summaries: Callable[[], Summaries] = field(default=Summaries, repr=False)
    name: str = ""
    rounding: float = 2.0**-24  # an event file keeps 32 bits


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


def refuse_beyond(most: int, content: bytes) -> None:
    """Refuse what is larger than `most` bytes.

    Raises:
        UnusableLogError: it is.
    """
    if len(content) > most:
        raise UnusableLogError(say("it is larger than {size} MB; give a part of it", size=most >> 20))


def told(gaps: list[Gap]) -> list[Gap]:
    """The gaps of a file one by one, as many as anybody reads, and the others as one."""
    if others := gaps[MOST_GAPS:]:
        total = sum(gap.length for gap in others)
        more = Gap(others[0].offset, total, say("{count} more stretches from here on", count=len(others)))
        return [*gaps[:MOST_GAPS], more]
    return gaps


def left_out(astray: int, refused: int) -> Iterator[Gap]:
    """Say how many points were left out, for their step and for the number of tags."""
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


def content(path: Path) -> tuple[bytes, int]:
    """The bytes of a file up to its last data, and how many follow that no disk holds.

    What is no regular file by now is not read.

    Raises:
        OSError: it cannot be read.
    """
    handle = os.open(present(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
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


Reader = Callable[[Opened], Iterator[Log]]


def read_log(path: Path, label: str, source: str, read: Reader) -> tuple[LogFile | LeftOut, ...]:
    """Read a file by its source; one that holds several runs gives each."""
    try:
        buffer, hole = content(path)
        if buffer.startswith(POINTER):
            return (LeftOut(label, len(buffer), POINTED),)
        logs = tuple(read(Opened(path, buffer)))
    except ForeignError as error:
        return (LeftOut(label, len(buffer), error.said, foreign=True),)
    except UnusableLogError as error:
        return (LeftOut(label, len(buffer), error.said),)
    except MemoryError:
        return (LeftOut(label, 0, say("it does not fit into the memory")),)
    except OSError as error:
        return (LeftOut(label, 0, refused(error)),)
    digest = hashlib.sha256(buffer).hexdigest()
    return tuple(
        LogFile(
            path / log.part, _within(label, log), source, len(buffer), digest, _ended(log, len(buffer), hole)
        )
        for log in logs
    )


def _within(label: str, log: Log) -> str:
    return f"{label}/{log.part}" if log.part else label


def _ended(log: Log, size: int, hole: int) -> Log:
    return replace(log, gaps=(*log.gaps, Gap(size, hole, say("the file ends in a hole")))) if hole else log


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
    if path.is_relative_to(base):
        return path.relative_to(base).as_posix()
    beside = path.is_relative_to(base.parent) and path.parent != base.parent
    return f"../{path.relative_to(base.parent).as_posix()}" if beside else path.name
