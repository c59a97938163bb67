"""Where runs lie below a path, and which log files make up one of them."""

import errno
import heapq
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np

from spikediag.errors import NoEventsError, RunNotFoundError, UnreadableRunError, UsageError, refused
from spikediag.model import Damage, Role, Text, say
from spikediag.parser.library_presets import recognise
from spikediag.parser.log_files import POINTED, LeftOut, LogFile, LogFiles, ReadFile
from spikediag.parser.remote import address, local
from spikediag.parser.roles import assign_roles
from spikediag.parser.run_folders import (
    LOGGED_ABOVE,
    MOST_ENTRIES,
    RANK,
    Folder,
    Kin,
    around,
    kin,
    of_a_logger,
    own_id,
    started,
    survey,
    wandb_clock,
)
from spikediag.parser.same_training import SINGLE, Sameness, has_more, sameness
from spikediag.parser.sessions import attempts, counted_on, distinct, goes_on
from spikediag.parser.sources import (
    ANYTHING,
    EVENTS,
    PACKED,
    is_table,
    packed,
    read_file,
    registry,
    source_for,
    source_of,
)

SHOWN = 5  # runs or files named in a message
NEAR = 3  # levels between two folders that may hold logs of one training
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
MOST_KIN = 16  # folders that one is compared with
MOST_ABOVE = 4  # of them from a folder of W&B's above many runs
APART = 300  # seconds between the starts of two loggers of one training
ZONE = 1800  # seconds by which time zones differ
MOST_ZONES = 14 * 2  # of them, from UTC


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


@dataclass
class RunFiles:
    """The log files of one run. `streams` maps a tag prefix to files of one writer, in order of time."""

    streams: dict[str, tuple[LogFile, ...]] = field(default_factory=dict)
    extra: list[LogFile] = field(default_factory=list)  # no points of their own: text, hyper-parameters
    beside: list[LogFile] = field(default_factory=list)  # other sources that should log the same training
    nearby: list[LogFile] = field(default_factory=list)  # logs that may be of the same training, or of any
    left_out: list[LeftOut] = field(default_factory=list)
    unread: dict[str, Text] = field(default_factory=dict)  # logs that were seen and not read, and why
    damage: list[Damage] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)

    @property
    def all(self) -> tuple[LogFile, ...]:
        """Every file that says something of the run, but those beside it."""
        return (*self.extra, *(file for stream in self.streams.values() for file in stream))


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
    parts = [file.path for file in _usable(whole.contents.keep((path,), path.parent))]
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
    nothing = True
    for run in Place(top, with_nearby(top, tree.runs(), only)).runs(read):
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
        return _usable(contents.keep(folder.files, folder.path))
    return by_completeness(_usable(contents.keep(library_logs(folder), folder.path)))[:1]


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
    usable = _usable(contents.keep(folder.files, folder.path))
    files, said = distinct(usable)
    kept = {file.path for file in files}
    dropped = sorted((file for file in usable if file.path not in kept), key=lambda file: file.label)
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
        for file in _usable(contents.keep((path,), folder.path))
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
        known = contents.keep(library_logs(folder), folder.path)
        files = _usable(known)
        if any(isinstance(file, LeftOut) and not file.foreign for file in known) and not files:
            yield RunSource(folder.path, replace(folder, logs=library_logs(folder)), self.contents)
            return
        files = [file for file in files if file.points or file.log.is_cut]
        own = [file for file in files if not file.log.part]
        if own and not self._is_elsewhere(folder, files):
            self.taken.append(folder)
            yield RunSource(folder.path, replace(folder, logs=library_logs(folder)), self.contents)
        for file in files:
            if file.log.part and not self._is_elsewhere(folder, [file]):
                yield _of_file(file.path, self.contents)

    def tables(self, tree: Folder) -> Iterator[RunSource]:
        """Yield the runs in the tables below a folder that log a loss and are no copy of one beside it."""
        for folder in tree.runs():
            told: list[LogFile] = []
            paths = tables(folder)[:MOST_TABLES]
            files = [file for path in paths for file in _usable(self.contents.keep((path,), folder.path))]
            files.sort(key=lambda file: file.log.rounding)
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
                paths = tables(one)[:MOST_TABLES]
                files = [file for path in paths for file in _usable(self.contents.keep((path,), one.path))]
                yield from (file for file in files if file.log.rounding < rounded.log.rounding)

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
        return [file for child in below for file in _usable(self.contents.keep(child.files, child.path))]


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


def near(one: Path, other: Path) -> bool:
    """Whether two folders may hold logs of one training: by their place, whatever is in them."""
    for low, high in ((one, other), (other, one)):
        if low.is_relative_to(high) and len(low.relative_to(high).parts) <= NEAR:
            return True
    twins = one.name == other.name and one.parent.parent == other.parent.parent
    twins &= of_a_logger(one.parent) and of_a_logger(other.parent)  # tb/version_0, csv/version_0
    ids = {own_id(one), own_id(other)} - {""}
    return twins or (len(ids) < 2 and experiment(one) == experiment(other))


def with_nearby(top: Path, folders: Iterable[Folder], only: str | None = None) -> tuple[Folder, ...]:
    """Name in each folder the likeliest others without event files to hold logs of its training.

    Those outside of what is searched count as well: a run is the same from wherever it is looked at.
    """
    every, known = tuple(folders), defaultdict[Hashable, list[Folder]](list)
    for one in (*every, *around(top, NEAR, only)):
        for key in known_by(one.path) if not one.is_run and library_logs(one) else ():
            known[key].append(one)

    def nearby(folder: Folder) -> Iterator[Folder]:
        asked = chain.from_iterable(known.get(key, ()) for key in asked_by(folder.path))
        found = {one.path: one for one in asked if one.path != folder.path and near(one.path, folder.path)}
        begun = min(filter(None, map(started, folder.own_logs())), default=None)
        yield from sorted(found.values(), key=lambda one: _apart(begun, one))[:MOST_KIN]
        for above in folder.path.parents[:NEAR] if folder.is_run and begun else ():
            others = (one for one in known.get(("above", above), ()) if one.path not in found)
            close = ((_apart(begun, one), place, one) for place, one in enumerate(others))
            yield from (one for gap, _, one in heapq.nsmallest(MOST_ABOVE, close) if gap <= APART)

    return tuple(replace(folder, nearby=tuple(nearby(folder))) for folder in every)


def _apart(begun: int | None, other: Folder) -> float:
    """Seconds from the start of a run to W&B's, whose time zone is unknown; 0 where one is not told."""
    clock = wandb_clock(other.path.name)
    if begun is None or clock is None:
        return 0.0
    zones = round((clock - begun) / ZONE)
    return abs(clock - begun - zones * ZONE) + max(abs(zones) - MOST_ZONES, 0) * ZONE


def known_by(path: Path) -> Iterator[Hashable]:
    """What a folder is known by among those that may be near another; `asked_by` has one of it in common."""
    yield ("home", experiment(path))
    yield ("home", experiment(path), own_id(path))
    yield ("twin", path.name, path.parent.parent)
    yield path
    yield from (("below", above) for above in path.parents[:NEAR])
    if own_id(path):
        yield ("above", experiment(path))


def asked_by(path: Path) -> Iterator[Hashable]:
    """What to ask for to find the folders that may be near one."""
    home = ("home", experiment(path))
    yield from ((*home, own_id(path)), (*home, "")) if own_id(path) else (home,)
    yield ("twin", path.name, path.parent.parent)
    yield ("below", path)
    yield from (path, *path.parents[:NEAR])


def experiment(folder: Path) -> Path:
    """The folder of an experiment, above what loggers put into it: `out` of `out/wandb/run-1/files`."""
    while of_a_logger(folder):
        folder = folder.parent
    return folder


def library_logs(folder: Folder) -> tuple[Path, ...]:
    """The logs of a folder that libraries name, which together are one run."""
    return tuple(path for path in folder.logs if not is_table(path))


def tables(folder: Folder) -> tuple[Path, ...]:
    """The logs of a folder that may be anything, each a run of its own if it is one."""
    return tuple(path for path in folder.logs if is_table(path))


def by_completeness(files: Iterable[LogFile]) -> list[LogFile]:
    """Order files by how many points they have, most first."""
    return sorted(files, key=lambda file: (-sum(len(t.steps) for t in file.points.values()), file.label))


def _usable(files: Iterable[LogFile | LeftOut]) -> list[LogFile]:
    return [file for file in files if isinstance(file, LogFile)]


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
    if top.is_run:
        return RunSource(path, _with_earlier(with_nearby(path, top.runs(), only)[0], path))
    folders = list(
        _joined((one for one in with_nearby(path, top.runs(), only) if one.is_run), LogFiles(read_file))
    )
    below = (RunSource(one.path, _with_earlier(one, path)) for one in folders)
    return _only_one(path, below if folders else _found(path, only, read_file), only)


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
                names=_names(run.path for run in runs),
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


def _names(paths: Iterable[Path]) -> str:
    every = [address(path) for path in paths]
    return ", ".join(every[:SHOWN]) + (", ..." if len(every) > SHOWN else "")


def files_of(source: RunSource) -> RunFiles:
    """Read the log files of a run, its own and those of the sub-folders that belong to it.

    Raises:
        UnreadableRunError: none of them can be read.
    """
    folder, files = source.folder, RunFiles()
    before = [file for one in folder.earlier for file in _taken(files, source, one)]
    if before:
        names = ", ".join(one.path.name for one in folder.earlier)
        files.notes.append(
            say(
                "{name} goes on with the training of {names}: read as one.",
                name=folder.path.name,
                names=names,
            )
        )
    if folder.is_run:
        _add_event_files(files, source, before)
    else:
        own = by_completeness(_taken(files, source, folder))
        for file in (file for file in files.left_out if file.foreign):
            files.unread[file.label] = file.why
        files.streams[""] = _counted_on(files, (*before, *own[:1]))
        files.beside.extend(own[1:])
    _add_nearby(files, source)
    if not files.all:
        raise UnreadableRunError(_why_nothing(source.path, files.left_out))
    files.notes.extend(_elsewhere(source))
    return files


def _counted_on(files: RunFiles, parts: tuple[LogFile, ...]) -> tuple[LogFile, ...]:
    """The parts of a training; say which of them count from 0 again and were counted on."""
    found = counted_on(parts)
    for old, new in zip(parts, found, strict=True):
        if new is not old:
            files.notes.append(
                say(
                    "{label} resumes and counts its steps from 0 again: they were counted on from {step}.",
                    label=new.label,
                    step=min(int(new.points[tag].steps.min()) for tag in new.log.anew),
                )
            )
    return found


def _elsewhere(source: RunSource) -> Iterator[Text]:
    """Say which folders beside it hold more of a training, or say that they do, and were not read."""
    folder = source.folder
    if folder.later:
        yield say(
            "{names} goes on with this training and was not read; to read all of it give {last}.",
            names=", ".join(path.name for path in folder.later),
            last=folder.later[-1].name,
        )
    real = folder.path.resolve()
    read = {real.name, *(path.name for path in folder.later), *(one.path.name for one in folder.earlier)}
    names = [name for name in kin(real) if name not in read]
    if names and not source.path.is_dir():
        yield say(
            "{names} has the same id in W&B; to read what is one training give the newest folder.",
            names=", ".join(names),
        )
    elif names:
        yield say(
            "{names} has the same id in W&B and is no part of this run: it does not go on where this stood. "
            "To read it give its folder.",
            names=", ".join(names),
        )


def _add_event_files(files: RunFiles, source: RunSource, before: list[LogFile]) -> None:
    """Add the event files of a folder and of those below, and what other sources log beside them."""
    folder = source.folder
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
        names = _names(child.path for child in ranks)
        files.notes.append(
            say("The files of {count} other ranks were left out: {names}.", count=len(ranks), names=names)
        )
    beside = source.contents.take(library_logs(folder), folder.path)
    files.beside.extend(by_completeness(_usable(beside)))
    if not files.streams and files.left_out and files.beside:
        first, instead = files.left_out[0], files.beside.pop(0)
        files.streams[""] = (instead,)
        files.notes.append(
            say(
                "{label}: {why}. {other} was read instead.",
                label=first.label,
                why=first.why,
                other=instead.label,
            )
        )
    files.unread |= {file.label: file.why for file in beside if isinstance(file, LeftOut)}


def _add_nearby(files: RunFiles, source: RunSource) -> None:
    """Add what another logger may have written of the same training: nearby, or in a table of any name.

    What is printed is read for its facts alone: it has few digits.
    """
    earlier = {one.path for one in source.folder.earlier}
    paths = [path for one in source.folder.nearby if one.path not in earlier for path in library_logs(one)]
    tabled = tables(source.folder) if source.folder.is_run else ()
    own = {file.source for file in files.all}
    known = [(path, kind) for path in (*paths, *tabled) if (kind := source_of(path)) and kind.id not in own]
    wanted = [path for path, kind in known if not kind.alone or kind.beside == ANYTHING][:MOST_TABLES]
    files.nearby.extend(by_completeness(_usable(source.contents.take(tuple(wanted), source.folder.path))))


def _rank(name: str) -> int:
    match = RANK.fullmatch(name.lower())
    return int(match[2]) if match else 0


def _taken(files: RunFiles, source: RunSource, folder: Folder) -> list[LogFile]:
    """Take the files of one folder from a source, and note what is wrong with them."""
    taken = source.contents.take(folder.files or folder.logs, source.folder.path)
    for file in taken:
        if not (isinstance(file, LeftOut) and file.foreign):
            files.damage.extend(file.damage)
        if isinstance(file, LogFile):
            files.notes.extend(say("{label}: {note}", label=file.label, note=note) for note in file.log.notes)
            if not file.size:
                files.notes.append(say("{label} is empty.", label=file.label))
    files.left_out.extend(file for file in taken if isinstance(file, LeftOut))
    return _usable(taken)


def _add_stream(files: RunFiles, prefix: str, read: list[LogFile]) -> None:
    """Add the newest attempt among files of one folder; say which others stand beside it."""
    kept, copies = distinct(read)
    files.notes.extend(copies)
    apart, strays = attempts(kept)
    files.notes.extend(
        say(
            "{file} holds a point or two that would replace many of the training: a stray start, left "
            "out. To read it give its file.",
            file=file.label,
        )
        for file in strays
    )
    if apart:
        files.streams[prefix] = apart[-1]
    if len(apart) > 1:
        others = [file.label for attempt in apart[:-1] for file in attempt]
        files.notes.append(
            say(
                "The folder holds {count} attempts; this is the newest, {label}. To read another give "
                "its file: {names}.",
                count=len(apart),
                label=apart[-1][0].label,
                names=", ".join(others[:SHOWN]) + (", ..." if len(others) > SHOWN else ""),
            )
        )
    # Text written by an earlier attempt describes that attempt; it speaks for this one only if nothing else
    # does.
    if not apart or not any(file.log.speaks for file in apart[-1]):
        files.extra.extend(file for file in kept if not file.points)


def _why_nothing(path: Path, left_out: list[LeftOut]) -> Text:
    if not left_out:
        return say(
            "{path}: its event files are empty; has the training written its first record yet?",
            path=address(path),
        )
    first = left_out[0]
    if first.why == POINTED:
        return say("{path}: {file} is {pointed}.", path=address(path), file=first.label, pointed=POINTED)
    if path.is_file():
        return say("{path}: {why}; give a run folder or a log file.", path=address(path), why=first.why)
    count = len(left_out)
    return say(
        "{path}: no log file can be read (tried: {count}; {file}: {why}); check them.",
        path=address(path),
        count=count,
        file=first.label,
        why=first.why,
    )
