"""Files on disk: whole or not at all, and never over what spikediag did not write."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spikediag.cli.marker import NAME, WAY_OUT, Marker
from spikediag.errors import CannotWriteError, ReportExistsError

if TYPE_CHECKING:
    from spikediag.model import Artifact


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
            (workshop / NAME).write_bytes(marker.content())
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
    for name in (*names, NAME):
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
