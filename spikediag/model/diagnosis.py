"""What was concluded: causes with evidence, conditions of the run, and the overall verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from spikediag.model.run import Run
from spikediag.model.spike import Coupling, LossChange, Spike
from spikediag.model.text import Text


class Status(StrEnum):
    """How far a cause or condition could be established. Not logged is never 'no problem'."""

    SUPPORTED = "supported"
    PLAUSIBLE = "plausible"
    RULED_OUT = "ruled_out"
    NOT_CHECKABLE = "not_checkable"


class Tier(StrEnum):
    """What sort of answer a cause is to 'why'."""

    TRIGGER = "trigger"  # tied to the step
    CONDITION = "condition"  # makes the run fragile
    MECHANISM = "mechanism"  # how the jump unfolded


@dataclass(frozen=True)
class Evidence:
    """One checked fact. Weight in bans (log10 likelihood ratio): above 0 supports the cause."""

    what: str  # stable id of the check, "ratio-above-half"
    reading: Text
    weight: float
    observed: float | str | None = None
    reference: float | str | None = None

    @property
    def supports(self) -> bool:
        """Whether it speaks for the cause."""
        return self.weight > 0


@dataclass(frozen=True)
class Advice:
    """One remedy or log line, with this run's numbers; `code` is ready to paste."""

    text: Text
    code: str | None = None
    rank: int = 5  # 1 is tried first: expected effect, from the measured study of sample_runs


@dataclass(frozen=True)
class Verdict:
    """One cause judged for one finding."""

    cause: str
    tier: Tier
    status: Status
    probability: float  # calibrated, [0, 1]
    evidence: tuple[Evidence, ...]
    missing: tuple[Advice, ...] = ()  # what to log to decide
    advice: tuple[Advice, ...] = ()  # what to do if it is this cause
    mechanism: Text | None = None  # how this cause made the jump, when supported


@dataclass(frozen=True)
class Component:
    """One additive part of the jump, nats; parts of one decomposition sum to the jump."""

    name: Text
    value: float


@dataclass(frozen=True, eq=False)
class Case:
    """Everything a cause may look at to judge one incident."""

    run: Run
    spike: Spike
    coupling: Coupling
    spikes: Mapping[str, tuple[Spike, ...]]  # what was found in every series of the run, by tag


@dataclass(frozen=True)
class Explanation:
    """What attribution says of one case."""

    verdicts: tuple[Verdict, ...]  # strongest first
    primary_cause: str  # an id, or "unexplained"
    components: tuple[Component, ...] = ()
    algebra: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One incident: the spike of its leading loss, the other losses with it, and why."""

    id: str  # "F1", in step order
    spike: Spike
    coupling: Coupling
    verdicts: tuple[Verdict, ...]  # strongest first
    primary_cause: str  # an id, or "unexplained"
    losses: tuple[LossChange, ...] = ()  # every loss tag, the leading one first
    components: tuple[Component, ...] = ()  # exact decomposition of the jump, where it can be had
    algebra: tuple[Text, ...] = ()  # why the error did not move: what the NLL proves about sigma


@dataclass(frozen=True)
class Condition:
    """A fragility of the run that needs no spike."""

    condition: str
    status: Status
    reading: Text
    value: float | str | None = None
    advice: tuple[Advice, ...] = ()


class RunStatus(StrEnum):
    """The verdict on the whole run."""

    CLEAN = "clean"
    SPIKY = "spiky"
    DIVERGED = "diverged"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True)
class Check:
    """One check that ran, or was skipped and why."""

    id: str
    ran: bool
    reason: Text


@dataclass(frozen=True)
class Overall:
    """The verdict line of a report."""

    status: RunStatus
    matters: bool | None  # None: could not be judged
    primary_cause: str | None  # None when there is no finding
    summary: Text
    because: tuple[Text, ...] = ()  # why it matters or does not: level after, companion and evaluation


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Everything a report says."""

    run: Run
    findings: tuple[Finding, ...]
    conditions: tuple[Condition, ...]
    overall: Overall
    checks: tuple[Check, ...]
    version: str


@dataclass(frozen=True)
class Artifact:
    """One file of a report: a relative name and its bytes."""

    name: str
    content: bytes
