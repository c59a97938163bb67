"""What looks like a log below a folder and is in none of the runs that were found there, and why.

A gate must count what it saw. So this goes by names alone through every folder, also those that the search
for runs does not enter, and holds what is there against what was found.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spikediag.errors import refused
from spikediag.model import Text, say
from spikediag.parser.log_files import LeftOut
from spikediag.parser.remote import local
from spikediag.parser.run_folders import DEEPEST, MOST_FOLDERS, Folder
from spikediag.parser.sources import PACKED, packed, read_file, source_of
from spikediag.parser.sources.event_files import is_named_so

HIDDEN = say("hidden folders are not searched; to judge it give its path")
TOO_DEEP = say("folders deeper than {most} levels are not searched; to judge it give its path", most=DEEPEST)
TOO_MANY = say("there are more than {most:,} folders; give a part of them", most=MOST_FOLDERS)
SPECIAL = say("no regular file; is it a pipe, or a link that leads nowhere?")
SILENT = say("its logs hold no scalars; has the training written its first one yet?")
NO_SCALARS = say("it holds text or pictures and no scalars")
ADDS_NOTHING = say("a run beside it holds what it logs: a copy, or a start of a point or two")


@dataclass(frozen=True)
class Overlooked:
    """A file or a folder that is in no run.

    Attributes:
        path: Where it is.
        why: One sentence.
        by_rule: Whether there is nothing in it to judge; else it may hold a run that nobody judged.
    """

    path: Path
    why: Text
    by_rule: bool = False


def overlooked(root: str | Path, found: Iterable[Folder]) -> Iterator[Overlooked]:
    """Name what looks like a log below a folder, or cannot be looked into, and is in none of the runs.

    Args:
        root: where runs were sought; a file has nothing below it.
        found: the folders of the runs that were found there.
    """
    top = local(root)
    if top.is_dir():
        known = {os.path.realpath(path) for folder in found for path in _files(folder)}
        yield from _Walk(top, known, set()).below(top, 0)


def _files(folder: Folder) -> Iterator[Path]:
    """Every file that a run was told from."""
    for path in folder.own_logs():
        yield path
        yield path.parent  # of a run in a file of several, the file


@dataclass(frozen=True)
class _Walk:
    root: Path
    known: set[str]  # paths without links
    seen: set[tuple[int, int]]

    def below(self, folder: Path, depth: int) -> Iterator[Overlooked]:
        """Go through a folder, entering none twice."""
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self.seen:
                return
            if len(self.seen) == MOST_FOLDERS:
                yield Overlooked(folder, TOO_MANY)
            self.seen.add((status.st_dev, status.st_ino))
            if len(self.seen) > MOST_FOLDERS:
                return
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
            folders = [Path(entry.path) for entry in listed if _is_folder(entry)]
            files = [Path(entry.path) for entry in listed if not _is_folder(entry)]
        except OSError as error:
            yield Overlooked(folder, refused(error))
            return
        if depth > DEEPEST:
            yield Overlooked(folder, TOO_DEEP)
            return
        yield from self._apart(folder, [path for path in files if os.path.realpath(path) not in self.known])
        for child in folders:
            yield from self.below(child, depth + 1)

    def _apart(self, folder: Path, files: list[Path]) -> Iterator[Overlooked]:
        """Name the logs of one folder that are in no run."""
        for path in files:
            if is_named_so(path.name):
                yield from self._named(path)
            elif packed(path) and os.path.realpath(folder) not in self.known:
                yield Overlooked(path, PACKED)
            elif (source := source_of(path)) and not source.alone and source.home(path) == folder:
                yield from self._named(path)

    def _named(self, path: Path) -> Iterator[Overlooked]:
        if any(part.startswith(".") for part in path.parent.relative_to(self.root).parts):
            yield Overlooked(path.parent, HIDDEN)
        elif not path.is_file():
            yield Overlooked(path, SPECIAL)
        else:
            yield from _read(path)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _read(path: Path) -> Iterator[Overlooked]:
    """Why a log that can be opened is in no run."""
    for file in read_file(path, path.name):
        if isinstance(file, LeftOut):
            if not file.foreign:
                yield Overlooked(path, file.why)
        elif file.points:
            yield Overlooked(path, ADDS_NOTHING, by_rule=True)
        elif file.log.speaks:
            yield Overlooked(path, NO_SCALARS, by_rule=True)
        else:
            yield Overlooked(path, SILENT)
