"""TOML that others wrote, parsed in time that grows with its size: tomllib takes hours for one long key."""

import re
import tomllib
from typing import Any

LONGEST_KEY = 100  # parts between dots
MARKS = re.compile(r"[=,\[\]{}\"']")


def parse_toml(text: str) -> dict[str, Any]:
    """What a TOML document says.

    Raises:
        ValueError: it is none, or has a key of too many parts.
        RecursionError: it is nested too deeply.
    """
    for number, line in enumerate(text.splitlines(), 1):
        before = line.partition("#")[0]
        if before.count(".") >= LONGEST_KEY and any(
            part.count(".") >= LONGEST_KEY for part in MARKS.split(before)
        ):
            raise ValueError(f"line {number} has a key of more than {LONGEST_KEY} parts")
    return tomllib.loads(text)
