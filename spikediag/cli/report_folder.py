"""The folder of a report: named after the run, whole or not there at all, never over what is not ours.

Every folder holds a mark, `.spikediag.json`: which run it reports on, and which files in it spikediag wrote.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from spikediag.errors import CannotWriteError, ReportExistsError

if TYPE_CHECKING:
    from spikediag.model import Artifact

SCHEMA = "spikediag.report/1"
MARK = ".spikediag.json"
WAY_OUT = "move it away or choose another folder with --out."
LONGEST = 60  # characters of a folder name; file systems allow 255 bytes, and UTF-8 takes up to 4 for each
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # device names on Windows


@dataclass(frozen=True)
class Marker:
    """What `.spikediag.json` says. The run's path is relative to the folder: repositories get cloned."""

    run: str
    files: tuple[str, ...]
    kind: str = "report"  # or "comparison"

    @classmethod
    def of(cls, folder: Path, run: Path, files: tuple[str, ...], kind: str) -> Self:
        """The marker for a report on `run` in `folder`."""
        try:
            where = Path(os.path.relpath(run.resolve(), folder.resolve()))
        except ValueError:  # another drive on Windows
            where = run.resolve()
        return cls(where.as_posix(), files, kind)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The marker in a folder, None when there is none that we wrote."""
        try:
            kept = json.loads((folder / MARK).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        match kept:
            case {"schema": str(schema), "kind": str(kind), "run": str(run), "files": [*files]} if (
                schema == SCHEMA
            ):
                return None if "\0" in run else cls(run, tuple(f for f in files if isinstance(f, str)), kind)
        return None

    def content(self) -> bytes:
        """The bytes of the file."""
        document = {"schema": SCHEMA, "kind": self.kind, "run": self.run, "files": list(self.files)}
        return (json.dumps(document, indent=2) + "\n").encode()


def check_out(out: Path) -> None:
    """Refuse a folder for reports in which nothing can be written, before any run is read.

    Raises:
        CannotWriteError: a file stands in the way, or the folder may not be written to.
    """
    place = out
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise CannotWriteError(f"cannot write reports to {out}: {place} is no folder; {WAY_OUT}")
    if not os.access(place, os.W_OK):
        raise CannotWriteError(f"cannot write reports to {out}: no permission; {WAY_OUT}")


def folder_name(run_name: str) -> str:
    """A run's name as the name of one folder: letters, digits, `._-` kept, everything else an underscore."""
    plain = unicodedata.normalize("NFC", run_name)
    kept = re.sub(r"[^\w.-]+", "_", plain)[:LONGEST].strip("._")
    return f"run-{kept}" if not kept or kept.startswith("-") or RESERVED.fullmatch(kept) else kept


def claim(out: Path, run: Path, run_name: str, taken: set[str], kind: str = "report") -> Path:
    """The folder for this run's report: named after the run, and after its parents where names collide.

    Raises:
        ReportExistsError: the folder holds something that spikediag did not write.
    """
    free = (name for name in _candidates(run, run_name) if name.casefold() not in taken)
    name = next(name for name in free if _usable(out / name, run, kind))
    taken.add(name.casefold())
    return out / name


def _candidates(run: Path, run_name: str) -> Iterator[str]:
    name = folder_name(run_name)
    yield name
    for parent in run.resolve().parents:
        if parent.name:
            name = folder_name(f"{parent.name}-{name}")
            yield name
    number = 2
    while True:
        yield f"{folder_name(run_name)}-{number}"
        number += 1


def _usable(folder: Path, run: Path, kind: str) -> bool:
    """Whether nothing is there, or an earlier report of this kind on this run, or on a run that is gone."""
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return True
    marker = Marker.read(folder)
    if marker is None:
        raise ReportExistsError(f"{folder} holds something that spikediag did not write; {WAY_OUT}")
    reported = (folder / marker.run).resolve()
    return marker.kind == kind and (reported == run.resolve() or not reported.exists())


def write_report(folder: Path, run: Path, artifacts: Sequence["Artifact"], kind: str = "report") -> None:
    """Write a report: a new folder appears whole, in an old one each file is replaced whole.

    Raises:
        ReportExistsError: a file in the folder has the name of an artifact and is not ours.
        CannotWriteError: the file system refuses.
    """
    with _refusals(f"the report to {folder}", "; choose another folder with --out."):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _workshop(folder.parent) as workshop:
            for artifact in artifacts:
                _inside(workshop, artifact.name).write_bytes(artifact.content)
            marker = Marker.of(folder, run, tuple(sorted(a.name for a in artifacts)), kind)
            (workshop / MARK).write_bytes(marker.content())
            if folder.exists():
                _replace(folder, workshop, marker.files)
            else:
                workshop.rename(folder)


def write_file(path: Path, content: bytes) -> None:
    """Write one file, whole or not at all; a pipe or device is written to.

    Raises:
        CannotWriteError: the file system refuses.
    """
    with _refusals(str(path), "."):
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with _workshop(path.parent) as workshop:
            (workshop / "file").write_bytes(content)
            (workshop / "file").replace(path)


def _replace(folder: Path, workshop: Path, names: Sequence[str]) -> None:
    marker = Marker.read(folder)
    ours = set(marker.files) if marker else set()
    for name in names:
        if name not in ours and os.path.lexists(_inside(folder, name)):
            raise ReportExistsError(f"{folder / name} was not written by spikediag; {WAY_OUT}")
    for name in (*names, MARK):
        (workshop / name).replace(_inside(folder, name))
    for stale in ours.difference(names):
        with contextlib.suppress(CannotWriteError, FileNotFoundError):
            _inside(folder, stale).unlink()


def _inside(folder: Path, name: str) -> Path:
    """The path of a file directly in the folder; a name that leads elsewhere is refused."""
    if not name or name in (".", "..") or any(c in name for c in "/\\\0:"):
        raise CannotWriteError(f"{name!r} is not a plain file name.")
    return folder / name


@contextlib.contextmanager
def _workshop(parent: Path) -> Iterator[Path]:
    """A temporary sibling; what is left of it at the end is removed."""
    workshop = parent / f".spikediag-{secrets.token_hex(8)}"
    workshop.mkdir()
    try:
        yield workshop
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


@contextlib.contextmanager
def _refusals(what: str, way_out: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWriteError(f"cannot write {what}: {error.strerror or error}{way_out}") from error
