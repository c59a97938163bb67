"""The facts a configuration can state, and under which keys libraries state them."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from math import isfinite

from spikediag.model import Origin
from spikediag.parser.facts.claims import Claim, Value

FOREIGN = re.compile(
    r"(^|[._])(eval|evaluation|val|valid|validation|test|critic|discriminator|disc|reward_model|teacher|ref)([._]|$)"
)
MOST_VALUES = 20_000  # of one document; more is no configuration
DEEPEST = 12  # levels
NOTHING = (None, "None", "null")  # as YAML and JSON, Python, or text writes it
LISTS = 8  # items; longer lists are no hyper-parameters


@dataclass(frozen=True)
class Name:
    """One fact: its keys, best first, as the end of a dotted path, and what values it may take."""

    keys: tuple[str, ...]
    kind: str = "positive"  # "count", "positive", "number", "fraction", "any" or "word"
    null: str | None = None  # what a stated null means


def _names() -> dict[str, Name]:
    text = (resources.files("spikediag.parser") / "facts" / "fact_keys.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    return {name: Name(tuple(t["keys"]), t["kind"], t.get("null")) for name, t in tables.items()}


NAMES: Mapping[str, Name] = _names()


def claims_in(document: object, source: str, origin: Origin, confidence: float = 1.0) -> Iterator[Claim]:
    """Find the facts that a configuration states.

    Args:
        document: nested mappings, lists and plain values, as a safe loader returns them.
        source: what to call the document in `Fact.source`.
        origin: who states it.
        confidence: of each claim, 1 when the document is certainly of this run.
    """
    values = dict(flat(document))
    for name, spec in NAMES.items():
        found = _first(values, spec)
        if found:
            path, value = found
            yield Claim(name, value, f"{source}: {path}", origin, confidence)


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


def _first(values: Mapping[str, object], spec: Name) -> tuple[str, Value] | None:
    for key in spec.keys:
        hits = [
            (path.count("."), path, value)
            for path, item in values.items()
            if _ends_with(path, key)
            and (value := spec.null if item in NOTHING else usable(item, spec.kind, key)) is not None
        ]
        own = [hit for hit in hits if not FOREIGN.search(_plain(hit[1]).removesuffix(key))]
        if own:
            _, path, value = min(own, key=lambda hit: hit[:2])
            return path, value
    return None


def _plain(path: str) -> str:
    return path.lower().replace("-", "_").lstrip("_")


def _ends_with(path: str, key: str) -> bool:
    plain = _plain(path)
    return plain == key or plain.endswith(("." + key, "/" + key))


def usable(value: object, kind: str, key: str = "") -> Value | None:
    """Bring a configured value to the kind of its fact; None when it cannot be meant."""
    if kind == "word":
        return _word(value, key)
    number = _number(value)
    if number is None or not isfinite(number):
        return None
    whole = int(number) if number == int(number) else None
    allowed = {
        "count": whole is not None and whole > 0,
        "positive": number > 0,
        "number": number >= 0,
        "fraction": 0 <= number < 1,
        "any": True,
    }[kind]
    if not allowed:
        return None
    written_whole = isinstance(value, int) or (isinstance(value, str) and value.lstrip("+-").isdigit())
    return whole if whole is not None and (kind == "count" or written_whole) else number


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e300 else None
    if isinstance(value, str) and len(value) < 40:
        try:
            return float(value.replace("_", ""))
        except ValueError:
            return None
    return None


def _word(value: object, key: str) -> str | None:
    if "replacement" in key and str(value).lower() in ("true", "false"):
        return "replacement" if str(value).lower() == "true" else "without_replacement"
    if not isinstance(value, str) or not value.strip() or len(value) > 100:
        return None
    word = value.strip()
    if "." in word and " " not in word:  # torch.optim.Adam
        word = word.rpartition(".")[2]
    known = {"with_replacement": "replacement", "with replacement": "replacement"}
    return known.get(word.lower(), word)
