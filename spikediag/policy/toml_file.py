"""Settings in TOML files, with the line where a wrong one stands."""

import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikediag.bounded_toml import parse_toml
from spikediag.errors import UsageError, refused
from spikediag.text import Text, say

LARGEST = 1_000_000  # bytes; a settings file is a page, and a larger one is no settings file


@dataclass(frozen=True)
class TomlPlace:
    """Where a setting stands: a file, a table in it (by header and occurrence), and a key."""

    path: Path
    text: str
    table: str = ""
    nth: int = 0  # for arrays of tables
    key: str | None = None

    def error(self, what: Text) -> UsageError:
        """The error that names the place: `spikediag.toml, line 3, min-height: must be a number`."""
        line = self._line()
        place = str(self.path)
        if line and self.key:
            said = say("{place}, line {line}, {key}: {what}", place=place, line=line, key=self.key, what=what)
        elif line:
            said = say("{place}, line {line}: {what}", place=place, line=line, what=what)
        elif self.key:
            said = say("{place}, {key}: {what}", place=place, key=self.key, what=what)
        else:
            said = say("{place}: {what}", place=place, what=what)
        return UsageError(said)

    def _line(self) -> int | None:
        table, nth, header = "", -1 if self.table else 0, None
        for number, line in enumerate(self.text.splitlines(), 1):
            if opened := re.match(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$", line):
                table = opened.group(1)
                nth += table == self.table
                header = number if table == self.table and nth == self.nth else header
            elif table == self.table and nth == self.nth and self._sets_key(line):
                return number
        return header

    def _sets_key(self, line: str) -> bool:
        key = re.escape(self.key or "")
        return self.key is not None and re.match(rf"""\s*["']?{key}["']?\s*[=.]""", line) is not None


def upward(folder: Path) -> Iterator[Path]:
    """The folders in which settings are sought: this one and those above, to the root of its repository."""
    for place in (folder.resolve(), *folder.resolve().parents):
        yield place
        if (place / ".git").exists():
            return


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and what it says.

    Raises:
        UsageError: the file cannot be read, or is not TOML; the line is named.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(say("{path} is no file; is this the right path?", path=str(path)))
        if status.st_size > LARGEST:
            raise UsageError(
                say(
                    "{path}: larger than {largest:,} bytes; is this a settings file?",
                    path=str(path),
                    largest=LARGEST,
                )
            )
        text = path.read_text(encoding="utf-8")
        return text, parse_toml(text)
    except OSError as error:
        raise UsageError(
            say("{path}: {what}; is this the right file?", path=str(path), what=refused(error))
        ) from error
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits
        raise UsageError(say("{path}: not valid TOML: {error}.", path=str(path), error=str(error))) from error


def real_number(value: object) -> float | None:
    """A value as a number; None where it is none, or an integer that no float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return None if math.isnan(value) else value
    except OverflowError:
        return None
