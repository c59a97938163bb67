"""What a cause is: one frozen dataclass that judges one case, registered under an id."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from spikediag.attribution.case import Case
from spikediag.model import Advice, Coupling, CouplingVerdict, Evidence, LossKind, Run, Series, Text, Tier
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
    of_condition: bool = False  # a mechanism that conditions bring about: it speaks against none of them
    harmless: bool = False  # a loss that ends higher by this cause is not worse for it
    measured: bool = False  # a mechanism that was measured at the spike: where it lay, however it came about
    identity: bool = False  # the loss is another logged quantity: whatever moved it moved that one

    @property
    def bans(self) -> float:
        """What the evidence says in all."""
        return sum(e.weight for e in self.evidence)


def weigh(
    what: str,
    weight: float,
    *,
    reading: Text,
    observed: float | str | None = None,
    reference: float | str | None = None,
) -> Evidence:
    """One checked fact: first what was decided, then the numbers, then the sentence.

    Args:
        what: Stable id of the check, "ratio-above-half".
        weight: Bans (log10 likelihood ratio): above 0 for the cause, below against it, 0 only told.
        reading: The sentence.
        observed: What was seen.
        reference: What it was held against.
    """
    return Evidence(what, reading, weight, observed, reference)


def weigh_coupling(
    coupling: Coupling, expected: CouplingVerdict, bans: Mapping[CouplingVerdict, float]
) -> Iterator[Evidence]:
    """What the error metric did, weighed; nothing for a verdict without a weight.

    An error that fell together with the loss is told, and speaks for no cause that leaves the error alone.
    One that moved partly counts the more as moved, the larger its sure rise is against its own level.

    Args:
        coupling: Of the spike.
        expected: The verdict that the cause would have.
        bans: The weight of each verdict that counts.
    """
    verdict = coupling.verdict
    if verdict in bans:
        weight = bans[verdict]
        if verdict is CouplingVerdict.PARTLY:
            weight += min(sure_rise(coupling), 1.0) * (bans[CouplingVerdict.COUPLED] - weight)
        yield weigh(
            _ERROR[verdict],
            min(weight, 0.0) if coupling.improved else weight,
            observed=verdict.value,
            reference=expected.value,
            reading=coupling.reading,
        )


def sure_rise(coupling: Coupling) -> float:
    """What the error surely rose by, over its level before: 1 where it doubled, 0 where nothing is sure."""
    moved = coupling.verdict in {CouplingVerdict.PARTLY, CouplingVerdict.COUPLED} and coupling.tests
    if not moved or not coupling.tests[0].before > 0 or not coupling.tests[0].low > 0:
        return 0.0
    return coupling.tests[0].low / coupling.tests[0].before


_ERROR = MappingProxyType(
    {
        CouplingVerdict.DECOUPLED: "error-flat",
        CouplingVerdict.PARTLY: "error-partly",
        CouplingVerdict.COUPLED: "error-moved",
        CouplingVerdict.UNDECIDED: "error-undecided",
    }
)


class Cause(Protocol):
    """A cause; its docstring is its public page.

    One that can make only some kinds of loss jump says so by a method `applies(run, loss) -> bool`.
    """

    @property
    def id(self) -> str:
        """Unique, lower case, words joined by hyphens."""
        ...

    @property
    def prior(self) -> float:
        """Share of spikes that have this cause before anything is looked at, in (0, 1)."""
        ...

    @property
    def of_falls(self) -> bool:
        """Whether it can make a loss fall; most only make one rise."""
        ...

    @property
    def calibrated(self) -> frozenset[LossKind]:
        """Kinds of loss with which it occurs among the labelled trainings of benchmarks/attribution."""
        ...

    def judge(self, case: Case) -> Judgement:
        """Collect the evidence; never raises for missing or odd series."""
        ...


def applies(cause: Cause, run: Run, loss: Series) -> bool:
    """Whether a cause can make this kind of loss jump; where it cannot, no report names it."""
    asked = getattr(cause, "applies", None)
    return asked is None or bool(asked(run, loss))


registry: Registry[Cause] = Registry("spikediag.attribution.causes")
