"""Where runs lie below a path, and which event files make up one of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spikediag.errors import NoEventsError, RunNotFoundError, UnreadableRunError, UsageError
from spikediag.model import Damage
from spikediag.parser.event_files.event_file import EventFile, EventFiles, LeftOut
from spikediag.parser.run_folders import RANK, Folder, Kin, survey
from spikediag.parser.sessions import attempts, distinct

SHOWN = 5  # runs or files named in a message


@dataclass(frozen=True)
class RunSource:
    """A run that was found and not yet understood; `read_run` takes it, or its `path` alone.

    What was read of its event files to find it is kept for `read_run`, within bounds: for the run found last,
    and for earlier ones that are small. Reading takes it out; what is not there is read from the disk.
    """

    path: Path  # the folder or the event file
    folder: Folder  # where its event files lie; only the one file when `path` is a file
    contents: EventFiles = field(default_factory=EventFiles, repr=False, compare=False)


@dataclass
class RunFiles:
    """The event files of one run. `streams` maps a tag prefix to files of one writer, in order of time."""

    streams: dict[str, tuple[EventFile, ...]] = field(default_factory=dict)
    extra: list[EventFile] = field(default_factory=list)  # no points of their own: text, hyper-parameters
    left_out: list[LeftOut] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def all(self) -> tuple[EventFile, ...]:
        """Every file that says something of the run."""
        return (*self.extra, *(file for stream in self.streams.values() for file in stream))


def find_runs(root: str | Path) -> Iterator[RunSource]:
    """Find what `read_run` can read below a folder, in the order of their paths, one at a time.

    A run is a folder; `train/` and `validation/`, ranks, and the sub-folders of add_scalars and add_hparams
    belong to the folder above them. Where one folder holds several attempts, each stands as its event file,
    or files. Folders whose event files are whole and hold no scalar are passed over; what is empty or broken
    is found, so that reading it says why.

    Raises:
        RunNotFoundError: there is nothing at `root`.
    """
    top = Path(root)
    if top.is_file():
        return iter((RunSource(top, Folder(top.parent, (top,))),))
    if not top.exists():
        raise RunNotFoundError(f"{top} does not exist; give the folder that holds your runs.")
    return _found(top)


def _found(top: Path) -> Iterator[RunSource]:
    contents = EventFiles()
    for folder in survey(top).runs():
        yield from _told_apart(folder, contents)


def _told_apart(folder: Folder, contents: EventFiles) -> Iterator[RunSource]:
    """Yield a folder as one run, or each of its attempts."""
    apart = _attempts(folder, contents)
    if len(apart) > 1:
        for path in (path for attempt in apart for path in attempt):
            yield RunSource(path, Folder(folder.path, (path,)), contents)
    elif apart or _is_broken(folder, contents) or _has_points_below(folder, contents):
        yield RunSource(folder.path, folder, contents)


def _attempts(folder: Folder, contents: EventFiles) -> list[tuple[Path, ...]]:
    """Return the files of each attempt by path, so that only `contents` holds what is in them."""
    files, _ = distinct(_usable(contents.keep(folder.files, folder.path)))
    return [tuple(file.path for file in attempt) for attempt in attempts(files)]


def _is_broken(folder: Folder, contents: EventFiles) -> bool:
    """Whether a file of the folder should hold events and is empty, cut, or no event file."""
    kept = contents.keep(folder.files, folder.path)
    return any(isinstance(file, LeftOut) or not file.size or file.scalars.gaps for file in kept)


def _has_points_below(folder: Folder, contents: EventFiles) -> bool:
    """Whether a sub-folder of the run holds a scalar; only as many files are read as it takes to tell."""
    return any(
        file.scalars.points
        for child in folder.below
        if child.kin is not Kin.STRANGER
        for path in child.files
        for file in _usable(contents.keep((path,), folder.path))
    )


def _usable(files: Iterable[EventFile | LeftOut]) -> list[EventFile]:
    return [file for file in files if isinstance(file, EventFile)]


def source_at(path: Path) -> RunSource:
    """Find the run at a path: an event file, a folder, or the only run below a folder.

    Raises:
        RunNotFoundError: there is nothing at `path`.
        NoEventsError: no event file is there.
        UsageError: several runs are below.
        UnreadableRunError: the path cannot be entered, or is neither a folder nor a file.
    """
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # permission to look inside
            return RunSource(path, _the_run(path))
        if path.is_file():
            return RunSource(path, Folder(path.parent, (path,)))
        if path.exists():
            raise UnreadableRunError(
                f"{path} is neither a folder nor a file; give a run folder or an event file."
            )
    except PermissionError as error:
        raise UnreadableRunError(f"{path} cannot be opened (permission denied); make it readable.") from error
    except OSError as error:
        raise UnreadableRunError(f"{path} cannot be opened ({error.strerror}); check the path.") from error
    raise RunNotFoundError(f"{path} does not exist; give a run folder or an event file.")


def _the_run(path: Path) -> Folder:
    top = survey(path)
    if top.is_run:
        return top
    runs = list(top.runs())
    if not runs:
        raise NoEventsError(
            f"{path}: no event file here or below; give the folder that holds events.out.tfevents.* files."
        )
    if len(runs) > 1:
        raise UsageError(f"{path} holds {len(runs)} runs; give one of them: {_names(runs)}.")
    return runs[0]


def _names(folders: list[Folder]) -> str:
    shown = ", ".join(str(folder.path) for folder in folders[:SHOWN])
    return shown + (", ..." if len(folders) > SHOWN else "")


def files_of(source: RunSource) -> RunFiles:
    """Read the event files of a run, its own and those of the sub-folders that belong to it.

    Raises:
        UnreadableRunError: none of them can be read.
    """
    folder, files = source.folder, RunFiles()
    _add_stream(files, "", _taken(files, source, folder))
    ranks = sorted(folder.children(Kin.RANK), key=lambda child: _rank(child.path.name))
    for child in folder.below:
        if child.kin in (Kin.SPLIT, Kin.SCALARS):
            _add_stream(files, child.path.name + "/", _taken(files, source, child))
        elif child.kin is Kin.HPARAMS:
            files.extra.extend(_taken(files, source, child))
    if ranks and not folder.files:
        _add_stream(files, "", _taken(files, source, ranks.pop(0)))
    if ranks:
        files.notes.append(f"The files of {len(ranks)} other ranks were left out: {_names(ranks)}.")
    if not files.all:
        raise UnreadableRunError(_why_nothing(source.path, files.left_out))
    return files


def _rank(name: str) -> int:
    match = RANK.fullmatch(name.lower())
    return int(match[2]) if match else 0


def _taken(files: RunFiles, source: RunSource, folder: Folder) -> list[EventFile]:
    """Take the files of one folder from a source, and note what is wrong with them."""
    taken = source.contents.take(folder.files, source.folder.path)
    for file in taken:
        files.damage.extend(file.damage)
    files.left_out.extend(file for file in taken if isinstance(file, LeftOut))
    return _usable(taken)


def _add_stream(files: RunFiles, prefix: str, read: list[EventFile]) -> None:
    """Add the newest attempt among files of one folder; say which others stand beside it."""
    kept, copies = distinct(read)
    files.notes.extend(copies)
    apart = attempts(kept)
    if apart:
        files.streams[prefix] = apart[-1]
    if len(apart) > 1:
        others = [file.label for attempt in apart[:-1] for file in attempt]
        files.notes.append(
            f"The folder holds {len(apart)} attempts; this is the newest, {apart[-1][0].label}. To read "
            f"another give its file: {', '.join(others[:SHOWN])}{', ...' if len(others) > SHOWN else ''}."
        )
    # Text written by an earlier attempt describes that attempt; it speaks for this one only if nothing else
    # does.
    if not apart or not any(file.scalars.others for file in apart[-1]):
        files.extra.extend(file for file in kept if not file.scalars.points)


def _why_nothing(path: Path, left_out: list[LeftOut]) -> str:
    if not left_out:
        return f"{path}: its event files are empty; has the training written its first record yet?"
    first = left_out[0]
    if path.is_file():
        return f"{path}: {first.why}; give a run folder or a file named events.out.tfevents.*."
    count = len(left_out)
    return f"{path}: none of its {count} event files can be read ({first.label}: {first.why}); check them."
