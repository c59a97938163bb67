"""Where runs lie below a path."""

import errno
import heapq
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from spikediag.errors import NoEventsError, RunNotFoundError, UnreadableRunError, UsageError, refused
from spikediag.model import Role, Text, say
from spikediag.parser.library_presets import recognise
from spikediag.parser.log_files import LeftOut, LogFile, LogFiles, ReadFile, by_completeness, usable
from spikediag.parser.nearby import MOST_KIN, near, with_nearby
from spikediag.parser.remote import address, addresses, local
from spikediag.parser.roles import assign_roles
from spikediag.parser.run_folders import (
    LOGGED_ABOVE,
    MOST_ENTRIES,
    Folder,
    Kin,
    survey,
)
from spikediag.parser.same_training import SINGLE, Sameness, has_more, sameness
from spikediag.parser.sessions import attempts, distinct, goes_on
from spikediag.parser.sources import (
    EVENTS,
    PACKED,
    is_table,
    packed,
    read_file,
    registry,
    source_for,
)

MOST_TABLES = 200  # of one folder that are looked into
BACK = 0.25  # share of rows at which the counter of a log may go back
WORDS = re.compile(r"[\W_]+")
LOSSES_OF_ONE = frozenset(
    {
        "actor",
        "critic",
        "policy",
        "value",
        "val",
        "valid",
        "validation",
        "eval",
        "test",
        "train",
        "total",
        "alpha",
        "kl",
    }
)
OF_THE_SAME_STEPS = 0.9  # share of the steps of a table that another of its training has too


@dataclass(frozen=True)
class RunSource:
    """A run that was found and not yet understood; `read_run` takes it, or its `path` alone.

    What was read of its log files to find it is kept for `read_run`, within bounds: for the run found last,
    and for earlier ones that are small. Reading takes it out; what is not there is read from the disk.
    """

    path: Path  # the folder or the log file; of a run in a file of several, the file and below it its name
    folder: Folder  # where its log files lie; only the one file when `path` is a file
    contents: LogFiles = field(default_factory=lambda: LogFiles(read_file), repr=False, compare=False)
    copies: tuple[tuple[Path, Text], ...] = ()  # files beside it that are no runs, and what is said of them

    @property
    def alone(self) -> "RunSource":
        """The same run without what was read to find it, to be sent elsewhere."""
        return RunSource(self.path, self.folder, copies=self.copies)


def find_runs(root: str | Path, only: str | None = None, read: ReadFile = read_file) -> Iterator[RunSource]:
    """Find what `read_run` can read below a folder, in the order of their paths, one at a time.

    A run is a folder; `train/` and `validation/`, ranks, and the sub-folders of add_scalars and add_hparams
    belong to the folder above them. Where one folder holds several attempts, each stands as its event file,
    or files; so does each run of a file that holds several. Folders whose files are whole and hold no scalar
    are passed over; what is empty or broken is found, so that reading it says why. What logs a training that
    other files nearby log too is no second run. A table that nobody's library names is a run where nothing
    else is: it may as well be a result.

    Args:
        root: a folder, or a log file.
        only: the id of a source, or the name of a file; no other file is seen.
        read: reads one file; another one may keep what it read.

    Raises:
        RunNotFoundError: there is nothing at `root`.
        UnreadableRunError: it lies elsewhere and may not be read, or nobody answers.
    """
    top = local(root)
    contents = LogFiles(read)
    if top.is_file():
        return _in_file(top, contents, only)
    if not is_there(top) and not top.parent.is_file():
        raise RunNotFoundError(
            say("{top} does not exist; give the folder that holds your runs.", top=address(top))
        )
    return _found(top, only, read) if top.exists() else iter((_of_file(top, contents),))


def _of_file(path: Path, contents: LogFiles) -> RunSource:
    """A log file, or one run of it, as a run."""
    source = source_for(path.parent if path.parent.is_file() else path)
    own = (path,)
    folder = path if path.parent.is_file() else path.parent  # what lies beside a database is not of its runs
    found = Folder(folder, own) if source.id == EVENTS else Folder(folder, logs=own)
    return RunSource(path, found, contents)


def _in_file(path: Path, contents: LogFiles, only: str | None) -> Iterator[RunSource]:
    """Yield each run of a file; most hold one."""
    whole = _of_file(path, contents)
    if whole.folder.files:
        yield _attempt(whole, only)
        return
    parts = [file.path for file in usable(whole.contents.keep((path,), path.parent))]
    if parts in ([path], []):
        yield whole
    else:
        yield from (_of_file(part, whole.contents) for part in parts)


def _attempt(alone: RunSource, only: str | None) -> RunSource:
    """An event file as the run that it is in its folder, if it is an attempt of its own there."""
    top, own = alone.folder.path, alone.path.absolute()
    folder = survey(top, only, LOGGED_ABOVE)
    if len(folder.files) < 2:
        return alone
    (folder, *_) = with_nearby(top, folder.runs(), only)
    runs = _told_apart(folder, alone.contents)
    return next((replace(run, path=alone.path) for run in runs if run.path == own), alone)


def _found(top: Path, only: str | None, read: ReadFile) -> Iterator[RunSource]:
    tree = survey(top, only)
    yield from _found_in(tree, Place(top, with_nearby(top, tree.runs(), only)), read)


def _found_in(tree: Folder, place: "Place", read: ReadFile) -> Iterator[RunSource]:
    nothing = True
    for run in place.runs(read):
        nothing = False
        yield run
    if nothing:
        yield from _Loose(LogFiles(read), []).tables(tree)


@dataclass(frozen=True)
class Place:
    """Folders whose runs are told apart together; nothing was read of their logs to find it.

    Attributes:
        root: What was searched.
        folders: What may be a run, in the order of their paths.
        beside: Runs of other places, of which logs without event files here may be copies.
        told: Runs that are known already.
    """

    root: Path
    folders: tuple[Folder, ...] = ()
    beside: tuple[Folder, ...] = ()
    told: tuple[RunSource, ...] = ()

    @property
    def every(self) -> tuple[Folder, ...]:
        """All folders whose files decide what is found here."""
        own = (*self.folders, *(run.folder for run in self.told))
        return (*own, *self.beside, *(one for folder in own for one in folder.nearby))

    def below(self, root: Path) -> "Place":
        """The same place where what was searched stands elsewhere."""

        def path(old: Path) -> Path:
            return root / old.relative_to(self.root)

        def folder(old: Folder) -> Folder:
            return replace(
                old,
                path=path(old.path),
                files=tuple(map(path, old.files)),
                logs=tuple(map(path, old.logs)),
                below=tuple(map(folder, old.below)),
                earlier=tuple(map(folder, old.earlier)),
                nearby=tuple(map(folder, old.nearby)),
            )

        return Place(
            root,
            tuple(map(folder, self.folders)),
            tuple(map(folder, self.beside)),
            tuple(RunSource(path(run.path), folder(run.folder)) for run in self.told),
        )

    def runs(self, read: ReadFile = read_file) -> Iterator[RunSource]:
        """Yield the runs, in the order of their paths, one at a time."""
        yield from self.told
        contents = LogFiles(read)
        order = {folder.path: place for place, folder in enumerate(self.folders)}
        runs = [folder for folder in self.folders if folder.is_run]
        loose = _Loose(contents, [*self.beside, *runs])
        others = (folder for folder in self.folders if not folder.is_run)
        # Each kind by itself, since only neighbours of one kind are joined.
        kinds = _joined(runs, contents), _joined(others, contents)
        for folder in heapq.merge(*kinds, key=lambda folder: order[folder.path]):
            apart = _told_apart if folder.is_run else loose.runs
            yield from apart(_with_earlier(folder, self.root), contents)


def _joined(folders: Iterable[Folder], contents: LogFiles) -> Iterator[Folder]:
    """Yield the folders of runs; one that goes on with the training of the version before it has that."""
    before: Folder | None = None
    for folder in by_id(folders):
        current = folder
        if before is not None and _goes_on(before, folder, contents):
            current = replace(folder, earlier=(*before.earlier, before))
        elif before is not None:
            yield before
        before = current
    if before is not None:
        yield before


def by_id(folders: Iterable[Folder]) -> list[Folder]:
    """Bring the folders of one W&B run together, where its newest one stands."""
    every = list(folders)
    newest = {(folder.path.parent, folder.kin_name): place for place, folder in enumerate(every)}
    places = [
        newest[folder.path.parent, folder.kin_name] if folder.kin_name else place
        for place, folder in enumerate(every)
    ]
    return [every[at] for at in sorted(range(len(every)), key=lambda at: (places[at], at))]


def _goes_on(before: Folder, folder: Folder, contents: LogFiles) -> bool:
    if before.version is None or folder.version is None or before.path.parent != folder.path.parent:
        return False
    if before.kin_name != folder.kin_name:
        return False
    later = attempts(_main(folder, contents))[0]
    chain = (attempts(_main(one, contents))[0] for one in (before, *reversed(before.earlier)))
    earlier = next(filter(None, chain), []) if folder.kin_name else next(chain)
    if folder.kin_name and not (earlier and later):
        return True  # of the same id, and ended before its first point
    return len(earlier) == len(later) == 1 and goes_on(earlier[0], later[0])


def _main(folder: Folder, contents: LogFiles) -> list[LogFile]:
    """The files that carry the run of a folder: its event files, else the most complete log."""
    if folder.files:
        return usable(contents.keep(folder.files, folder.path))
    return by_completeness(usable(contents.keep(folder.library_logs, folder.path)))[:1]


def _with_earlier(folder: Folder, top: Path) -> Folder:
    """The folder that was named itself, with the versions beside it that hold the training's beginning."""
    real = folder.path.resolve()
    own = folder.path if folder.path.name == real.name else real  # it may be a link, or the working folder
    if Folder(own).version is None or real != top.resolve():
        return folder
    beside = (child for child in survey(own.parent).below if child.is_run or child.logs)
    chains = ((*one.earlier, one) for one in _joined(beside, LogFiles(read_file)))
    chain = next((chain for chain in chains if own in (one.path for one in chain)), ())
    place = next((place for place, one in enumerate(chain) if one.path == own), 0)
    return replace(folder, earlier=chain[:place], later=tuple(one.path for one in chain[place + 1 :]))


def _told_apart(folder: Folder, contents: LogFiles) -> Iterator[RunSource]:
    """Yield a folder as one run, or each of its attempts."""
    apart, copies = _attempts(folder, contents)
    if len(apart) > 1:
        for path in (path for attempt in apart for path in attempt):
            yield RunSource(path, Folder(folder.path, (path,), nearby=folder.nearby), contents, copies)
            copies = ()
    elif apart or _is_broken(folder, contents) or _has_points_below(folder, contents):
        yield RunSource(folder.path, folder, contents)


def _attempts(
    folder: Folder, contents: LogFiles
) -> tuple[list[tuple[Path, ...]], tuple[tuple[Path, Text], ...]]:
    """Return the files of each attempt by path, so that only `contents` holds what is in them; and copies."""
    read = usable(contents.keep(folder.files, folder.path))
    files, said = distinct(read)
    kept = {file.path for file in files}
    dropped = sorted((file for file in read if file.path not in kept), key=lambda file: file.label)
    copies = tuple((file.path, why) for file, why in zip(dropped, said, strict=True))
    return [tuple(file.path for file in attempt) for attempt in attempts(files)[0]], copies


def _is_broken(folder: Folder, contents: LogFiles) -> bool:
    """Whether a file of the folder should hold events and is empty, cut, or no event file."""
    kept = contents.keep(folder.files, folder.path)
    return any(isinstance(file, LeftOut) or file.log.is_cut for file in kept)


def _has_points_below(folder: Folder, contents: LogFiles) -> bool:
    """Whether a sub-folder of the run holds a scalar; only as many files are read as it takes to tell."""
    return any(
        file.points
        for child in folder.below
        if child.kin is not Kin.STRANGER
        for path in child.files
        for file in usable(contents.keep((path,), folder.path))
    )


@dataclass
class _Loose:
    """Folders with logs and no event file; what logs the training of another folder nearby is no run.

    `taken` are the runs that such a folder is compared with.
    """

    contents: LogFiles
    taken: list[Folder]

    def runs(self, folder: Folder, contents: LogFiles) -> Iterator[RunSource]:
        """Yield the runs of a folder: its own, or those in a file of several."""
        known = contents.keep(folder.library_logs, folder.path)
        files = usable(known)
        if any(isinstance(file, LeftOut) and not file.foreign for file in known) and not files:
            yield RunSource(folder.path, replace(folder, logs=folder.library_logs), self.contents)
            return
        files = [file for file in files if file.points or file.log.is_cut]
        own = [file for file in files if not file.log.part]
        if own and not self._is_elsewhere(folder, files):
            self.taken.append(folder)
            yield RunSource(folder.path, replace(folder, logs=folder.library_logs), self.contents)
        for file in files:
            if file.log.part and not self._is_elsewhere(folder, [file]):
                yield _of_file(file.path, self.contents)

    def tables(self, tree: Folder) -> Iterator[RunSource]:
        """Yield the runs in the tables below a folder that log a loss and are no copy of one beside it."""
        for folder in tree.runs():
            told: list[LogFile] = []
            files = sorted(self._tables_of(folder), key=lambda file: file.log.rounding)
            for group in _trainings([file for file in files if file.points]):
                main = next(filter(_has_loss, group), None)
                if main and not any(_is_same(one, main) for one in (*told, *self._finer(main, folder, tree))):
                    told.append(main)
                    run = _of_file(main.path, self.contents)
                    logs = tuple(file.path for file in group)
                    yield replace(run, folder=replace(run.folder, logs=logs))

    def _finer(self, rounded: LogFile, folder: Folder, tree: Folder) -> Iterator[LogFile]:
        """Tables of other folders nearby that keep more digits than one that keeps few."""
        if rounded.log.rounding <= SINGLE:
            return
        for one in tree.runs():
            if one.path != folder.path and near(one.path, folder.path):
                known = self._tables_of(one)
                yield from (file for file in known if file.log.rounding < rounded.log.rounding)

    def _tables_of(self, folder: Folder) -> list[LogFile]:
        paths = folder.tables[:MOST_TABLES]
        return [file for path in paths for file in usable(self.contents.keep((path,), folder.path))]

    def _is_elsewhere(self, folder: Folder, files: list[LogFile]) -> bool:
        others = [one for one in self.taken if one is not folder and _may_be_of(folder, one)]
        others.sort(
            key=lambda one: [near.path for near in one.nearby].index(folder.path) if one.is_run else 0
        )
        return any(
            _is_copy(file, other)
            for one in others[:MOST_KIN]
            for other in (_main(one, self.contents) or self._below(one))
            for file in files
        )

    def _below(self, folder: Folder) -> list[LogFile]:
        """What the sub-folders of a run hold where it holds no event file itself."""
        below = [child for child in folder.below if child.kin is not Kin.STRANGER]
        return [file for child in below for file in usable(self.contents.keep(child.files, child.path))]


def _may_be_of(folder: Folder, known: Folder) -> bool:
    """Whether a folder of logs may be of the training of one that is known."""
    if known.is_run:
        return any(one.path == folder.path for one in known.nearby)
    return near(known.path, folder.path)


def _is_copy(file: LogFile, other: LogFile) -> bool:
    """Whether a log is of a training that is known; what one logger wrote twice is, if it has no more."""
    same = sameness(other.points, file.points) in (Sameness.SAME, Sameness.OTHER_AXIS)
    return same and not (file.source == other.source and has_more(file.points, other.points))


def _trainings(files: list[LogFile]) -> list[list[LogFile]]:
    """Bring tables of one quantity each together that are of one run by its name, else by their steps."""
    groups: list[list[LogFile]] = []
    for file in files:
        home = next((group for group in groups if all(_adds_to(one, file) for one in group)), None)
        if home is None:
            groups.append([file])
        else:
            home.append(file)
    return groups


def _is_same(one: LogFile, other: LogFile) -> bool:
    rounding = max(SINGLE, one.log.rounding, other.log.rounding)
    return sameness(one.points, other.points, rounding) is Sameness.SAME


def _adds_to(one: LogFile, other: LogFile) -> bool:
    """Whether two tables hold different quantities of one training."""
    if one.points.keys() & other.points.keys() or one.log.name != other.log.name:
        return False
    if one.log.name:
        return True
    (first, *more), (second, *others) = (list(file.points.values()) for file in (one, other))
    if more or others or (_has_loss(one) and _has_loss(other) and _of_which(one) != _of_which(other)):
        return False
    shared = np.intersect1d(first.steps, second.steps)
    fewer = min(len(np.unique(track.steps)) for track in (first, second))
    return len(shared) >= OF_THE_SAME_STEPS * fewer


def _of_which(table: LogFile) -> list[str]:
    """What the name of a loss says beside which of the losses of one training it is."""
    return [word for word in WORDS.split(next(iter(table.points)).lower()) if word not in LOSSES_OF_ONE]


def _has_loss(file: LogFile) -> bool:
    """Whether a table logs what is understood as a loss, as a training does: its counter goes on.

    In a table of results, a row for each run, what counts updates goes up and down.
    """
    tags = tuple(file.points)
    assigned = assign_roles(tags, recognise(tags), {})
    losses = [file.points[tag].steps for tag, one in assigned.items() if one.role is Role.LOSS]
    return any(np.count_nonzero(np.diff(steps) < 0) <= BACK * len(steps) for steps in losses)


def source_at(path: str | Path, only: str | None = None) -> RunSource:
    """Find the run at a path: a log file, a folder, or the only run below a folder.

    Raises:
        RunNotFoundError: there is nothing at `path`.
        NoEventsError: no log file is there.
        UsageError: several runs are below.
        UnreadableRunError: the path cannot be entered, or is neither a folder nor a file.
    """
    path = local(path)
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # permission to look inside
            return _run_in(path, only)
        if path.is_file():
            return _only_one(path, _in_file(path, LogFiles(read_file), only), only)
        if is_there(path):
            raise UnreadableRunError(
                say(
                    "{path} is neither a folder nor a file; give a run folder or a log file.",
                    path=address(path),
                )
            )
        if path.parent.is_file():
            return _of_file(path, LogFiles(read_file))
    except PermissionError as error:
        raise UnreadableRunError(
            say("{path} cannot be opened (permission denied); make it readable.", path=address(path))
        ) from error
    except OSError as error:
        raise UnreadableRunError(
            say("{path} cannot be opened ({why}); check the path.", path=address(path), why=refused(error))
        ) from error
    raise RunNotFoundError(say("{path} does not exist; give a run folder or a log file.", path=address(path)))


def is_there(path: Path) -> bool:
    """Whether something lies at a path: what may not be looked at is an error, and not nothing.

    `Path.exists` says the same up to Python 3.13.

    Raises:
        OSError: the system refuses to tell, as where permission is missing.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
    return True


def _run_in(path: Path, only: str | None) -> RunSource:
    top = survey(path, only)
    place = Place(path, with_nearby(path, top.runs(), only))
    if top.is_run:
        return RunSource(path, _with_earlier(place.folders[0], path))
    folders = list(_joined((one for one in place.folders if one.is_run), LogFiles(read_file)))
    below = (RunSource(one.path, _with_earlier(one, path)) for one in folders)
    return _only_one(path, below if folders else _found_in(top, place, read_file), only)


def _only_one(path: Path, found: Iterator[RunSource], only: str | None) -> RunSource:
    runs = list(found)
    if not runs:
        raise NoEventsError(nothing_at(path, only))
    if len(runs) > 1:
        raise UsageError(
            say(
                "{path} holds {count} runs; give one of them: {names}.",
                path=address(path),
                count=len(runs),
                names=addresses(run.path for run in runs),
            )
        )
    return replace(runs[0], path=path)


def nothing_at(path: Path, only: str | None = None) -> Text:
    """Say why no run was found in a folder, and the way out.

    Args:
        path: of the folder.
        only: the one source, or name of a file, that was asked for.
    """
    path = local(path)
    if only is not None:
        return say(
            "{path}: no log of the source {source!r} is here or below; sources are {kinds}, or a file name.",
            path=address(path),
            source=only,
            kinds=", ".join(sorted(registry.load())),
        )
    with suppress(OSError):
        for entry in sorted(path.iterdir())[:MOST_ENTRIES]:
            if packed(entry):
                return say("{path}: {name}: {why}.", path=address(path), name=entry.name, why=PACKED)
            if is_table(entry) and isinstance(file := read_file(entry, entry.name)[0], LeftOut):
                return say(
                    "{path}: {name} is the only kind of log here, and {why}.",
                    path=address(path),
                    name=entry.name,
                    why=file.why,
                )
    return say(
        "{path}: no log here or below that is read; give the folder that holds {logs}.",
        path=address(path),
        logs=LOGS,
    )


LOGS = say(
    "events.out.tfevents.* files, run-*.wandb, progress.csv, metrics.csv, trainer_state.json or the like"
)
