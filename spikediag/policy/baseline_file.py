"""Baselines on disk: a TOML file that a person can read, review and annotate."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from spikediag.errors import UsageError
from spikediag.model import Kind
from spikediag.policy.acceptance import ANY_RUN, Acceptance
from spikediag.policy.toml import Place, nearest, read

SCHEMA = "spikediag.baseline/1"
TABLE = "accepted"
HEADER = f"""\
# Spikes accepted by `spikediag check --write-baseline`. Give each a reason; `expires = 2027-01-31` ends it.
schema = "{SCHEMA}"
"""
REQUIRED = frozenset({"tag", "kind", "steps", "height"})
OPTIONAL = frozenset({"run", "count", "reason", "expires"})


def dump(accepted: Sequence[Acceptance]) -> bytes:
    """The bytes of a baseline file."""
    return (HEADER + "".join(map(_entry, accepted))).encode()


def load(path: Path) -> tuple[Acceptance, ...]:
    """The acceptances in a baseline file.

    Raises:
        UsageError: the file is missing or malformed; key and line are named.
    """
    text, document = read(path)
    place = Place(path, text)
    if document.get("schema") != SCHEMA:
        where = Place(path, text, key="schema")
        raise where.error(f"must be {SCHEMA!r}; was it written by `spikediag check --write-baseline`?")
    for key in document.keys() - {"schema", TABLE}:
        raise Place(path, text, key=key).error(f"unknown key; {nearest(key, ('schema', TABLE))}")
    entries = document.get(TABLE, [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise Place(path, text, key=TABLE).error(f"must be written as [[{TABLE}]] tables.")
    return tuple(_acceptance(entry, place, n) for n, entry in enumerate(entries))


def _entry(a: Acceptance) -> str:
    lines = [] if a.run == ANY_RUN else [f"run = {_quoted(a.run)}"]
    lines += [f"tag = {_quoted(a.tag)}", f"kind = {_quoted(a.kind)}"]
    lines += [f"steps = [{a.first_step}, {a.last_step}]", f"height = {a.height!r}"]
    lines += [f"count = {a.count}"] if a.count > 1 else []
    lines += [f"reason = {_quoted(a.reason)}"]
    lines += [f"expires = {a.expires.isoformat()}"] if a.expires else []
    return f"\n[[{TABLE}]]\n" + "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string; a tag may hold anything, so everything unusual is escaped."""
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else _escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:  # half a surrogate pair: not a character, and TOML cannot name it
        return "\\uFFFD"
    return f"\\U{code:08X}"


def _acceptance(entry: Mapping[str, Any], place: Place, nth: int) -> Acceptance:
    def wrong(key: str | None, what: str) -> UsageError:
        return Place(place.path, place.text, TABLE, nth, key).error(what)

    for key in entry.keys() - REQUIRED - OPTIONAL:
        raise wrong(key, f"unknown key; {nearest(key, REQUIRED | OPTIONAL)}")
    if missing := sorted(REQUIRED - entry.keys()):
        raise wrong(None, f"[[{TABLE}]] needs {' and '.join(missing)}.")
    for key, value in entry.items():
        if (what := _fault(key, value)) is not None:
            raise wrong(key, what)
    return Acceptance(
        tag=entry["tag"],
        kind=entry["kind"],
        first_step=entry["steps"][0],
        last_step=entry["steps"][1],
        height=float(entry["height"]),
        count=entry.get("count", 1),
        run=entry.get("run", ANY_RUN),
        reason=entry.get("reason", ""),
        expires=entry.get("expires"),
    )


def _fault(key: str, value: Any) -> str | None:  # noqa: ANN401  # whatever the file holds
    match key:
        case "tag" | "run" | "reason":
            return None if isinstance(value, str) else f"must be text, not {value!r}."
        case "kind":
            return None if value in tuple(Kind) else f"{value!r} is no kind; {nearest(str(value), Kind)}"
        case "steps":
            fits = isinstance(value, list) and len(value) == 2 and all(type(v) is int for v in value)
            return None if fits and value[0] <= value[1] else "must be [first, last], two whole numbers."
        case "height":
            fits = type(value) in (int, float) and not math.isnan(value)
            return None if fits else f"must be a number, not {value!r}."
        case "count":
            return None if type(value) is int and value >= 1 else f"must be a whole number, not {value!r}."
        case _:
            return None if type(value) is date else f"must be a date such as 2027-01-31, not {value!r}."
