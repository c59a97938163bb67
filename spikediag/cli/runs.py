"""From the paths a person typed to diagnosed runs; one run that fails does not stop the others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from spikediag.cli.facts import Given
from spikediag.cli.terminal import progress
from spikediag.errors import SpikediagError, UnreadableRunError

if TYPE_CHECKING:
    from spikediag.model import Diagnosis
    from spikediag.parser import RunSource

T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """A path that could not be judged, and the sentence that says why."""

    path: Path
    error: SpikediagError

    @property
    def sentence(self) -> str:
        """The error, with the path in front where it does not name it: many runs are called run_1."""
        said = str(self.error)
        return said if str(self.path) in said else f"{self.path}: {said}"


def attempt(paths: Sequence[Path], job: "Callable[[RunSource], T]") -> Iterator[T | Failure]:
    """Do a job for each run at or below the paths, each run once, in the order typed."""
    for run in _find(paths):
        if isinstance(run, Failure):
            yield run
            continue
        try:
            outcome = job(run)
        except SpikediagError as error:
            yield Failure(run.path, error)
        except Exception as error:
            error.add_note(f"while working on {run.path}")
            raise
        else:
            yield outcome


def diagnose(run: "RunSource", facts: Given, begin: Callable[[str], None]) -> "Diagnosis":
    """Read and diagnose one run; `begin` hears what is being worked on.

    Raises:
        SpikediagError: the run cannot be read or has no loss.
    """
    begin(f"reading {run.path}")
    from spikediag import parser, pipeline

    read = parser.read_run(run, facts)
    begin(f"diagnosing {run.path}")
    return pipeline.diagnose(read)


def quietly(run: "RunSource", facts: Given) -> "Diagnosis":
    """Read and diagnose one run behind a progress display."""
    with progress(2) as begin:
        return diagnose(run, facts, begin)


def _find(paths: Sequence[Path]) -> "Iterator[RunSource | Failure]":
    """Find the runs one at a time: each is read before the next is looked for."""
    from spikediag.parser import find_runs

    seen: set[Path] = set()
    for path in paths:
        try:
            runs = find_runs(path)
            first = next(runs, None)
            if first is None:
                raise UnreadableRunError(
                    f"no event files under {path}; is this the folder that holds events.out.tfevents.*?"
                )
        except SpikediagError as error:
            yield Failure(path, error)
            continue
        for run in chain([first], runs):
            if run.path.resolve() not in seen:
                seen.add(run.path.resolve())
                yield run
