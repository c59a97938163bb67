"""Under which keys libraries state each fact, and what values it may take (`fact_keys.toml`)."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from importlib import resources
from numbers import Integral, Real

from spikediag.model import FactName, say

FOREIGN = re.compile(
    r"(^|[._])(eval|evaluation|val|valid|validation|test|critic|discriminator|disc|reward_model|teacher|ref)([._]|$)"
)
MOST_VALUES = 20_000  # of one document; more is no configuration
DEEPEST = 12  # levels
NOTHING = (None, "None", "null")  # as YAML and JSON, Python, or text writes it
LARGEST = 1e300  # numbers from here on are not meant
SWITCHES = ("bf16", "fp16")  # keys that switch a precision on
LISTS = 8  # items; longer lists are no hyper-parameters


Value = str | int | float | bool


class ValueKind(StrEnum):
    """What values a fact may take."""

    COUNT = "a whole number above 0"
    POSITIVE = "a number above 0"
    NUMBER = "a number, 0 or above"
    FRACTION = "a number from 0 to below 1"
    ANY = "a number"
    WORD = "a word"


NEEDED = {  # the end of "it must be ..."
    ValueKind.COUNT: say("a whole number above 0"),
    ValueKind.POSITIVE: say("a number above 0"),
    ValueKind.NUMBER: say("a number, 0 or above"),
    ValueKind.FRACTION: say("a number from 0 to below 1"),
    ValueKind.ANY: say("a number"),
    ValueKind.WORD: say("a word"),
}


@dataclass(frozen=True)
class FactKeys:
    """Where one fact is looked for: keys, best first, each the end of a dotted path."""

    keys: tuple[str, ...]
    kind: ValueKind
    null: str | None = None  # what a stated null means
    of_all_workers: frozenset[str] = frozenset()  # keys whose value is a sum over workers and accumulation

    @cached_property
    def endings(self) -> tuple[tuple[str, str], ...]:
        """Each key with the last part of it."""
        return tuple((key, _ending(key)) for key in self.keys)


@dataclass(frozen=True)
class Stated:
    """A fact that a document states."""

    name: FactName
    value: Value
    path: str  # dotted, within the document
    of_all_workers: bool


@cache
def fact_keys() -> Mapping[FactName, FactKeys]:
    """Load the keys of every fact.

    Raises:
        ValueError: `fact_keys.toml` knows other facts than `FactName`.
    """
    text = (resources.files("spikediag.parser") / "facts" / "fact_keys.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    if differing := set(tables) ^ set(FactName):
        raise ValueError(f"fact_keys.toml and FactName must name the same facts: {sorted(differing)}")
    return {name: _fact_keys(**tables[name]) for name in FactName}


def _fact_keys(
    keys: list[str], kind: str, null: str | None = None, of_all_workers: Sequence[str] = ()
) -> FactKeys:
    return FactKeys(tuple(keys), ValueKind[kind.upper()], null, frozenset(of_all_workers))


def stated_in(document: object) -> Iterator[Stated]:
    """Find the facts that a configuration states.

    Args:
        document: nested mappings, lists and plain values, as a safe loader returns them.
    """
    by_ending: dict[str, list[_Value]] = defaultdict(list)
    for path, value in dict(flat(document)).items():
        plain = path.lower().replace("-", "_").lstrip("_")
        by_ending[_ending(plain)].append(_Value(path, plain, value))
    for name, where in fact_keys().items() if by_ending else ():
        for key, ending in where.endings:
            found = _stated(by_ending[ending], key, where) if ending in by_ending else None
            if found:
                path, meant = found
                yield Stated(name, meant, path, key in where.of_all_workers)
                break


@dataclass(frozen=True)
class _Value:
    """One value of a document."""

    path: str  # as written
    plain: str  # as keys are written: lower case, underscores
    value: object


def _ending(path: str) -> str:
    return path[max(path.rfind("."), path.rfind("/")) + 1 :]


def _stated(values: list[_Value], key: str, where: FactKeys) -> tuple[str, Value] | None:
    """Return the outermost path that ends with a key and holds a usable value of the training itself."""
    hits = [
        (one.path.count("."), one.path, meant)
        for one in values
        if (one.plain == key or one.plain.endswith(("." + key, "/" + key)))
        and not FOREIGN.search(one.plain.removesuffix(key))
        and (meant := where.null if one.value in NOTHING else usable(one.value, where.kind, key)) is not None
    ]
    _, path, value = min(hits, key=lambda hit: hit[:2], default=(0, "", None))
    return None if value is None else (path, value)


def flat(document: object) -> Iterator[tuple[str, object]]:
    """Yield every plain value under its dotted path, without recursing into anything cyclic or absurd."""
    stack: list[tuple[tuple[str, ...], object]] = [((), document)]
    count = 0
    while stack and count < MOST_VALUES:
        path, value = stack.pop()
        count += 1
        if len(path) > DEEPEST:
            continue
        if isinstance(value, Mapping):
            # Weights & Biases wraps every value: {batch_size: {value: 256}}.
            if set(value) <= {"value", "desc"} and "value" in value:
                stack.append((path, value["value"]))
            else:
                stack.extend(((*path, str(key)), item) for key, item in reversed(list(value.items())))
        elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
            if len(value) <= LISTS:
                stack.extend(((*path, str(k)), item) for k, item in reversed(list(enumerate(value))))
        elif path:
            yield ".".join(path), value


def usable(value: object, kind: ValueKind, key: str = "") -> Value | None:
    """Bring a configured value to the kind of its fact; None when it cannot be meant."""
    if kind is ValueKind.WORD:
        return _word(value, key)
    number = _number(value)
    if number is None:
        return None
    whole = int(number) if number == int(number) else None
    allowed = {
        ValueKind.COUNT: whole is not None and whole > 0,
        ValueKind.POSITIVE: number > 0,
        ValueKind.NUMBER: number >= 0,
        ValueKind.FRACTION: 0 <= number < 1,
        ValueKind.ANY: True,
    }[kind]
    if not allowed:
        return None
    written_whole = isinstance(value, Integral) or (isinstance(value, str) and value.lstrip("+-").isdigit())
    return whole if whole is not None and (kind is ValueKind.COUNT or written_whole) else number


def _number(value: object) -> float | None:
    match value:
        case bool():
            return None
        case str() if len(value) < 40:
            written: str | Real = value.replace("_", "")
        case Real():  # numpy's numbers too
            written = value
        case _:
            return None
    try:
        number = float(written)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < LARGEST else None  # NaN and infinities are no values


def _word(value: object, key: str) -> str | None:
    if "replacement" in key and str(value).lower() in ("true", "false"):
        return "replacement" if str(value).lower() == "true" else "without_replacement"
    if (switch := key.partition(".")[0]) in SWITCHES:  # fp16: true; false says nothing of the other
        return switch if str(value).lower() == "true" else None
    number = None if isinstance(value, str) else _number(value)
    if isinstance(value, bool):  # mixed_precision: false
        value = str(value).lower()
    elif number is not None and number == int(number):  # precision: 32
        value = str(int(number))
    if not isinstance(value, str) or not value.strip() or len(value) > 100:
        return None
    word = value.strip()
    if "." in word and " " not in word:  # torch.optim.Adam
        word = word.rpartition(".")[2]
    known = {"with_replacement": "replacement", "with replacement": "replacement"}
    return known.get(word.lower(), word)
