"""Settings in TOML files, with the line where a wrong one stands."""

import re
import stat
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from spikediag.errors import UsageError

LARGEST = 1_000_000  # bytes; a settings file is a page, and a larger one is no settings file


@dataclass(frozen=True)
class TomlPlace:
    """Where a setting stands: a file, a table in it (by header and occurrence), and a key."""

    path: Path
    text: str
    table: str = ""
    nth: int = 0  # for arrays of tables
    key: str | None = None

    def error(self, what: str) -> UsageError:
        """The error that names the place: `spikediag.toml, line 3, min-height: must be a number`."""
        line = self._line()
        where = f", line {line}" if line else ""
        subject = f", {self.key}" if self.key else ""
        return UsageError(f"{self.path}{where}{subject}: {what}")

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


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and what it says.

    Raises:
        UsageError: the file cannot be read, or is not TOML; the line is named.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is no file; is this the right path?")
        if status.st_size > LARGEST:
            raise UsageError(f"{path}: larger than {LARGEST:,} bytes; is this a settings file?")
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; is this the right file?") from error
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits
        raise UsageError(f"{path}: not valid TOML: {error}.") from error


def nearest(wrong: str, valid: Iterable[str]) -> str:
    """`; did you mean kind?`, or the list of what is valid."""
    names = sorted(valid)
    close = get_close_matches(wrong.replace("_", "-"), [n.replace("_", "-") for n in names], n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"valid are {', '.join(names)}."
