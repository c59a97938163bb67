"""Runs that somebody else is writing: looked at again and again, diagnosed when they grew.

It polls, since no notification crosses a network file system. Of an event file only what is new is read
(`parser.GrowingFiles`). A diagnosis takes as long as the log is long; so that a growing log does not cost a
growing share of the machine, one that took a second is followed by four without: `SHARE`.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from spikediag import parser, pipeline
from spikediag.errors import NoEventsError, SpikediagError
from spikediag.live.alerts import Alert, State
from spikediag.live.incidents import Incidents, Look
from spikediag.model import Diagnosis, Role
from spikediag.parser import RunSource
from spikediag.parser.flight_records import records_beside
from spikediag.parser.log_files import LogFiles

SHARE = 0.2  # of the time, at most, that the diagnoses of one run take
STILL = 10.0  # times the usual time between two looks with something new: the log stopped growing
PATIENCE = 60.0  # seconds in which no log is said to have stopped
REMEMBERED = 32  # growths that tell what is usual


@dataclass(eq=False)
class Followed:
    """One run, as far as it is known.

    Attributes:
        source: Where its files are; the newest look.
        is_new: Whether it appeared while others were followed already.
        diagnosis: The newest; None as long as it has no loss, or cannot be read.
        error: Why there is none.
        grown_at: When something new was last seen, in seconds of the clock.
        is_behind: Whether it grew since the diagnosis.
    """

    source: RunSource
    is_new: bool
    grown_at: float
    diagnosis: Diagnosis | None = None
    error: SpikediagError | None = None
    is_behind: bool = True
    incidents: Incidents = field(default_factory=lambda: Incidents(""))
    stamp: tuple[object, ...] = ()
    ready_at: float = 0.0
    intervals: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def name(self) -> str:
        """What the run is called, its path as long as nothing was read."""
        return self.diagnosis.run.name if self.diagnosis else parser.address(self.source.path)

    @property
    def step(self) -> int | None:
        """The last logged step of a loss."""
        losses = self.diagnosis.run.having(Role.LOSS) if self.diagnosis else iter(())
        return max((int(loss.steps[-1]) for loss in losses if len(loss)), default=None)

    def has_stopped(self, now: float) -> bool:
        """Whether it has not grown for much longer than it usually takes."""
        usual = median(self.intervals) if self.intervals else 0.0
        return now - self.grown_at > max(PATIENCE, STILL * usual)

    def grew(self, now: float) -> None:
        """Something new was seen."""
        self.intervals.append(now - self.grown_at)
        self.grown_at, self.is_behind = now, True

    def diagnose(self, facts: Mapping[str, object], now: Callable[[], float]) -> list[Alert]:
        """Diagnose what is there by now, and return what is new of its incidents, each state once."""
        begun, first = now(), self.diagnosis is None
        self.is_behind = False
        try:
            found = pipeline.diagnose(parser.read_run(self.source, facts))
        except SpikediagError as error:
            self.error = error
            return []
        except Exception as error:
            error.add_note(f"while working on {parser.address(self.source.path)}")
            raise
        self.diagnosis, self.error = found, None
        self.incidents.run = found.run.name
        points = {loss.tag: len(loss) for loss in found.run.having(Role.LOSS)}
        alerts = self.incidents.update(Look(found.findings, found.run, self.step or 0, points))
        self.ready_at = now() + (now() - begun) * (1 / SHARE - 1)
        old = first and not self.is_new
        return [one for one in alerts if not old or one.state is State.RISING]


class Follower:
    """Follows every run at or below some paths, also those that appear later.

    Args:
        roots: Folders or log files on this machine.
        facts: Stated by the user; see `parser.read_run`.
        only: The id of a source, or the name of a file; no other file is seen.
        now: A clock, in seconds.

    Attributes:
        runs: Those that were found, by path, in the order in which they were.
        failures: Why there is no run at a root, by root.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        facts: Mapping[str, object],
        only: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.roots, self.facts, self.only, self.now = tuple(roots), facts, only, now
        self.runs: dict[Path, Followed] = {}
        self.failures: dict[Path, SpikediagError] = {}
        self._files = parser.GrowingFiles()
        self._begun, self._looked = now(), False

    def look(self, *, last: bool = False) -> list[Alert]:
        """Look at everything once; return what is new of the incidents of every run.

        What had happened before the first look is no news, unless it is rising now.

        Args:
            last: Whether nothing will be looked at again: then no run stays behind.
        """
        for root in self.roots:
            try:
                found = list(parser.find_runs(root, self.only, self._files.read))
                if not found:
                    raise NoEventsError(parser.nothing_at(root, self.only))
            except SpikediagError as error:
                self.failures[root] = error
                continue
            self.failures.pop(root, None)
            for source in found:
                self._see(source)
        self._looked = True
        due = [r for r in self.runs.values() if r.is_behind and (last or self.now() >= r.ready_at)]
        return [alert for run in due for alert in run.diagnose(self.facts, self.now)]

    @property
    def idle_for(self) -> float:
        """Seconds since anything grew, or appeared."""
        return self.now() - max((run.grown_at for run in self.runs.values()), default=self._begun)

    def _see(self, source: RunSource) -> None:
        """Know a run that was found, and whether it grew."""
        stamp = self._stamp(source)  # before its files are read, so that nothing new is missed
        mine = replace(source, contents=LogFiles(self._files.read))
        key = source.path.resolve()
        known = self.runs.get(key)
        if known is None:
            self.runs[key] = Followed(mine, self._looked, self.now(), stamp=stamp)
        elif known.stamp != stamp:
            known.source, known.stamp = mine, stamp
            known.grew(self.now())

    def _stamp(self, source: RunSource) -> tuple[object, ...]:
        """What changes when something new is there: a log that grew, or a flight record."""
        paths = sorted(set(source.folder.own_logs()))
        for path in paths:
            self._files.read(path, path.name)
        return (*((path, self._files.changes[path]) for path in paths), *_records(source.folder.path))


def _records(folder: Path) -> Iterator[tuple[str, int]]:
    """The flight records beside a log, and when each was written."""
    for _, path in records_beside([folder]):
        with suppress(OSError):
            yield path.name, path.stat().st_mtime_ns
