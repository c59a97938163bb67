"""What training leaves on the disk: one file for each kind of log, found by the registry.

A source knows its files by their names, says in which folder the run of a file lies, and reads a file into
series, facts and damage. The first citizen is `event_files`: where a folder holds some, they are the run.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from spikediag.parser.log_files import LeftOut, Log, LogFile, Opened, opened, read_log
from spikediag.registry import Registry
from spikediag.text import Text, say

EVENTS, DOCUMENTS, LINES = "event_files", "json_tables", "console"
PEEK = 1 << 12  # bytes that show whether a file is text
PACKING = re.compile(r"(.+)\.(gz|bz2|xz|zst|zip)")
NOTHING = say("")
ANYTHING = say("a table that no library names may be anything; give its file to read it")
PACKED = say("it is packed; unpack it, for example with gunzip")


class Source(Protocol):
    """One kind of log.

    Attributes:
        id: The name of its module, with underscores.
        alone: Whether each of its files is a run of its own and not a part of the folder's: a table that
            nobody's library names, or a console log. It is a run where nothing else is.
        beside: Why such a file is not read where something else is.
    """

    @property
    def id(self) -> str: ...  # noqa: D102

    @property
    def alone(self) -> bool: ...  # noqa: D102

    @property
    def beside(self) -> Text: ...  # noqa: D102

    def knows(self, path: Path) -> bool:
        """Whether a file is of this kind, by its name and place, without opening it."""
        ...

    def home(self, path: Path) -> Path:
        """The folder of the run that a file belongs to."""
        ...

    def read(self, file: Opened) -> Iterator[Log]:
        """Read a file, run by run.

        Raises:
            UnusableLogError: it is not what its name says, or holds no point.
        """
        ...


@dataclass(frozen=True)
class Named:
    """A source whose files have a name of their own and lie in the folder of their run."""

    id: str
    name: str  # a regular expression over the whole name, in any case
    alone: bool = False
    beside: Text = ANYTHING

    def knows(self, path: Path) -> bool:
        """Whether a file has the name."""
        return re.fullmatch(self.name, path.name, re.IGNORECASE) is not None

    def home(self, path: Path) -> Path:
        """The folder of the file."""
        return path.parent


registry: Registry[Source] = Registry("spikediag.parser.sources")


def source_of(path: Path) -> Source | None:
    """The source that knows a file; of several the one that asks for more of its name."""
    wanted = _by_demand() if _any_name().fullmatch(path.name) else _unnamed()
    return next((source for source in wanted if source.knows(path)), None)


def source_for(path: Path) -> Source:
    """The source of a file that was named itself; where no source knows its name, its first bytes decide."""
    if found := source_of(path):
        return found
    known: Mapping[str, Source] = registry.load()
    try:
        with opened(path) as file:
            start = file.beginning(PEEK)
    except OSError:  # it is said when it is read
        start = b""
    if not start.strip() or b"\0" in start:
        return known[EVENTS]
    return known[DOCUMENTS if path.suffix.lower() == ".json" else LINES]


def is_table(path: Path) -> bool:
    """Whether a file may be anything: a table that nobody's library names."""
    source = source_of(path)
    return source is not None and source.alone


def packed(path: Path) -> bool:
    """Whether a file is the packed copy of a log, by its name."""
    match = PACKING.fullmatch(path.name)
    return match is not None and ("tfevents" in match[1] or source_of(path.with_name(match[1])) is not None)


@cache
def _by_demand() -> tuple[Source, ...]:
    """Event files first; tables of any name last."""
    known: Mapping[str, Source] = registry.load()
    return tuple(sorted(known.values(), key=lambda source: (source.id != EVENTS, source.alone, source.id)))


@cache
def _unnamed() -> tuple[Source, ...]:
    """Those that ask for more than a name."""
    return tuple(source for source in _by_demand() if not isinstance(source, Named))


@cache
def _any_name() -> re.Pattern[str]:
    """What all others ask for at once: of most files of a tree none does."""
    named = (source.name for source in _by_demand() if isinstance(source, Named))
    return re.compile("|".join(f"(?:{name})" for name in named), re.IGNORECASE)


def read_file(path: Path, label: str) -> tuple[LogFile | LeftOut, ...]:
    """Read a log file, or one run of a file that holds several."""
    if packed(path):
        return (LeftOut(label, 0, PACKED),)
    whole = path.parent if path.parent.is_file() else path
    source = source_for(whole)
    files = read_log(whole, label, source.id, source.read)
    if whole == path:
        return files
    return tuple(file for file in files if isinstance(file, LeftOut) or file.log.part == path.name)
