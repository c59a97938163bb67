"""Claims about a fact, weighed against one another."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isclose
from types import MappingProxyType

from spikediag.model import Fact, FactName, Origin

Value = str | int | float | bool


@dataclass(frozen=True)
class Claim:
    """One source says that a fact has this value."""

    name: str
    value: Value
    source: str  # "config.yaml: train.batch_size"
    origin: Origin
    confidence: float = 1.0


def settle(claims: Iterable[Claim]) -> Mapping[FactName, Fact]:
    """Take the most trusted claim of each fact and keep those that contradict it."""
    by_name: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_name[claim.name].append(claim)
    return MappingProxyType(
        {FactName(name): _settled(sorted(by_name[name], key=_rank)) for name in sorted(by_name)}
    )


def _rank(claim: Claim) -> tuple[int, float, str]:
    return (claim.origin, -claim.confidence, claim.source)


def _settled(claims: list[Claim]) -> Fact:
    best, *others = claims
    against = dict.fromkeys(
        f"{other.value} ({other.source})" for other in others if not agree(best.value, other.value)
    )
    return Fact(FactName(best.name), best.value, best.source, best.confidence, tuple(against), best.origin)


def agree(one: Value, other: Value) -> bool:
    """Whether two values say the same; numbers up to float32 rounding, words without case."""
    if isinstance(one, str) or isinstance(other, str):
        return str(one).casefold() == str(other).casefold()
    return isclose(float(one), float(other), rel_tol=1e-6)
