"""What a policy says of one diagnosis, and of all runs of a check together."""

from dataclasses import dataclass
from enum import StrEnum

from spikediag.model import Diagnosis, Finding, RunStatus, Text
from spikediag.policy.acceptance import Acceptance
from spikediag.policy.settings import Policy


class Outcome(StrEnum):
    """How a check ended. Not judged never looks like passed."""

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
    finding: Finding | None = None


@dataclass(frozen=True)
class Pardon:
    """A breach that the baseline accepts."""

    breach: Breach
    acceptance: Acceptance


@dataclass(frozen=True, eq=False)
class Ruling:
    """A policy applied to one run."""

    diagnosis: Diagnosis
    rules: tuple[str, ...]  # every rule in force, in a fixed order
    breaches: tuple[Breach, ...]
    gaps: tuple[Gap, ...]
    strict: bool = False
    pardons: tuple[Pardon, ...] = ()
    measures: tuple[Text, ...] = ()  # the run beside its history, in numbers

    @property
    def outcome(self) -> Outcome:
        """Failed, passed, or not judged; strict fails on every gap."""
        if self.breaches or (self.strict and self.gaps):
            return Outcome.FAILED
        if self.diagnosis.overall.status is RunStatus.NOT_JUDGED:
            return Outcome.NOT_JUDGED
        return Outcome.PASSED

    @property
    def partial(self) -> bool:
        """Passed as far as it was judged, and not judged in full."""
        return self.outcome is Outcome.PASSED and bool(self.gaps)


@dataclass(frozen=True)
class Unread:
    """A path that was to be checked and could not be read or diagnosed."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Gate:
    """Everything one check says."""

    policy: Policy
    rulings: tuple[Ruling, ...]
    unread: tuple[Unread, ...] = ()
    stale: tuple[Acceptance, ...] = ()  # acceptances that pardoned nothing

    @property
    def outcome(self) -> Outcome:
        """Failed if a run failed; passed only if every run was read, judged, and passed."""
        outcomes = {ruling.outcome for ruling in self.rulings}
        if Outcome.FAILED in outcomes:
            return Outcome.FAILED
        if self.unread or Outcome.NOT_JUDGED in outcomes or not outcomes:
            return Outcome.NOT_JUDGED
        return Outcome.PASSED
