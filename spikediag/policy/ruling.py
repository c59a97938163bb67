"""What a policy says of one diagnosis: breaches, what could not be judged, and what was accepted."""

from dataclasses import dataclass, replace
from enum import StrEnum

from spikediag.model import Diagnosis, Finding, RunStatus, Text


class Outcome(StrEnum):
    """How a check of one run ended. Not judged never looks like passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True)
class Breach:
    """Something the policy forbids."""

    rules: tuple[str, ...]  # "forbid-couplings:decoupled"; several rules may forbid one finding
    reading: Text
    finding: Finding | None = None  # None: the run as a whole


@dataclass(frozen=True)
class Gap:
    """A rule that could not be judged, and why."""

    rule: str
    reading: Text


@dataclass(frozen=True)
class Pardon:
    """A breach that the baseline accepts, and the reason its author gave."""

    breach: Breach
    reason: str


@dataclass(frozen=True, eq=False)
class Ruling:
    """A policy applied to one run."""

    diagnosis: Diagnosis
    rules: tuple[str, ...]  # every rule in force, in a fixed order
    breaches: tuple[Breach, ...]
    gaps: tuple[Gap, ...]
    strict: bool = False
    pardons: tuple[Pardon, ...] = ()
    remarks: tuple[Text, ...] = ()  # what history and baseline say besides

    @property
    def outcome(self) -> Outcome:
        """Failed, passed, or not judged; strict fails on every gap."""
        if self.breaches or (self.strict and self.gaps):
            return Outcome.FAILED
        if self.diagnosis.overall.status is RunStatus.NOT_JUDGED:
            return Outcome.NOT_JUDGED
        return Outcome.PASSED

    def adding(self, other: "Ruling") -> "Ruling":
        """This ruling with the rules, breaches, gaps and remarks of another one on the same run."""
        return replace(
            self,
            rules=self.rules + other.rules,
            breaches=self.breaches + other.breaches,
            gaps=self.gaps + other.gaps,
            remarks=self.remarks + other.remarks,
        )
