"""Which folder a run's report goes to: named after the run, never outside, never somebody else's."""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from spikediag.cli.marker import WAY_OUT, Marker
from spikediag.errors import ReportExistsError

LONGEST = 60  # characters of a folder name; file systems allow 255 bytes, and UTF-8 takes up to 4 for each
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # device names on Windows


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
