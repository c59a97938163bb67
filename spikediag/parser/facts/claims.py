"""Who says what of a fact, and whom we believe."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isclose
from types import MappingProxyType

from spikediag.errors import UsageError, nearest
from spikediag.model import Fact, FactName, Origin, SourceFile, Text, say
from spikediag.parser.facts.fact_keys import NEEDED, Value, fact_keys, stated_in, usable
from spikediag.parser.facts.safe_documents import mappings_in

MOST_NAMES, LONGEST_NAME = 256, 64  # of action dimensions; characters


@dataclass(frozen=True)
class Claim:
    """One source says that a fact has this value."""

    name: FactName
    value: Value
    source: str  # "config.yaml: train.batch_size"
    origin: Origin
    confidence: float = 1.0
    of_all_workers: bool = False  # a batch size that counts workers and accumulation already


@dataclass(frozen=True)
class FileClaims:
    """What a file beside the run claims, or why it was left out."""

    claims: tuple[Claim, ...] = ()
    source: SourceFile | None = None  # of a file that claims something
    left_out: Text | None = None
    action_names: tuple[str, ...] = ()  # what it calls the action dimensions


def claims_in(document: object, source: str, origin: Origin, confidence: float = 1.0) -> Iterator[Claim]:
    """Claim the facts that a configuration states.

    Args:
        document: nested mappings, lists and plain values, as a safe loader returns them.
        source: what to call the document in `Fact.source`.
        origin: who states it.
        confidence: of each claim, 1 when the document is certainly of this run.
    """
    for found in stated_in(document):
        where = f"{source}: {found.path}"
        yield Claim(found.name, found.value, where, origin, confidence, found.of_all_workers)


def action_names_in(document: object) -> tuple[str, ...]:
    """What a configuration calls the action dimensions: `action_names`, or LeRobot's names of `action`."""
    for mapping in mappings_in(document):
        actions = mapping.get("action")
        named = actions.get("names") if isinstance(actions, Mapping) else None
        named = mapping.get("action_names", named)
        if isinstance(named, Mapping) and len(named) == 1:  # {"motors": [...]}
            named = next(iter(named.values()))
        if isinstance(named, list) and named and all(isinstance(name, str) for name in named):
            return tuple(name[:LONGEST_NAME] for name in named[:MOST_NAMES])
    return ()


def claims_of_user(
    given: Mapping[str, object], origin: Origin, source: Callable[[FactName], str], place: str = ""
) -> Iterator[Claim]:
    """Claim what the user states: on the command line, in Python, or in `spikediag.toml`.

    Args:
        given: values by the name of the fact; None states nothing.
        origin: which of the three it was.
        source: says of a fact where the user stated it.
        place: what an error message begins with.

    Raises:
        UsageError: a fact is unknown or its value cannot be meant.
    """
    for written, value in given.items():
        if value is None:
            continue
        if written not in set(FactName):
            raise UsageError(
                say(
                    "{place}{written!r} is no fact that spikediag knows; {hint}",
                    place=place,
                    written=written,
                    hint=nearest(written, FactName),
                )
            )
        name = FactName(written)
        kind, null = fact_keys()[name].kind, fact_keys()[name].null
        meant = null if value == null else usable(value, kind, name)
        if meant is None:
            raise UsageError(
                say(
                    "{place}{name} = {value} cannot be used; it must be {needed}.",
                    place=place,
                    name=name,
                    value=shown_value(value),
                    needed=NEEDED[kind],
                )
            )
        yield Claim(name, meant, source(name), origin)


def shown_value(value: object) -> Text:
    """Write a value in a message, whatever it is."""
    try:
        return say("{value}", value=f"{value!r:.100}")
    except ValueError:  # a whole number with more digits than Python writes
        return say("that long number")


def settle(claims: Iterable[Claim]) -> Mapping[FactName, Fact]:
    """Take the most trusted claim of each fact and keep those that contradict it."""
    return MappingProxyType({name: _settled(ranked) for name, ranked in by_trust(claims).items()})


def by_trust(claims: Iterable[Claim]) -> Mapping[FactName, list[Claim]]:
    """Bring together the claims of each fact, the most trusted first; facts in the order of their names."""
    of_fact: dict[FactName, list[Claim]] = defaultdict(list)
    for claim in claims:
        of_fact[claim.name].append(claim)
    return {name: sorted(of_fact[name], key=_rank) for name in sorted(of_fact)}


def _rank(claim: Claim) -> tuple[int, float, str]:
    return (claim.origin, -claim.confidence, claim.source)


def _settled(claims: list[Claim]) -> Fact:
    best, *others = claims
    against = dict.fromkeys(
        f"{other.value} ({other.source})" for other in others if not agree(best.value, other.value)
    )
    return Fact(best.name, best.value, best.source, best.confidence, tuple(against), best.origin)


def agree(one: Value, other: Value) -> bool:
    """Whether two values say the same; numbers up to float32 rounding, words without case."""
    if isinstance(one, str) or isinstance(other, str):
        return str(one).casefold() == str(other).casefold()
    return isclose(float(one), float(other), rel_tol=1e-6)
