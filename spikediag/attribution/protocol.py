"""What a cause is: one frozen dataclass that judges one case, registered under an id."""

from dataclasses import dataclass
from typing import Protocol

from spikediag.model import Advice, Case, Evidence, Text, Tier
from spikediag.registry import Registry


@dataclass(frozen=True)
class Judgement:
    """What one cause says of one case, before the causes are weighed against each other."""

    tier: Tier
    evidence: tuple[Evidence, ...] = ()
    checkable: bool = True  # whether what decides it was logged or is known
    decisive: bool = False  # a test that few other causes would pass was passed
    ruled_out: bool = False  # an effect this cause must have is absent
    ceiling: float = 1.0  # the largest probability it may claim; what is cut goes to `unexplained`
    missing: tuple[Advice, ...] = ()
    advice: tuple[Advice, ...] = ()
    mechanism: Text | None = None


class Cause(Protocol):
    """A cause; its docstring is its public page, its fields are its settings."""

    @property
    def id(self) -> str:
        """Unique, lower case, words joined by hyphens."""
        ...

    @property
    def prior(self) -> float:
        """Share of spikes that have this cause before anything is looked at, in (0, 1)."""
        ...

    def judge(self, case: Case) -> Judgement:
        """Collect the evidence; never raises for missing or odd series."""
        ...


registry: Registry[Cause] = Registry("spikediag.attribution.causes")
cause = registry.register
