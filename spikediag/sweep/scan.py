"""Many runs diagnosed by whoever executes tasks, each result handed on and kept as it arrives.

Tasks are handed out a window at a time and results are rows, so that memory does not grow with the curves.
A run that cannot be read, a bug and a worker that dies cost one row and nothing else.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from spikediag import parser, pipeline
from spikediag.errors import NoEventsError, SpikediagError, refused
from spikediag.model import Text, say
from spikediag.parser import Fingerprints, Place, RunSource
from spikediag.sweep.kept import Kept, kept
from spikediag.sweep.result import Sweep
from spikediag.sweep.row import NoRun, Row, left_out, ordered, summarise, unread
from spikediag.sweep.workers import Inline, processes, stop
from spikediag.version import VERSION

Fact: TypeAlias = str | int | float | bool
NO_FACTS: Mapping[str, Fact] = MappingProxyType({})
PER_WORKER = 4  # tasks handed out and not done
MANY_WORKERS = 64  # taken for an executor that does not say how many it has
LOOK_AGAIN = 0.05  # seconds between two looks at futures that cannot be waited for
BROKEN = say("the executor that was given broke; what it did is kept: scan again with a new one to go on.")
DIED = say("the process that read it died, maybe for want of memory; give it alone to see why.")


class ScanBrokenError(SpikediagError):
    """The executor that was given is gone."""


@dataclass(frozen=True)
class Search:
    """What is searched for runs, and how they are read."""

    root: str  # as it was typed
    only: str | None = None  # the one source, or name of a log file
    facts: Mapping[str, Fact] = field(default_factory=dict)  # given for all runs

    def key(self, fingerprint: str | None) -> str | None:
        """What a result is kept by."""
        return fingerprint and f"{fingerprint} {self.only} {sorted(self.facts.items())}"


def work(search: Search, place: Place) -> tuple[Row, ...]:
    """Read and diagnose the runs of a place; this is what a worker executes."""
    rows: list[Row] = []
    begun = time.process_time()
    try:
        for run in parser.here(place, search.root).runs():
            rows.extend(_copies(run))
            rows.append(_judged(search, run, begun))
            begun = time.process_time()
    except Exception as error:  # noqa: BLE001  # what telling runs apart meets is told of the folder
        rows.append(_failed(_folder(place), error))
    return tuple(rows)


def _judged(search: Search, run: RunSource, begun: float) -> Row:
    try:
        diagnosis = pipeline.diagnose(parser.read_run(run, search.facts))
        return summarise(diagnosis, time.process_time() - begun)
    except Exception as error:  # noqa: BLE001  # one run must not end the scan of a thousand
        return _failed(run.path, error)


def _copies(run: RunSource) -> Iterator[Row]:
    for path, why in run.copies:
        yield left_out(parser.address(path), path.name, why, NoRun.COPY)


def _bug(error: Exception) -> Text:
    return say(
        "internal error ({error}): a bug in spikediag, not in this run; please report it.",
        error=f"{type(error).__name__}: {error}",
    )


def _failed(path: Path, error: Exception) -> Row:
    match error:
        case SpikediagError():
            why = error.said
        case PermissionError():
            why = say("{path}: {why}.", path=str(error.filename), why=refused(error))
        case MemoryError():
            why = say("it does not fit into the memory.")
        case _:
            return unread(parser.address(path), path.name, _bug(error), is_bug=True)
    return unread(parser.address(path), path.name, why)


def _overlooked(search: Search, places: Iterable[Place], told: set[str]) -> Iterator[Row]:
    """What looks like a log and has no row by now: unread, or left out by a rule."""
    if search.only is not None:
        return
    known = told | {path.rpartition("/")[0] for path in told}  # of a run in a file of several, the file
    folders = {folder.path: folder for place in places for folder in place.every}.values()
    seen = [f for f in folders if f.is_run or any(parser.address(p) in known for p in (f.path, *f.logs))]
    for one in tuple(parser.overlooked(search.root, seen)):
        path = parser.address(one.path)
        if path not in told:
            yield (left_out if one.by_rule else unread)(path, one.path.name, one.why)


def _folder(place: Place) -> Path:
    return next((folder.path for folder in place.every), place.root)


@dataclass
class ScanProgress:
    """How far a scan is, in portions of the runs, most of which are one run."""

    total: int = 0
    done: int = 0
    known: int = 0  # of those done: that were kept from an earlier scan


@dataclass
class Scanner:
    """Hands places to an executor and takes up what comes back.

    Attributes:
        executor: Who does the work; anything with `submit` whose answers have `done` and `result`.
        kept: The results of earlier scans.
        renew: Makes a new executor where a process of the old one died; None where that is not ours to do.
        hear: Is told after each result.
    """

    executor: Executor
    kept: Kept
    renew: Callable[[], Executor] | None = None
    hear: Callable[[ScanProgress], None] = lambda _: None
    progress: ScanProgress = field(default_factory=ScanProgress)

    def below(self, search: Search) -> Iterator[Row]:
        """Yield the rows of a root as they arrive; at least one, that says why there is no other.

        Raises:
            ScanBrokenError: the executor is gone and cannot be renewed.
        """
        root, told = Path(search.root), set[str]()
        try:
            places = tuple(parser.places(search.root, search.only))
            for row in self._rows(search, places):
                told.add(row.path)
                yield row
            if not told:  # a table that nobody's library names is a run where nothing else is
                tables = parser.find_runs(search.root, search.only)
                places = tuple(Place(root, told=(run.alone,)) for run in tables)
                for row in self._rows(search, places):
                    told.add(row.path)
                    yield row
            for row in _overlooked(search, places, told):
                told.add(row.path)
                yield row
            if not told:
                raise NoEventsError(parser.nothing_at(root, search.only))
        except ScanBrokenError:
            raise
        except SpikediagError as error:
            yield _failed(root, error)

    def _rows(self, search: Search, places: Sequence[Place]) -> Iterator[Row]:
        """Yield the rows of places.

        Where a process dies, all that were handed out with it are read again, one at a time: whichever dies
        alone is the one.
        """
        self.progress.total += len(places)
        self.hear(self.progress)
        lost = []
        for place, rows in self._through(search, places, self._window):
            if rows is None:
                lost.append(place)
            else:
                yield from self._took(rows)
        for place in lost:
            for _, rows in self._through(search, [place], 1):
                path = _folder(place)
                yield from self._took(rows or (unread(parser.address(path), path.name, DIED),))

    @property
    def _window(self) -> int:
        workers = getattr(self.executor, "_max_workers", MANY_WORKERS)
        return 1 if isinstance(self.executor, Inline) else PER_WORKER * workers

    def _took(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        self.progress.done += 1
        self.hear(self.progress)
        return rows

    def _through(
        self, search: Search, places: Iterable[Place], window: int
    ) -> Iterator[tuple[Place, tuple[Row, ...] | None]]:
        """Yield each place with its rows, or None if its process died."""
        prints, todo = Fingerprints(), deque(places)
        pending: dict[Any, tuple[Place, str | None]] = {}
        while todo or pending:
            while todo and len(pending) < window:
                place = todo.popleft()
                known = self.kept.rows(key := search.key(prints.of(place)))
                if known is not None:
                    self.progress.known += 1
                    yield place, known
                else:
                    pending[self._submit(search, place)] = place, key
            for future in _done(pending):
                place, key = pending.pop(future)
                rows = _result(future, place)
                if rows and not any(row.verdict == NoRun.UNREAD for row in rows):
                    self.kept.keep(key, rows)
                yield place, rows

    def _submit(self, search: Search, place: Place) -> Any:  # noqa: ANN401  # whatever the executor answers
        try:
            return self.executor.submit(work, search, place)
        except BrokenExecutor:
            if self.renew is None:
                raise ScanBrokenError(BROKEN) from None
            self.executor.shutdown(wait=False)
            self.executor = self.renew()
            return self.executor.submit(work, search, place)


def _done(pending: Iterable[Any]) -> list[Any]:
    """The futures that are done; waits for one."""
    futures = list(pending)
    if not futures:
        return []
    if all(isinstance(future, Future) for future in futures):
        done, _ = wait(futures, return_when=FIRST_COMPLETED)
        return [future for future in futures if future in done]
    while not (found := [future for future in futures if future.done()]):
        time.sleep(LOOK_AGAIN)
    return found


def _result(future: Any, place: Place) -> tuple[Row, ...] | None:  # noqa: ANN401
    """What came of a task; None where its process died with those of others."""
    path = _folder(place)
    try:
        rows: tuple[Row, ...] = future.result()
    except BrokenExecutor:
        return None
    except Exception as error:  # noqa: BLE001  # what a cluster raises that did not do its task
        kind = type(error).__name__
        said = say("its worker did not do it ({kind}: {error}).", kind=kind, error=str(error))
        why = DIED if kind == "KilledWorker" else said
        return (unread(parser.address(path), path.name, why),)
    return rows


def scan(
    roots: Sequence[str | Path],
    *,
    executor: Executor | None = None,
    jobs: int = 1,
    only: str | None = None,
    facts: Mapping[str, Fact] = NO_FACTS,
    again: bool = False,
    hear: Callable[[ScanProgress], None] = lambda _: None,
) -> Sweep:
    """Diagnose every run at or below some paths, each once, and ask what goes with spiking.

    Args:
        roots: folders of runs, runs, log files; URLs too.
        executor: who does the work; processes of this machine if none is given.
        jobs: how many of these.
        only: the id of the only source, or the name of the only log file, to read.
        facts: of all runs, such as `{"dataset_size": 418}`.
        again: whether to read runs that an earlier scan has read.
        hear: is told after each result.

    Raises:
        ScanBrokenError: the executor that was given is gone; what it did is kept.
        UsageError: a fact has an unknown name or an unusable value.
    """
    parser.refuse_unusable(facts)
    renew = None if executor is not None else partial(processes, jobs)
    with kept(fresh=again) as results:
        scanner = Scanner(executor or processes(jobs), results, renew, hear)
        found: dict[str, Row] = {}
        try:
            for root in roots:
                for row in scanner.below(Search(str(root), only, dict(facts))):
                    found.setdefault(row.path, row)
        finally:
            if renew is not None:
                stop(scanner.executor)
    return Sweep(tuple(map(parser.address, roots)), ordered(found.values()), VERSION)
