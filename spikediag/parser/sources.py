"""Where runs lie below a path, and which event files make up one of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from spikediag.errors import NoEventsError, RunNotFoundError, UnreadableRunError, UsageError
from spikediag.model import Damage
from spikediag.parser.event_files.event_file import POINTED, EventFile, EventFiles, LeftOut
from spikediag.parser.run_folders import RANK, Folder, Kin, survey
from spikediag.parser.sessions import attempts, distinct, goes_on

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
    for folder in _joined(survey(top).runs(), contents):
        yield from _told_apart(_with_earlier(folder, top), contents)


def _joined(folders: Iterable[Folder], contents: EventFiles) -> Iterator[Folder]:
    """Yield the folders of runs; one that goes on with the training of the version before it has that."""
    before: Folder | None = None
    for folder in folders:
        current = folder
        if before is not None and _goes_on(before, folder, contents):
            current = replace(folder, earlier=(*before.earlier, before))
        elif before is not None:
            yield before
        before = current
    if before is not None:
        yield before


def _goes_on(before: Folder, folder: Folder, contents: EventFiles) -> bool:
    if before.version is None or folder.version is None or before.path.parent != folder.path.parent:
        return False
    earlier, later = (attempts(_usable(contents.keep(one.files, one.path)))[0] for one in (before, folder))
    return len(earlier) == len(later) == 1 and goes_on(earlier[0], later[0])


def _with_earlier(folder: Folder, named: Path) -> Folder:
    """The folder that was named itself, with the versions beside it that hold the training's beginning."""
    if folder.version is None or folder.path != named.resolve():
        return folder
    beside = (child for child in survey(folder.path.parent).below if child.is_run)
    found = (one for one in _joined(beside, EventFiles()))
    within = next((one for one in found if folder.path in (one.path, *(e.path for e in one.earlier))), folder)
    paths = [one.path for one in (*within.earlier, within)]
    return replace(folder, earlier=within.earlier[: paths.index(folder.path)])


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
    return [tuple(file.path for file in attempt) for attempt in attempts(files)[0]]


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
            return RunSource(path, _with_earlier(_the_run(path), path))
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
    runs = list(_joined(top.runs(), EventFiles()))
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
    before = [file for one in folder.earlier for file in _taken(files, source, one)]
    if before:
        names = ", ".join(one.path.name for one in folder.earlier)
        files.notes.append(f"{folder.path.name} goes on with the training of {names}: read as one.")
    _add_stream(files, "", [*before, *_taken(files, source, folder)])
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
    apart, strays = attempts(kept)
    files.notes.extend(
        f"{file.label} holds a point or two that would replace many of the training: a stray start, left "
        "out. To read it give its file."
        for file in strays
    )
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
    if first.why == POINTED:
        return f"{path}: {first.label} is {POINTED}."
    if path.is_file():
        return f"{path}: {first.why}; give a run folder or a file named events.out.tfevents.*."
    count = len(left_out)
    return f"{path}: none of its {count} event files can be read ({first.label}: {first.why}); check them."
