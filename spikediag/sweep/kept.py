"""Results kept as they arrive: an interrupted scan goes on, and no unchanged run is read again.

They lie in one SQLite file, `scan.sqlite` in the user's cache, by the content of what was read and by the
code that read it; what other versions left there is dropped. A result is either there or not, however the
program ends. Where no file can be written nothing is kept, and the scan goes on.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from spikediag.model import Text
from spikediag.parser import cache_folder
from spikediag.sweep.row import Row
from spikediag.version import VERSION

FILE = "scan.sqlite"
OFTEN = 1.0  # seconds of results that a crash may cost
TABLE = "CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, code TEXT NOT NULL, rows TEXT NOT NULL)"


class Kept:
    """The results of earlier scans by fingerprint; with a broken or missing file nothing is known or kept."""

    def __init__(self, database: sqlite3.Connection | None) -> None:
        self._database = database
        self._saved = time.monotonic()

    def rows(self, fingerprint: str | None) -> tuple[Row, ...] | None:
        """What was made of the same files by the same code; None where nothing is known."""
        if self._database is None or fingerprint is None:
            return None
        with suppress(sqlite3.Error, ValueError, KeyError, TypeError):
            found = self._database.execute(
                "SELECT rows FROM results WHERE key = ? AND code = ?", (fingerprint, code())
            ).fetchone()
            return None if found is None else tuple(from_json(row) for row in json.loads(found[0]))
        return None

    def keep(self, fingerprint: str | None, rows: Iterable[Row]) -> None:
        """Keep what was made of some files."""
        if self._database is None or fingerprint is None:
            return
        text = json.dumps([row_to_json(row) for row in rows], separators=(",", ":"))
        with suppress(sqlite3.Error):  # the disk is full
            self._database.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?)", (fingerprint, code(), text)
            )
            if time.monotonic() - self._saved > OFTEN:
                self.save()

    def save(self) -> None:
        """Write down what arrived."""
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.commit()
        self._saved = time.monotonic()


@contextmanager
def kept(*, fresh: bool = False) -> Iterator[Kept]:
    """The results of earlier scans; with `fresh` they are dropped first."""
    database = None
    with suppress(OSError, sqlite3.Error):
        place = cache_folder()
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(place / FILE, timeout=10)
        database.execute(TABLE)
        database.execute("DELETE FROM results WHERE code != ? OR ?", (code(), fresh))
        database.commit()
    if database is None:
        yield Kept(None)
        return
    with closing(database):
        results = Kept(database)
        try:
            yield results
        finally:
            results.save()


@cache
def code() -> str:
    """What identifies the code that makes results: the version, and the files of this package."""
    package = Path(str(files("spikediag")))
    parts = [VERSION]
    for path in sorted(package.rglob("*")):
        if path.suffix in {".py", ".toml", ".json"}:
            status = path.stat()
            parts.append(f"{path.relative_to(package)} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def row_to_json(row: Row) -> dict[str, Any]:
    """A row as plain values, to be read back by `from_json`."""
    values = {field.name: getattr(row, field.name) for field in fields(Row)}
    return {**values, "reason": None if row.reason is None else _of_text(row.reason)}


def from_json(document: dict[str, Any]) -> Row:
    """The row that `to_json` wrote.

    Raises:
        KeyError: something is missing.
        TypeError: something has another shape.
    """
    values = {field.name: document[field.name] for field in fields(Row)}
    reason = values["reason"]
    return Row(**{**values, "reason": reason and _text(reason), "curve": tuple(values["curve"])})


def _of_text(text: Text) -> dict[str, Any]:
    values = {n: _of_text(v) if isinstance(v, Text) else v for n, v in text.values.items()}
    return {"template": text.template, "values": values}


def _text(document: dict[str, Any]) -> Text:
    values = {n: _text(v) if isinstance(v, dict) else v for n, v in document["values"].items()}
    return Text(document["template"], values)
