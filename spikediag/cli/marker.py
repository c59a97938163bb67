"""The mark in every report folder: which run it reports on, and which files in it are ours."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SCHEMA = "spikediag.report/1"
NAME = ".spikediag.json"
WAY_OUT = "move it away or choose another folder with --out."


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
            kept = json.loads((folder / NAME).read_text(encoding="utf-8"))
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
