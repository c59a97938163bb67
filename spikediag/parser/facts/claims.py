"""Claims about a fact, weighed against one another."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import isclose
from types import MappingProxyType

from spikediag.model import Fact

Value = str | int | float | bool


class Trust(IntEnum):
    """The order of trust; a lower number wins."""

    COMMAND_LINE = 0
    SETTINGS = 1  # spikediag.toml
    LOGGED = 2  # a scalar of the run itself
    HPARAMS = 3  # the hparams plugin
    TEXT = 4  # a text tag
    BESIDE = 5  # a file in the run's folder
    ABOVE = 6  # a file one to three levels above; farther is less
    PRINTED = 9  # a console log kept beside the run
    DERIVED = 10


@dataclass(frozen=True)
class Claim:
    """One source says that a fact has this value."""

    name: str
    value: Value
    source: str  # "config.yaml: train.batch_size"
    trust: int
    confidence: float = 1.0


def settle(claims: Iterable[Claim]) -> Mapping[str, Fact]:
    """Take the most trusted claim of each fact and keep those that contradict it."""
    by_name: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_name[claim.name].append(claim)
    return MappingProxyType({name: _settled(sorted(by_name[name], key=_rank)) for name in sorted(by_name)})


def _rank(claim: Claim) -> tuple[int, float, str]:
    return (claim.trust, -claim.confidence, claim.source)


def _settled(claims: list[Claim]) -> Fact:
    best, *others = claims
    against = dict.fromkeys(
        f"{other.value} ({other.source})" for other in others if not agree(best.value, other.value)
    )
    return Fact(best.name, best.value, best.source, best.confidence, tuple(against))


def agree(one: Value, other: Value) -> bool:
    """Whether two values say the same; numbers up to float32 rounding, words without case."""
    if isinstance(one, str) or isinstance(other, str):
        return str(one).casefold() == str(other).casefold()
    return isclose(float(one), float(other), rel_tol=1e-6)
