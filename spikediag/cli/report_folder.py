"""The folder of a report: named after the run, whole or not there at all, never over what is not ours.

Every folder holds a mark, `.spikediag.json`: which run it reports on, and which files in it spikediag wrote,
with their checksums. A file that someone changed since is kept under another name.
"""

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

from spikediag.cli.terminal import note
from spikediag.cli.whole_files import keep, refusals, replace_folder, write_whole
from spikediag.errors import CannotWriteError, ReportExistsError
from spikediag.text import say

if TYPE_CHECKING:
    from spikediag.model import Artifact

SCHEMA = "spikediag.report/1"
MARK = ".spikediag.json"
WAY_OUT = say("move it away or choose another folder with --out.")
LONGEST = 60  # characters of a folder name; file systems allow 255 bytes, and UTF-8 takes up to 4 for each
RESERVED = re.compile(
    r"(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(\..*)?", re.IGNORECASE
)  # device names on Windows


@dataclass(frozen=True)
class Marker:
    """What `.spikediag.json` says. The run's path is relative to the folder: repositories get cloned."""

    run: str
    files: Mapping[str, str]  # by name: their SHA-256, "" where an earlier version did not say
    kind: str = "report"  # or "comparison"

    @classmethod
    def of(cls, folder: Path, run: Path, artifacts: Sequence["Artifact"], kind: str) -> Self:
        """The marker for a report on `run` in `folder`."""
        sums = {a.name: hashlib.sha256(a.content).hexdigest() for a in artifacts}
        return cls(_seen_from(folder, run), dict(sorted(sums.items())), kind)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The marker in a folder, None when there is none that we wrote."""
        try:
            kept = json.loads((folder / MARK).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        match kept:
            case {"schema": str(schema), "kind": str(kind), "run": str(run), "files": [*names]} if (
                schema == SCHEMA and "\0" not in run
            ):
                sums = kept.get("sha256")
                known = sums if isinstance(sums, dict) else {}
                return cls(run, {n: str(known.get(n, "")) for n in names if isinstance(n, str)}, kind)
        return None

    def content(self) -> bytes:
        """The bytes of the file."""
        document = {"schema": SCHEMA, "kind": self.kind, "run": self.run, "files": list(self.files)}
        return (json.dumps(document | {"sha256": dict(self.files)}, indent=2) + "\n").encode()

    def wrote(self, path: Path) -> bool:
        """Whether a file is ours and nobody has changed it."""
        if path.name == MARK:
            return True
        expected = self.files.get(path.name)
        if expected is None or not path.is_file() or path.is_symlink():
            return False
        return not expected or hashlib.sha256(path.read_bytes()).hexdigest() == expected


def check_out(out: Path) -> None:
    """Refuse a folder for reports in which nothing can be written, before any run is read.

    Raises:
        CannotWriteError: a file stands in the way, or the folder may not be written to.
    """
    place = out
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise CannotWriteError(
            say(
                "cannot write reports to {out}: {place} is no folder; {way_out}",
                out=str(out),
                place=str(place),
                way_out=WAY_OUT,
            )
        )
    if not os.access(place, os.W_OK):
        raise CannotWriteError(
            say("cannot write reports to {out}: no permission; {way_out}", out=str(out), way_out=WAY_OUT)
        )


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
    from spikediag.parser import url_of

    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return True
    if run.resolve().is_relative_to(folder.resolve()):
        raise ReportExistsError(
            say(
                "{folder} is where the run itself lies; choose another folder with --out.", folder=str(folder)
            )
        )
    marker = Marker.read(folder)
    if marker is None:
        raise ReportExistsError(
            say(
                "{folder} holds something that spikediag did not write; {way_out}",
                folder=str(folder),
                way_out=WAY_OUT,
            )
        )
    if marker.kind != kind or marker.run == _seen_from(folder, run):
        return marker.kind == kind
    return not url_of(marker.run) and not (folder / marker.run).exists()


def _seen_from(folder: Path, run: Path) -> str:
    """Where a run is, from the folder of its report; a remote one by its address."""
    from spikediag.parser import url_of

    if url := url_of(run):
        return url
    try:
        return Path(os.path.relpath(run.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return run.resolve().as_posix()


def write_report(
    folder: Path, run: Path, artifacts: Sequence["Artifact"], kind: str = "report"
) -> tuple[str, ...]:
    """Write a report: the folder appears whole, or changes from the old report to the new one in one step.

    Returns:
        The names under which files of the old folder were kept that we would have replaced and that are not
        as we wrote them.

    Raises:
        ReportExistsError: the folder is not for this report; someone took it since it was claimed.
        CannotWriteError: the file system refuses.
    """
    kept: list[str] = []

    def build(new: Path) -> None:
        if not _usable(folder, run, kind):
            raise ReportExistsError(
                say("{folder} was taken by another report meanwhile; run this again.", folder=str(folder))
            )
        for artifact in artifacts:
            write_whole(_inside(new, artifact.name), artifact.content)
        write_whole(new / MARK, Marker.of(folder, run, artifacts, kind).content())
        if os.path.lexists(folder):
            kept.extend(_carry_over(folder, new))

    with refusals(
        say("the report to {folder}", folder=str(folder)), say("; choose another folder with --out.")
    ):
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = folder.resolve()
        replace_folder(place, build)
    return tuple(kept)


def _carry_over(old: Path, new: Path) -> Iterator[str]:
    """Bring what we did not write from one folder to the other; yield what got another name."""
    marker = Marker.read(old)
    for entry in sorted(old.iterdir()):
        if marker and marker.wrote(entry):
            continue
        name = entry.name
        if marker and (name in marker.files or os.path.lexists(new / name)):
            numbered = (f"{entry.stem}.kept{n}{entry.suffix}" for n in count(1))
            name = next(n for n in numbered if not os.path.lexists(new / n) and not os.path.lexists(old / n))
            yield name
        keep(entry, new / name)


def note_kept(folder: Path, kept: Sequence[str]) -> None:
    """Say which files were not as we wrote them, and where they are now."""
    for name in kept:
        note(
            say("{folder}: a file that was changed by hand is kept as {name}.", folder=str(folder), name=name)
        )


def _inside(folder: Path, name: str) -> Path:
    """The path of a file directly in the folder; a name that leads elsewhere is refused."""
    if not name or name in (".", "..") or any(c in name for c in "/\\\0:"):
        raise CannotWriteError(say("{name!r} is not a plain file name.", name=name))
    return folder / name
