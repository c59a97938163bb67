"""What a policy says of one diagnosis, and of all runs of a check together."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase

from spikediag.model import Diagnosis, Finding, Text, say
from spikediag.policy.policy import Policy

ANY_RUN = "*"
HARMLESS = say("By its report the run is no worse for it; the policy forbids it all the same.")


class CheckOutcome(StrEnum):
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
class PolicyGap:
    """A rule that could not be judged, and why."""

    rule: str
    reading: Text
    finding: Finding | None = None


@dataclass(frozen=True)
class AcceptedSpike:
    """One entry of a baseline: what identifies a spike that was accepted, and why it was."""

    tag: str
    kind: str
    first_step: int  # the onset lies in [first_step, last_step]
    last_step: int
    height: float  # up to this; higher is worse, and fails
    count: int = 1  # of a train: up to this many excursions
    run: str = ANY_RUN  # the run's name, or an end of its path such as `a/bc`; `*` and `?` as in file names
    reason: str = ""
    expires: date | None = None  # the last day on which it holds

    def covers(self, names: Iterable[str], finding: Finding) -> bool:
        """Whether the finding, of a run known by these names, is this spike, no worse than it was."""
        spike = finding.spike
        height = spike.height if math.isfinite(spike.height) else math.inf
        return (
            self.concerns(names)
            and (spike.tag, spike.kind.value) == (self.tag, self.kind)
            and self.first_step <= spike.onset_step <= self.last_step
            and height <= self.height
            and spike.count <= self.count
        )

    def concerns(self, names: Iterable[str]) -> bool:
        """Whether it speaks of a run with one of these names."""
        return any(fnmatchcase(name, self.run) for name in names)

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and self.expires < today


@dataclass(frozen=True)
class Accepted:
    """A breach that the baseline accepts."""

    breach: Breach
    entry: AcceptedSpike

    @property
    def why(self) -> Text:
        """Which entry accepts it, and its reason."""
        said = say("by the entry of any run")
        if self.entry.run != ANY_RUN:
            said = say("by the entry of run {run}", run=self.entry.run)
        reason = self.entry.reason
        return say("{entry}, {reason}", entry=said, reason=reason) if reason else said


@dataclass(frozen=True)
class LetThrough:
    """A finding that the policy has nothing against."""

    finding: Finding
    reading: Text  # what was found, and why it is let through


@dataclass(frozen=True, eq=False)
class RunResult:
    """A policy applied to one run."""

    diagnosis: Diagnosis
    rules: tuple[str, ...]  # every rule in force, in a fixed order
    breaches: tuple[Breach, ...]
    gaps: tuple[PolicyGap, ...]
    let_through: tuple[LetThrough, ...] = ()
    judged: bool = True  # False: no loss could be judged, and the gaps say why
    strict: bool = False
    accepted: tuple[Accepted, ...] = ()
    measures: tuple[Text, ...] = ()  # the run beside its history, in numbers
    remarks: tuple[Text, ...] = ()  # which settings of the run were not relied on
    ends: tuple[str, ...] = ()  # of its path, each of which names it and no other run of the check

    @property
    def names(self) -> tuple[str, ...]:
        """All by which an entry of a baseline may speak of it."""
        return (self.diagnosis.run.name, *self.ends)

    @property
    def outcome(self) -> CheckOutcome:
        """A breach fails, judged or not; what was not judged never passes; strict fails on every gap."""
        if self.breaches:
            return CheckOutcome.FAILED
        if not self.judged:
            return CheckOutcome.NOT_JUDGED
        return CheckOutcome.FAILED if self.strict and self.gaps else CheckOutcome.PASSED

    @property
    def notes(self) -> tuple[Text, ...]:
        """That what is forbidden did no harm; what reading left out or decided: ranks, copies, points."""
        harmless = bool(self.breaches) and self.diagnosis.overall.matters is False
        return (*((HARMLESS,) if harmless else ()), *self.diagnosis.run.notes)

    def and_bare(self, bare: "RunResult | None", remark: Text) -> "RunResult":
        """This result, and whatever is forbidden or not judged when the run's own settings are not asked.

        Args:
            bare: the same run judged without them; None where it has no loss then.
            remark: says so.
        """
        if bare is None:
            return replace(self, remarks=(*self.remarks, remark))
        known = {(b.rules, b.finding and b.finding.spike.tag) for b in self.breaches}
        breaches = (b for b in bare.breaches if (b.rules, b.finding and b.finding.spike.tag) not in known)
        gaps = (g for g in bare.gaps if g.rule not in {known.rule for known in self.gaps})
        return replace(
            self,
            breaches=(*self.breaches, *breaches),
            gaps=(*self.gaps, *gaps),
            judged=self.judged and bare.judged,
            remarks=(*self.remarks, remark),
        )

    @property
    def partial(self) -> bool:
        """Passed as far as it was judged, and not judged in full."""
        return self.outcome is CheckOutcome.PASSED and bool(self.gaps)


@dataclass(frozen=True)
class Unread:
    """A path that was to be checked and could not be read or diagnosed, or that a rule leaves out."""

    path: str
    reason: Text


@dataclass(frozen=True, eq=False)
class CheckResult:
    """Everything one check says."""

    policy: Policy
    runs: tuple[RunResult, ...]
    unread: tuple[Unread, ...] = ()
    stale: tuple[AcceptedSpike, ...] = ()  # entries of the baseline that accepted nothing
    left_out: tuple[Unread, ...] = ()  # looks like a log, and holds nothing to judge

    @property
    def outcome(self) -> CheckOutcome:
        """Failed if a run failed; passed only if every run was read, judged, and passed."""
        outcomes = {run.outcome for run in self.runs}
        if CheckOutcome.FAILED in outcomes:
            return CheckOutcome.FAILED
        if self.unread or CheckOutcome.NOT_JUDGED in outcomes or not outcomes:
            return CheckOutcome.NOT_JUDGED
        return CheckOutcome.PASSED
