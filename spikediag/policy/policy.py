"""What a check forbids: every key of the policy, its default and what it does, and the files it is read from.

The keys stand here and nowhere else: options, files and documentation follow from the fields of `Policy`.
"""

import math
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from spikediag.errors import UsageError, nearest
from spikediag.policy.toml_file import TomlPlace, read, real_number, upward
from spikediag.text import Text, say

# The tables of a file that may hold the policy, the first one counts.
SETTINGS = "spikediag.toml"
TABLES = {SETTINGS: ("check",), "pyproject.toml": ("tool.spikediag.check", "tool.spikediag")}
OTHERS = frozenset({"roles", "losses", "facts", "lang"})  # in `spikediag.toml`, for others to read


def _wrong(must: Text, value: object) -> UsageError:
    from spikediag.parser.facts import shown_value  # noqa: PLC0415  # heavy, and needed for an error only

    return UsageError(say("must be {must}, not {value}.", must=must, value=shown_value(value)))


def _number(low: float, high: float = math.inf) -> Callable[[Any], float]:
    def check(value: object) -> float:
        found = real_number(value)
        if found is None or not low <= found <= high:
            if high == math.inf:
                raise _wrong(say("a number of at least {low:g}", low=low), value)
            raise _wrong(say("a number between {low:g} and {high:g}", low=low, high=high), value)
        return found

    return check


def _step(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(say("a step, a whole number"), value)
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(say("true or false"), value)
    return value


def _names(valid: Callable[[], tuple[str, ...]]) -> Callable[[Any], frozenset[str]]:
    def check(value: object) -> frozenset[str]:
        if not isinstance(value, (list, tuple, frozenset)) or not all(isinstance(v, str) for v in value):
            raise _wrong(say("a list of names"), value)
        known = {_plain(name): name for name in valid()}
        for name in value:
            if _plain(name) not in known:
                raise UsageError(
                    say("{name!r} is unknown; {hint}", name=name, hint=nearest(name, known.values()))
                )
        return frozenset(known[_plain(name)] for name in value)

    return check


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _kinds() -> tuple[str, ...]:
    from spikediag.model import Kind  # noqa: PLC0415  # the command line lists the keys before it loads numpy

    return tuple(Kind)


def _couplings() -> tuple[str, ...]:
    from spikediag.model import CouplingVerdict  # noqa: PLC0415

    return tuple(CouplingVerdict)


def _causes() -> tuple[str, ...]:
    from spikediag import attribution  # noqa: PLC0415

    return tuple(attribution.registry.load())


def _key(default: Any, check: Callable[[Any], Any], doc: str) -> Any:  # noqa: ANN401  # a field of any type
    return field(default=default, metadata={"check": check, "doc": doc})


@dataclass(frozen=True)
class Policy:
    """What fails a check. Hyphens and underscores mean the same in keys and names."""

    forbid_kinds: frozenset[str] = _key(
        frozenset({"divergence", "non_finite"}),
        _names(_kinds),
        "Kinds of spike that fail, whatever the error metric did.",
    )
    forbid_couplings: frozenset[str] = _key(
        frozenset({"decoupled", "partly"}),
        _names(_couplings),
        "What the error metric did at a spike that fails, whatever its kind.",
    )
    forbid_causes: frozenset[str] = _key(frozenset(), _names(_causes), "Primary causes that fail.")
    forbid_unrecovered: bool = _key(
        True, _switch, "Fail when a spike or shift is still up at the end of the log."
    )
    forbid_matters: bool = _key(
        True, _switch, "Fail when a jump upwards matters: an error or reward ended worse."
    )
    min_height: float = _key(0.0, _number(0), "Let smaller jumps through, in units of the loss.")
    min_sigmas: float = _key(0.0, _number(0), "Let smaller jumps through, in robust sigmas.")
    max_chance: float = _key(
        math.inf, _number(0), "Let jumps through that chance explains more often than this."
    )
    after_step: int | None = _key(None, _step, "Let jumps through that begin before this step.")
    max_batch_ratio: float | None = _key(
        None, _number(0), "Fail when batch size over dataset size is above this."
    )
    require_companion: bool = _key(False, _switch, "Fail when no error metric is logged.")
    strict: bool = _key(False, _switch, "Fail on what could not be judged in a run that was judged.")
    trust_settings: bool = _key(
        False, _switch, "Judge by the roles and facts in a run's own spikediag.toml alone."
    )
    alpha: float = _key(
        0.05, _number(1e-6, 0.5), "Chance of failing a run that is as good as those of --against."
    )

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Policy":
        """A policy from settings by key.

        Raises:
            UsageError: a key is unknown or its value unusable; the sentence begins with the key.
        """
        known = {f.name: f for f in fields(cls)}
        chosen = {}
        for key, value in settings.items():
            name = key.replace("-", "_")
            if name not in known:
                hyphened = (n.replace("_", "-") for n in known)
                raise WrongKeyError(key, say("unknown key; {hint}", hint=nearest(key, hyphened)))
            try:
                chosen[name] = known[name].metadata["check"](value)
            except UsageError as error:
                raise WrongKeyError(key, error.said) from error
        return cls(**chosen)


class WrongKeyError(UsageError):
    """A key of the policy that cannot be used, and why."""

    def __init__(self, key: str, why: Text) -> None:
        super().__init__(say("{key}: {why}", key=key, why=why))
        self.key = key
        self.why = why


def load(
    folder: Path, options: Mapping[str, Any], file: Path | None = None, runs: Collection[Path] = ()
) -> Policy:
    """The policy for a check started in a folder.

    The nearest `spikediag.toml` with `[check]` or `pyproject.toml` with `[tool.spikediag]` at or above
    the folder, up to the root of its repository, unless a file is named. Files in the folders of the runs
    are not asked, not even where the check is started there: a run must not relax the gate that judges it.

    Raises:
        UsageError: the file cannot be read, or a key in it or an option cannot be used.
    """
    found = _named(file) if file is not None else _nearest(folder, runs)
    settings: dict[str, Any] = {}
    if found is not None:
        place, table = found
        _validate(place, table)
        settings = {key.replace("-", "_"): value for key, value in table.items()}
    try:
        return Policy.of({**settings, **options})
    except WrongKeyError as error:
        raise UsageError(say("--{key}: {why}", key=error.key.replace("_", "-"), why=error.why)) from error


def _validate(place: TomlPlace, table: Mapping[str, Any]) -> None:
    try:
        Policy.of(table)
    except WrongKeyError as error:
        raise TomlPlace(place.path, place.text, place.table, key=error.key).error(error.why) from error


def _named(file: Path) -> tuple[TomlPlace, dict[str, Any]]:
    found = _in(file)
    if found is None:
        headers = TABLES.get(file.name, TABLES[SETTINGS])
        raise UsageError(
            say("{file}: holds no [{header}] table; is this the policy?", file=str(file), header=headers[-1])
        )
    return found


def _nearest(folder: Path, runs: Collection[Path]) -> tuple[TomlPlace, dict[str, Any]] | None:
    theirs = {run.resolve() for run in runs}
    files = (place / name for place in upward(folder) if place not in theirs for name in TABLES)
    return next((found for file in files if (found := _if_there(file)) is not None), None)


def not_asked(folder: Path, in_force: Policy) -> TomlPlace | None:
    """Where a file in the folder of a run states a policy, which nobody asks: a run must not relax its gate.

    Raises:
        UsageError: the file cannot be read, or what it states is no policy.
    """
    for name in TABLES:
        if (found := _if_there(folder / name)) is not None:
            place, table = found
            _validate(place, table)
            if Policy.of(table) != in_force:
                return place
    return None


def _if_there(file: Path) -> tuple[TomlPlace, dict[str, Any]] | None:
    return _in(file) if os.path.lexists(file) else None


def _in(file: Path) -> tuple[TomlPlace, dict[str, Any]] | None:
    """The table of a file that is the policy; None where it has none.

    Raises:
        UsageError: the file cannot be read, or holds something that only looks like a policy.
    """
    text, document = read(file)
    headers = TABLES.get(file.name, TABLES[SETTINGS])
    _refuse_others(file, document)
    for header in headers:
        table = _table(document, header)
        if table is not None and not isinstance(table, dict):
            raise UsageError(
                say("{file}: {header} is a table, as in [{header}].", file=str(file), header=header)
            )
        if table is not None:
            return TomlPlace(file, text, header), table
    return None


def _refuse_others(file: Path, document: Mapping[str, Any]) -> None:
    """Refuse what stands beside the policy and belongs to nobody: it may be meant for it.

    Raises:
        UsageError: something does.
    """
    names, known = set(document), {*OTHERS, "check"}
    if file.name in TABLES and file.name != SETTINGS:
        ours = _table(document, "tool.spikediag")
        names, known = set(ours) if isinstance(ours, dict) and "check" in ours else set(), {"check"}
    if unknown := sorted(names - known):
        raise UsageError(
            say(
                "{file}: {name!r} is no table of it; {hint}",
                file=str(file),
                name=unknown[0],
                hint=nearest(unknown[0], known),
            )
        )


def _table(document: Mapping[str, Any], header: str) -> object:
    inner: Any = document
    for name in header.split("."):
        inner = inner.get(name) if isinstance(inner, dict) else None
    return inner
