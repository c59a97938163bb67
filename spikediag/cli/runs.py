"""From the paths a person typed to diagnosed runs; one run that fails does not stop the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from spikediag.cli.facts import Given
from spikediag.cli.terminal import note, progress
from spikediag.errors import NoEventsError, RunNotFoundError, SpikediagError, UnreadableRunError, refused
from spikediag.text import Text, say

if TYPE_CHECKING:
    from spikediag.model import Diagnosis
    from spikediag.parser import Overlooked, RunSource

T = TypeVar("T")
Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN", help="Run folders, log files, or folders of runs; also URLs, as s3://bucket/runs."
    ),
]
OneRun = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder or a log file, or the URL of one.")]
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help="Read one kind of log only, such as wandb_runs, or files of this name; `tags` shows both.",
    ),
]
NEIGHBOURS = 10_000  # names of a folder among which the one that was meant is sought


@dataclass(frozen=True)
class Failure:
    """A path that could not be judged, and the sentence that says why."""

    path: Path
    error: SpikediagError

    @property
    def sentence(self) -> Text:
        """The error, with the path in front where it does not name it: many runs are called run_1."""
        said, where = self.error.said, self.document["path"]
        return said if where in str(said) else say("{path}: {said}", path=where, said=said)

    @property
    def document(self) -> dict[str, str]:
        """The failure in JSON, where a diagnosis would stand."""
        from spikediag.parser import address

        return {"path": address(self.path), "error": str(self.error)}


def found_at(paths: Sequence[Path], only: str | None = None) -> "tuple[RunSource | Failure, ...]":
    """The runs at or below the paths, each once, in the order typed; a failure where there is none.

    Only the source of that id, or files of that name, are seen where one is given.
    """
    found: dict[Path, RunSource | Failure] = {}
    for path in paths:
        for run in _at(path, only):
            found.setdefault(run.path.resolve(), run)
    return tuple(found.values())


def unseen(paths: Sequence[Path], found: "Sequence[RunSource | Failure]") -> "Iterator[Overlooked]":
    """What looks like a log at or below the paths and is in none of the runs that were found."""
    from spikediag.parser import overlooked

    runs = [one for one in found if not isinstance(one, Failure)]
    gone = {
        one.path for one in found if isinstance(one, Failure) and not isinstance(one.error, NoEventsError)
    }
    for path in paths:
        if path not in gone:
            yield from overlooked(path, (run.folder for run in runs))


def attempt(found: "Iterable[RunSource | Failure]", job: "Callable[[RunSource], T]") -> Iterator[T | Failure]:
    """Do a job for each run that was found; where Ctrl-C ends it, say at which."""
    from spikediag.parser import address

    runs = list(found)
    for place, run in enumerate(runs, 1):
        if isinstance(run, Failure):
            yield run
            continue
        try:
            outcome = job(run)
        except SpikediagError as error:
            yield Failure(run.path, error)
        except PermissionError as error:
            yield Failure(
                run.path, UnreadableRunError(say("{path}: {why}.", path=error.filename, why=refused(error)))
            )
        except KeyboardInterrupt:
            note(
                say(
                    "interrupted at run {place} of {count}, {path}.",
                    place=place,
                    count=len(runs),
                    path=address(run.path),
                )
            )
            raise
        except Exception as error:
            error.add_note(f"while working on {address(run.path)}")
            raise
        else:
            yield outcome


def existing(path: Path) -> Path:
    """The path.

    Raises:
        RunNotFoundError: nothing is there; the nearest name that exists is said.
    """
    from spikediag.parser import is_there, url_of

    if url_of(path) or is_there(path) or path.parent.is_file():  # a run in a database
        return path
    parent, name = path.parent, path.name
    while not parent.exists():
        parent, name = parent.parent, parent.name
    names = [p.name for p in islice(parent.iterdir(), NEIGHBOURS)] if parent.is_dir() else []
    near = get_close_matches(name, names, n=1)
    hint = (
        say("did you mean {name}?", name=str(parent / near[0]))
        if near
        else say("give the folder that holds your runs.")
    )
    raise RunNotFoundError(say("{path} does not exist; {hint}", path=str(path), hint=hint))


def read_and_diagnose(
    source: "RunSource", facts: Given, begin: Callable[[Text], None], *, settings: bool = True
) -> "Diagnosis":
    """Read and diagnose one run, by its own `settings` or not; `begin` hears what is being worked on.

    Raises:
        SpikediagError: the run cannot be read or has no loss.
    """
    from spikediag import parser, pipeline

    begin(say("reading {path}", path=parser.address(source.path)))
    run = parser.read_run(source, facts, settings=settings)
    begin(say("diagnosing {path}", path=run.path))
    return pipeline.diagnose(run)


def quietly(source: "RunSource", facts: Given, *, settings: bool = True) -> "Diagnosis":
    """Read and diagnose one run behind a progress display."""
    with progress(2) as begin:
        return read_and_diagnose(source, facts, begin, settings=settings)


def _at(path: Path, only: str | None) -> "Sequence[RunSource | Failure]":
    from spikediag.parser import find_runs, nothing_at

    try:
        if runs := tuple(find_runs(existing(path), only)):
            return runs
        raise NoEventsError(nothing_at(path, only))
    except SpikediagError as error:
        return (Failure(path, error),)
