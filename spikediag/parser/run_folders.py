"""How the folders of runs are laid out: where logs and saved models lie, and whose they are."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path

from spikediag.model import Checkpoint
from spikediag.parser.event_files.scalars import read_scalars
from spikediag.parser.remote import address, beginning, listed
from spikediag.parser.sources import EVENTS, Source, is_table, source_of

SPLITS = re.compile(r"train(ing)?|val(id|idation)?|test|eval(uation)?")
CONTAINERS = re.compile(r"tensorboard(_log)?|tb(_logs)?|logs?|events|summar(y|ies)|all|runs")
PLACES = re.compile(
    rf"{CONTAINERS.pattern}|lightning_logs|csv_logs|wandb|outputs?|results?|multirun|mlruns|files"
)  # where a tool or a person keeps trainings: no part of a name
SAYS_NOTHING = re.compile(
    r"((version|v|run|trial|seed|exp|experiment|attempt|try|fold|job|session)?[_-]?\d*)|[\d_.:t-]+"
    r"|(latest|last)([_-]?run)?|train(ing)?|([a-z]{2,3}_)?(ckpts?|checkpoints?)"
)  # of the training alone: what is above it belongs to its name
MOST_PARTS = 3  # folders in a name
RANK = re.compile(r"(rank|worker|process|proc|gpu|node)[_-]?(\d+)")
HPARAMS = re.compile(r"\d{9,}(\.\d+)?")  # torch.utils.tensorboard's add_hparams names a folder by the clock
WANDB_RUN = re.compile(r"(?:offline-)?run-(\d{8})_(\d{6})-(.+)")
LOGGERS = re.compile(rf"wandb|{WANDB_RUN.pattern}|files|csv(_logs)?")  # what loggers call their folders
LOGGED_ABOVE = re.compile(rf"wandb|{WANDB_RUN.pattern}|files|checkpoint-\d+")
STAMP = re.compile(r".*tfevents\.(\d{1,15})\..*")
VERSION = re.compile(r"version_(\d{1,9})")
PEEK = 1 << 15  # bytes of a file that show its tags
MOST_FOLDERS = 200_000
DEEPEST = 64  # folders below the one that is searched
CHECKPOINT = re.compile(
    r"(?:.*[_\-.])?(?:checkpoints?|ckpts?|model|policy|weights|agent|params|state|iter|step|global_step|epoch=\d+-step)"
    r"[_\-=]?(?:step|iter|epoch)?[_\-=]?(\d+)(?:_?k?_?steps)?(?:\.(?:pt|pth|ckpt|zip|safetensors|pkl|bin|npz|msgpack|index|tar))*",
    re.IGNORECASE,
)
CHECKPOINT_FOLDERS = (
    "",
    "checkpoints",
    "checkpoint",
    "ckpt",
    "ckpts",
    "models",
    "nn",
    "weights",
    "saved_models",
)
MOST_ENTRIES = 10_000  # looked at in one folder of checkpoints


class Kin(Enum):
    """What a folder with event files is to the folder above it."""

    SPLIT = "split"
    RANK = "rank"
    HPARAMS = "hparams"
    SCALARS = "scalars"
    STRANGER = "stranger"


@dataclass(frozen=True)
class Folder:
    """A folder with the logs of its run and the folders below it that lead to some.

    Attributes:
        files: Event files, which make the folder a run.
        logs: What other sources know by name; some of it may be no log at all.
        nearby: Folders without event files that may hold logs of its training.
    """

    path: Path
    files: tuple[Path, ...] = ()
    below: tuple["Folder", ...] = ()
    kin: Kin = Kin.STRANGER
    earlier: tuple["Folder", ...] = ()  # siblings that hold the beginning of the same training
    logs: tuple[Path, ...] = ()
    nearby: tuple["Folder", ...] = ()
    later: tuple[Path, ...] = ()  # siblings that go on with it

    @property
    def library_logs(self) -> tuple[Path, ...]:
        """Those of its logs that libraries name, which together are one run."""
        return tuple(path for path in self.logs if not is_table(path))

    @property
    def tables(self) -> tuple[Path, ...]:
        """Those that may be anything, each a run of its own if it is one."""
        return tuple(path for path in self.logs if is_table(path))

    def children(self, kin: Kin) -> list["Folder"]:
        """The folders right below that are this to it, in the order of their names."""
        return [child for child in self.below if child.kin is kin]

    @property
    def version(self) -> int | None:
        """Its place among its kin: the number of Lightning's `version_3`, the clock of a W&B run."""
        if match := VERSION.fullmatch(self.path.name):
            return int(match[1])
        match = WANDB_RUN.fullmatch(self.path.name)
        return int(match[1] + match[2]) if match else None

    @property
    def kin_name(self) -> str:
        """What folders of one training have in common: the id of a W&B run; every version of Lightning's."""
        return own_id(self.path)

    @property
    def is_run(self) -> bool:
        """Whether a person would call this folder a run."""
        return bool(self.files) or any(child.kin in (Kin.SPLIT, Kin.RANK) for child in self.below)

    def own_logs(self) -> Iterator[Path]:
        """Yield every log file of its run, in the folders that belong to it too."""
        yield from (*self.files, *self.logs)
        for child in self.below:
            if child.kin is not Kin.STRANGER:
                yield from child.own_logs()
        for earlier in self.earlier:
            yield from earlier.own_logs()

    def runs(self) -> Iterator["Folder"]:
        """Yield the runs at and below this folder, and what may be one by its logs, outermost first."""
        if self.is_run or self.logs:
            yield self
        for child in self.below:
            if not self.is_run or child.kin is Kin.STRANGER:
                yield from child.runs()


def own_id(folder: Path) -> str:
    """The id that its logger gave a training; the empty string where it gives none."""
    match = WANDB_RUN.fullmatch(folder.name)
    return match[3] if match else ""


def of_a_logger(folder: Path) -> bool:
    """Whether a folder is named after what logs into it, and not after what is trained."""
    return bool(LOGGERS.fullmatch(folder.name) or CONTAINERS.fullmatch(folder.name.lower()))


def started(file: Path) -> int | None:
    """Seconds since the epoch at which an event file was begun, by its name."""
    match = STAMP.fullmatch(file.name)
    return int(match[1]) if match else None


@cache
def wandb_clock(name: str) -> float | None:
    """When a W&B run was begun, by the name of its folder: seconds since the epoch if that were UTC."""
    match = WANDB_RUN.fullmatch(name)
    with suppress(ValueError):
        clock = f"{match[1]}{match[2]}+0000" if match else ""
        return datetime.strptime(clock, "%Y%m%d%H%M%S%z").timestamp()
    return None


def kin(folder: Path) -> list[str]:
    """The names of the folders to which its logger gave the id of this one, with its own; none without."""
    own = own_id(folder)
    with suppress(OSError):
        return sorted(entry.name for entry in folder.parent.iterdir() if own and own_id(entry) == own)
    return []


def survey(root: Path, only: str | None = None, names: re.Pattern[str] | None = None) -> Folder:
    """Walk a folder, following symbolic links but entering no folder twice.

    Folders that cannot be entered are passed over.

    Args:
        root: where to begin.
        only: the id of a source, or the name of a file; no other file is seen.
        names: of the folders below that are entered; all without.
    """
    return _Survey(listed(root.resolve(), whole=True), set(), only, names).look(root) or Folder(root)


def around(top: Path, levels: int, only: str | None = None) -> Iterator[Folder]:
    """Yield folders outside of one that is searched in which loggers put what they log of its runs.

    Only those are entered that a logger names so; nothing is looked for around a remote folder.
    """
    real = top.resolve()
    if address(real) != str(real):
        return
    for above in real.parents[:levels]:
        yield from (
            one for one in survey(above, only, LOGGED_ABOVE).runs() if not one.path.is_relative_to(real)
        )
    with suppress(OSError):
        beside = sorted(real.parent.parent.iterdir()) if of_a_logger(real.parent) else []
        for entry in beside[:MOST_ENTRIES]:
            if entry != real.parent and (entry / real.name).is_dir():
                yield from survey(entry / real.name, only, LOGGED_ABOVE).runs()


@dataclass(frozen=True)
class _Survey:
    root: Path
    seen: set[tuple[int, int]]
    only: str | None = None
    names: re.Pattern[str] | None = None

    def look(self, folder: Path, depth: int = 0) -> Folder | None:
        try:
            status = folder.stat()
            key = (status.st_dev, status.st_ino)
            if key in self.seen or len(self.seen) > MOST_FOLDERS or depth > DEEPEST:
                return None
            self.seen.add(key)
            with os.scandir(folder) as entries:
                # Real folders before links, so that a run keeps its own name and not that of a `latest` link.
                listed = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError:
            return None
        known = [(Path(entry.path), source) for entry in listed if (source := self.source(Path(entry.path)))]
        files = tuple(path for path, source in known if source.id == EVENTS)
        below = [self.look(Path(entry.path), depth + 1) for entry in listed if self.leads_down(entry)]
        found = [replace(child, kin=_kin(child, files)) for child in below if child]
        found.sort(key=lambda child: -1 if child.version is None else child.version)  # version_9, version_10
        logs = tuple(path for path, source in known if source.id != EVENTS)
        lifted = _lifted(Folder(folder, files, tuple(found), logs=logs))
        return lifted if files or lifted.below or lifted.logs or depth == 0 else None

    def source(self, path: Path) -> Source | None:
        """The source that knows a file, if that is wanted."""
        found = source_of(path)
        wanted = found is not None and self.only in (None, found.id, path.name)
        return found if found and wanted and (found.id == EVENTS or path.is_file()) else None

    def leads_down(self, entry: "os.DirEntry[str]") -> bool:
        """Whether to enter: not what is hidden, nor a link back up to what holds the root."""
        try:
            if not entry.is_dir() or entry.name.startswith("."):
                return False
            if self.names and not self.names.fullmatch(entry.name):
                return False
            return not (entry.is_symlink() and self.root.is_relative_to(Path(entry.path).resolve()))
        except (OSError, RuntimeError):
            return False


def _lifted(folder: Folder) -> Folder:
    """Take the logs of sub-folders that belong to this one, as those of checkpoints do: the newest alone."""
    lifted: list[Path] = []
    below = []
    for child in folder.below:
        mine = [path for path in child.logs if _home(path) == folder.path]
        lifted.extend(mine)
        rest = replace(child, logs=tuple(path for path in child.logs if path not in mine))
        if rest.files or rest.below or rest.logs:
            below.append(rest)
    newest = {path.name: path for path in sorted(lifted, key=lambda path: _numbers(path.parent.name))}
    return replace(folder, below=tuple(below), logs=(*folder.logs, *newest.values()))


def _home(path: Path) -> Path:
    source = source_of(path)
    return source.home(path) if source else path.parent


def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d{1,18}", name)]


def _kin(folder: Folder, files_above: tuple[Path, ...]) -> Kin:
    name = folder.path.name.lower()
    if not folder.files:
        return Kin.STRANGER
    if SPLITS.fullmatch(name):
        return Kin.SPLIT
    if RANK.fullmatch(name):
        return Kin.RANK
    if files_above and HPARAMS.fullmatch(name):
        return Kin.HPARAMS
    return Kin.SCALARS if files_above and _names_its_tags(folder) else Kin.STRANGER


def _names_its_tags(folder: Folder) -> bool:
    """Whether add_scalars wrote a folder: its name is that of the tag in it, flattened, and a key."""
    name = folder.path.name
    if "_" not in name:
        return False
    try:
        tags = read_scalars(beginning(folder.files[0], PEEK)).points
    except OSError:
        return False
    return bool(tags) and all(name.startswith(tag.replace("/", "_") + "_") for tag in tags)


def checkpoints(folder: Path) -> Iterator[Checkpoint]:
    """Yield the saved models of a run, by step, known by name alone; paths are relative to its folder."""
    found = {}
    for place in CHECKPOINT_FOLDERS:
        try:
            names = sorted(
                entry.name for entry, _ in zip((folder / place).iterdir(), range(MOST_ENTRIES), strict=False)
            )
        except OSError:
            continue
        for name in names:
            match = CHECKPOINT.fullmatch(name)
            if match and len(match[1]) < 16:
                found[f"{place}/{name}".lstrip("/")] = int(match[1])
    for path, step in sorted(found.items(), key=lambda item: (item[1], item[0])):
        yield Checkpoint(path, step)


def distinctive(folder: Path) -> str:
    """The name of what a folder holds: its own, after those above it as far as it says nothing alone.

    `my_exp/lightning_logs/version_0` is `my_exp/version_0`; a run of W&B goes by its id, and a remote run by
    the parts of its URL.
    """
    folder = Path(address(folder).rpartition("://")[2])
    home, parts = Path.home(), list[str]()
    for place in (folder, *folder.parents):
        name = wandb[3] if (wandb := WANDB_RUN.fullmatch(place.name)) else place.name
        if not name or place == home or len(parts) == MOST_PARTS:
            break
        if not PLACES.fullmatch(name.lower()):
            parts.insert(0, name)
            if not says_nothing(name) and not wandb:
                break
    return "/".join(parts) or folder.name


def says_nothing(name: str) -> bool:
    """Whether a name would fit the training of anybody: `run_1`, `0`, `2024-05-01_12-30-00`, `ckpt`."""
    return SAYS_NOTHING.fullmatch(name.lower()) is not None
