"""How the folders of a run are laid out: which sub-folders with event files belong to it."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from spikediag.parser.event_files.event_file import looks_like_events
from spikediag.parser.event_files.scalars import read_columns

SPLITS = re.compile(r"train(ing)?|val(id|idation)?|test|eval(uation)?")
CONTAINERS = re.compile(r"tensorboard(_log)?|tb(_logs)?|logs?|events|summar(y|ies)|all|runs")
RANK = re.compile(r"(rank|worker|process|proc|gpu|node)[_-]?(\d+)")
HPARAMS = re.compile(r"\d{9,}(\.\d+)?")  # torch.utils.tensorboard's add_hparams names a folder by the clock
PEEK = 1 << 15  # bytes of a file that show its tags
MOST_FOLDERS = 200_000


class Kin(Enum):
    """What a sub-folder is to the folder above it."""

    SPLIT = "split"
    RANK = "rank"
    HPARAMS = "hparams"
    SCALARS = "scalars"
    STRANGER = "stranger"


@dataclass(frozen=True)
class Folder:
    """A folder with the event files in it and the folders below it that lead to some."""

    path: Path
    files: tuple[Path, ...]
    below: tuple["Folder", ...]

    def kin(self, child: "Folder") -> Kin:
        """Tell what a sub-folder is to this folder."""
        name = child.path.name.lower()
        if not child.files:
            return Kin.STRANGER
        if SPLITS.fullmatch(name):
            return Kin.SPLIT
        if RANK.fullmatch(name):
            return Kin.RANK
        if self.files and HPARAMS.fullmatch(name):
            return Kin.HPARAMS
        return Kin.SCALARS if self.files and _names_its_tags(child) else Kin.STRANGER

    @property
    def is_run(self) -> bool:
        """Whether a person would call this folder a run."""
        return bool(self.files) or any(self.kin(child) in (Kin.SPLIT, Kin.RANK) for child in self.below)

    def runs(self) -> Iterator["Folder"]:
        """Yield the runs at and below this folder, outermost first."""
        if self.is_run:
            yield self
        for child in self.below:
            if not self.is_run or self.kin(child) is Kin.STRANGER:
                yield from child.runs()


def _names_its_tags(folder: Folder) -> bool:
    """Whether add_scalars wrote a folder: its name is that of the tag in it, flattened, and a key."""
    name = folder.path.name
    if "_" not in name:
        return False
    try:
        with folder.files[0].open("rb") as file:
            tags = read_columns(file.read(PEEK)).tags
    except OSError:
        return False
    return bool(tags) and all(name.startswith(tag.replace("/", "_") + "_") for tag in tags)


def survey(root: Path) -> Folder:
    """Walk a folder, following symbolic links but entering no folder twice.

    Folders that cannot be entered are passed over.
    """
    return _Survey(root.resolve(), set()).look(root) or Folder(root, (), ())


@dataclass(frozen=True)
class _Survey:
    root: Path
    seen: set[tuple[int, int]]

    def look(self, folder: Path, depth: int = 0) -> Folder | None:
        try:
            status = folder.stat()
            key = (status.st_dev, status.st_ino)
            if key in self.seen or len(self.seen) > MOST_FOLDERS or depth > 64:
                return None
            self.seen.add(key)
            with os.scandir(folder) as entries:
                # Real folders before links, so that a run keeps its own name and not that of a `latest` link.
                listed = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError:
            return None
        files = tuple(Path(entry.path) for entry in listed if looks_like_events(Path(entry.path)))
        below = [self.look(Path(entry.path), depth + 1) for entry in listed if self.leads_down(entry)]
        found = tuple(child for child in below if child)
        return Folder(folder, files, found) if files or found or depth == 0 else None

    def leads_down(self, entry: "os.DirEntry[str]") -> bool:
        """Whether to enter: not what is hidden, nor a link back up to what holds the root."""
        try:
            if not entry.is_dir() or entry.name.startswith("."):
                return False
            return not (entry.is_symlink() and self.root.is_relative_to(Path(entry.path).resolve()))
        except (OSError, RuntimeError):
            return False
