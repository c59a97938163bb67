"""What a check forbids: every key of the policy, its default and its reason."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from spikediag.errors import UsageError
from spikediag.model import CouplingVerdict, Kind
from spikediag.policy.toml import nearest


def _number(low: float, high: float = math.inf) -> Callable[[Any], float]:
    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            bound = f"of at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
            raise UsageError(f"must be a number {bound}, not {value!r}.")
        return value

    return check


def _step(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"must be a step, a whole number, not {value!r}.")
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"must be true or false, not {value!r}.")
    return value


def _names(valid: Callable[[], tuple[str, ...]]) -> Callable[[Any], frozenset[str]]:
    def check(value: object) -> frozenset[str]:
        if not isinstance(value, (list, tuple, frozenset)) or not all(isinstance(v, str) for v in value):
            raise UsageError(f"must be a list of names, not {value!r}.")
        known = {_plain(name): name for name in valid()}
        for name in value:
            if _plain(name) not in known:
                raise UsageError(f"{name!r} is unknown; {nearest(name, known.values())}")
        return frozenset(known[_plain(name)] for name in value)

    return check


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _causes() -> tuple[str, ...]:
    from spikediag import attribution  # noqa: PLC0415  # only a policy that names a cause needs their registry

    return tuple({*attribution.registry.load(), "unexplained"})


def _key(default: Any, check: Callable[[Any], Any], why: str) -> Any:  # noqa: ANN401  # a field of any type
    return field(default=default, metadata={"check": check, "why": why})


@dataclass(frozen=True)
class Policy:
    """What fails a check. Hyphens and underscores mean the same in keys and names."""

    forbid_kinds: frozenset[str] = _key(
        frozenset({"divergence", "non_finite"}),
        _names(lambda: tuple(Kind)),
        "Kinds of spike that fail whatever the error metric did.",
    )
    forbid_couplings: frozenset[str] = _key(
        frozenset({"decoupled"}),
        _names(lambda: tuple(CouplingVerdict)),
        "Couplings that fail whatever the kind.",
    )
    forbid_causes: frozenset[str] = _key(frozenset(), _names(_causes), "Primary causes that fail.")
    min_height: float = _key(0.0, _number(0), "Smaller jumps are let through, in units of the loss.")
    min_sigmas: float = _key(0.0, _number(0), "Smaller jumps are let through, in robust sigmas.")
    max_chance: float = _key(
        math.inf, _number(0), "Jumps expected more often than this by chance are let through."
    )
    after_step: int | None = _key(None, _step, "Jumps that begin before this step are let through.")
    max_batch_ratio: float | None = _key(
        None, _number(0), "Fail when batch size over dataset size is above this."
    )
    require_companion: bool = _key(False, _switch, "Fail when no error metric is logged.")
    strict: bool = _key(False, _switch, "Fail on what could not be judged.")
    alpha: float = _key(
        0.05, _number(1e-6, 0.5), "Chance of failing a run that is as good as those it is compared with."
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
                raise WrongKeyError(key, f"unknown key; {nearest(key, hyphened)}")
            try:
                chosen[name] = known[name].metadata["check"](value)
            except UsageError as error:
                raise WrongKeyError(key, str(error)) from error
        return cls(**chosen)


class WrongKeyError(UsageError):
    """A key of the policy that cannot be used, and why."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")
        self.key = key
        self.why = why
