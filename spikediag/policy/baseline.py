"""Spikes that were accepted: what is as it was passes, what is new or worse does not.

A baseline is a TOML file that a person can read, review and annotate.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from spikediag.errors import UsageError, nearest
from spikediag.model import Finding, Kind, Text, say
from spikediag.policy.result import ANY_RUN, Accepted, AcceptedSpike, Breach, RunResult
from spikediag.policy.toml_file import TomlPlace, read, real_number

SCHEMA = "spikediag.baseline/1"
TABLE = "accepted"
HEADER = f"""\
# Spikes accepted by `spikediag check --write-baseline`. Give each a reason; `expires = 2027-01-31` ends it.
schema = "{SCHEMA}"
"""
REQUIRED = frozenset({"tag", "kind", "steps", "height"})
OPTIONAL = frozenset({"run", "count", "reason", "expires"})
SHIFT = 0.01  # share of the run's steps by which a repeated training may shift a spike


def apply(result: RunResult, entries: Sequence[AcceptedSpike], today: date) -> RunResult:
    """The result of a run with the breaches that a baseline accepts set apart.

    One entry accepts one spike: two spikes where there was one are one new spike.
    """
    # Entries that end first are spent first: among intervals and points this accepts as many as can be.
    unused = sorted((e for e in entries if not e.expired(today)), key=lambda e: e.last_step)
    accepted = []
    for breach in sorted(result.breaches, key=_onset):
        fit = next((e for e in unused if breach.finding and e.covers(result.names, breach.finding)), None)
        if fit is not None:
            unused.remove(fit)
            accepted.append(Accepted(breach, fit))
    left = tuple(b for b in result.breaches if all(b is not a.breach for a in accepted))
    return replace(result, breaches=left, accepted=tuple(accepted))


def stale(entries: Iterable[AcceptedSpike], results: Sequence[RunResult]) -> tuple[AcceptedSpike, ...]:
    """The entries for these runs that accepted nothing: expired, or the spike is gone."""
    used = {accepted.entry for result in results for accepted in result.accepted}
    names = [name for result in results for name in result.names]
    return tuple(e for e in entries if e not in used and e.concerns(names))


def accept(
    results: Sequence[RunResult], reason: str = "", expires: date | None = None
) -> tuple[AcceptedSpike, ...]:
    """An entry for every finding that breaks the policy today; those that have one keep it.

    It holds for the onset give or take 1 % of the run and for the height rounded up to three digits: the same
    training, run again, is not new.
    """
    kept = [accepted.entry for result in results for accepted in result.accepted]
    new = [
        replace(_entry_of(result, breach.finding), reason=reason, expires=expires)
        for result in results
        for breach in sorted(result.breaches, key=_onset)
        if breach.finding is not None
    ]
    if len(results) == 1:  # the next training of it may have another name
        new = [replace(e, run=ANY_RUN) for e in new]
    return (*kept, *new)


def _onset(breach: Breach) -> int:
    return breach.finding.spike.onset_step if breach.finding else -1


def _entry_of(result: RunResult, finding: Finding) -> AcceptedSpike:
    spike, run = finding.spike, result.diagnosis.run
    steps = run.series[spike.tag].steps
    slack = math.ceil(SHIFT * int(steps[-1] - steps[0]))
    return AcceptedSpike(
        tag=spike.tag,
        kind=spike.kind.value,
        first_step=int(spike.onset_step) - slack,
        last_step=int(spike.onset_step) + slack,
        height=_round_up(float(spike.height)),
        count=int(spike.count),
        run=run.name,
    )


def _round_up(height: float) -> float:
    if not math.isfinite(height):
        return math.inf
    if height <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(height)) - 2)
    return max(float(f"{math.ceil(height / unit) * unit:.6g}"), height)


def to_toml(entries: Sequence[AcceptedSpike]) -> bytes:
    """The bytes of a baseline file."""
    return (HEADER + "".join(map(_written, entries))).encode()


def load(path: Path) -> tuple[AcceptedSpike, ...]:
    """The entries of a baseline file.

    Raises:
        UsageError: the file is missing or malformed; key and line are named.
    """
    text, document = read(path)
    place = TomlPlace(path, text)
    if document.get("schema") != SCHEMA:
        where = TomlPlace(path, text, key="schema")
        raise where.error(
            say("must be {schema!r}; was it written by `spikediag check --write-baseline`?", schema=SCHEMA)
        )
    for key in document.keys() - {"schema", TABLE}:
        raise TomlPlace(path, text, key=key).error(
            say("unknown key; {hint}", hint=nearest(key, ("schema", TABLE)))
        )
    entries = document.get(TABLE, [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise TomlPlace(path, text, key=TABLE).error(
            say("must be written as [[{table}]] tables.", table=TABLE)
        )
    return tuple(_parsed(entry, place, n) for n, entry in enumerate(entries))


def _written(a: AcceptedSpike) -> str:
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


def _parsed(entry: Mapping[str, Any], place: TomlPlace, nth: int) -> AcceptedSpike:
    def wrong(key: str | None, what: Text) -> UsageError:
        return TomlPlace(place.path, place.text, TABLE, nth, key).error(what)

    for key in entry.keys() - REQUIRED - OPTIONAL:
        raise wrong(key, say("unknown key; {hint}", hint=nearest(key, REQUIRED | OPTIONAL)))
    if missing := sorted(REQUIRED - entry.keys()):
        raise wrong(None, say("[[{table}]] needs {names}.", table=TABLE, names=_all(missing)))
    for key, value in entry.items():
        if (what := _fault(key, value)) is not None:
            raise wrong(key, what)
    return AcceptedSpike(
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


def _all(names: list[str]) -> Text:
    *others, last = names
    return say("{others} and {last}", others=_all(others), last=last) if others else say("{last}", last=last)


def _fault(key: str, value: Any) -> Text | None:  # noqa: ANN401  # whatever the file holds
    match key:
        case "tag" | "run" | "reason":
            return None if isinstance(value, str) else say("must be text, not {value}.", value=repr(value))
        case "kind":
            return (
                None
                if value in tuple(Kind)
                else say("{value} is no kind; {hint}", value=repr(value), hint=nearest(str(value), Kind))
            )
        case "steps":
            fits = isinstance(value, list) and len(value) == 2 and all(type(v) is int for v in value)
            return None if fits and value[0] <= value[1] else say("must be [first, last], two whole numbers.")
        case "height":
            return (
                None
                if real_number(value) is not None
                else say("must be a number, not {value}.", value=repr(value))
            )
        case "count":
            return (
                None
                if type(value) is int and value >= 1
                else say("must be a whole number, not {value}.", value=repr(value))
            )
        case _:
            return (
                None
                if type(value) is date
                else say("must be a date such as 2027-01-31, not {value}.", value=repr(value))
            )
