"""What was concluded: causes with evidence, conditions of the run, and the overall verdict."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, partial
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from spikediag.model.remedy import Advice, Remedy
from spikediag.model.run import Role, Run
from spikediag.model.spike import Coupling, CouplingVerdict, Kind, LossChange, Searched, Spike
from spikediag.model.witness import NO_WITNESSES, Witnesses
from spikediag.text import Text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


UNEXPLAINED = "unexplained"  # the id of what stands for all causes that are not on the list
REMAINDER = 0.1  # share below which a plausible cause is told among those that are hardly in question


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
class CauseVerdict:
    """One cause judged for one finding."""

    cause: str
    tier: Tier
    status: Status
    share: float  # of the weight of all that may have happened, [0, 1]
    evidence: tuple[Evidence, ...]
    missing: tuple[Advice, ...] = ()  # what to log to decide
    advice: tuple[Advice, ...] = ()  # what to do if it is this cause
    mechanism: Text | None = None  # how this cause made the jump, when supported
    uncalibrated: Text | None = None  # why no labelled trainings stand behind the probability
    measured: bool = False  # what decides it was recorded at the spike itself
    harmless: bool = False  # a loss that ends higher by this cause is not worse for it

    @property
    def probability(self) -> float | None:
        """Its share, shown to people where it is calibrated; None of `unexplained`, which is no cause."""
        return None if self.cause == UNEXPLAINED else self.share

    @property
    def calibrated(self) -> bool:
        """Whether labelled trainings stand behind the probability."""
        return self.uncalibrated is None

    @property
    def open(self) -> bool:
        """Whether a reader should weigh it: supported, or plausible and no mere remainder."""
        remainder = self.status is Status.PLAUSIBLE and self.share < REMAINDER
        return self.status in {Status.SUPPORTED, Status.PLAUSIBLE} and not remainder


@dataclass(frozen=True)
class Component:
    """One additive part of the jump, nats; parts of one decomposition sum to the jump."""

    name: Text
    value: float


@dataclass(frozen=True)
class Explanation:
    """What attribution says of one case."""

    verdicts: tuple[CauseVerdict, ...]  # strongest first
    primary_cause: str  # an id, or "unexplained"
    components: tuple[Component, ...] = ()
    algebra: tuple[Text, ...] = ()
    recorded: tuple[Text, ...] = ()  # what a flight recorder saw, update by update


T = TypeVar("T")


def _nobody() -> Witnesses:
    return NO_WITNESSES


def _known(told: T, *_: object) -> T:
    return told


@dataclass(frozen=True)
class Finding:
    """One incident: the spike of its leading loss, the other losses with it, and why.

    Witnesses are asked, and causes judged, when they are first read: of most findings of a thousand runs
    nobody wants to know.
    """

    id: str  # "F1", in step order
    spike: Spike
    coupling: Coupling
    explain: Callable[["Finding"], Explanation] = field(repr=False, compare=False)
    losses: tuple[LossChange, ...] = ()  # every loss tag, the leading one first
    ask: Callable[[], Witnesses] = field(default=_nobody, repr=False, compare=False)

    @cached_property
    def why(self) -> Explanation:
        """What attribution says of it."""
        return self.explain(self)

    @cached_property
    def witnesses(self) -> Witnesses:
        """What all other series of the run did there."""
        return self.ask()

    @property
    def settled(self) -> "Finding":
        """The same, explained and without the run that it was found in, for who keeps it longer than that."""
        return replace(self, explain=partial(_known, self.why), ask=partial(_known, self.witnesses))

    @property
    def verdicts(self) -> tuple[CauseVerdict, ...]:
        """Every cause judged, strongest first."""
        return self.why.verdicts

    @property
    def primary_cause(self) -> str:
        """The id of the primary cause, or `unexplained`."""
        return self.why.primary_cause

    @property
    def primary(self) -> CauseVerdict | None:
        """The verdict on the primary cause; None when no cause was judged."""
        return next((v for v in self.verdicts if v.cause == self.primary_cause), None)

    @property
    def alarms(self) -> bool:
        """Whether it may fail a check: a rise, and not one that is usual for its loss."""
        return not self.spike.usual and not self.spike.is_fall

    @property
    def is_lost(self) -> bool:
        """Whether the loss diverged or stopped being a number, and stayed so until the log ended."""
        lost = self.spike.kind in {Kind.NON_FINITE, Kind.DIVERGENCE} and not self.spike.recovered
        return lost and self.alarms


def by_gravity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in the order a reader should meet them.

    A loss that was lost for good first, falls and what is usual last; then by height in robust standard
    deviations, then by step. The first is *the* finding: headline,
    summary, JSON, scan and check all speak of it.
    """
    return tuple(sorted(findings, key=_gravity))


def _gravity(finding: Finding) -> tuple[bool, bool, float, int, str]:
    spike, sigmas = finding.spike, abs(finding.spike.sigmas)
    height = -sigmas if sigmas < inf else -inf
    return (not finding.is_lost, not finding.alarms, height, spike.onset_step, finding.id)


@dataclass(frozen=True)
class Condition:
    """What makes the run break easily, judged without looking at a spike."""

    condition: str
    status: Status
    reading: Text
    value: float | str | None = None
    advice: tuple[Advice, ...] = ()
    removed_by: str | None = None  # the id of the remedy that takes it away


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


class OutcomeVerdict(StrEnum):
    """How a series ended, against what its trend before the jump foretold."""

    WORSE = "worse"
    NOT_WORSE = "not_worse"  # a non-inferiority test with a printed margin, not a failure to see
    CANNOT_BE_TOLD = "cannot_be_told"


@dataclass(frozen=True)
class Outcome:
    """How one loss, error, held-out loss or reward stood before, during and after a finding; its own unit."""

    finding: str  # id
    tag: str
    role: Role
    before: float
    during: float  # the worst while the loss stood high; NaN where it was not logged then
    after: float  # NaN where it was not logged
    foretold: float  # what the trend before the jump foretold for `after`
    low: float  # 90 % interval of the change for the worse, `after` against `foretold`; > 0 is worse
    high: float
    margin: float  # a change for the worse that people would still call no worse
    verdict: OutcomeVerdict
    reading: Text
    meanwhile: float | None = (
        None  # of a reward that was worse only while the loss stood high: its level then
    )
    excused: bool = False  # where it stands says nothing of the run: worse by its numbers does not count

    @property
    def harms(self) -> bool:
        """Whether it ended worse, and that counts against the run."""
        return self.verdict is OutcomeVerdict.WORSE and not self.excused


@dataclass(frozen=True)
class PastBest:
    """A reward, a held-out loss or an error that ends worse than it once stood."""

    tag: str
    role: Role
    first_step: int  # of the stretch in which it stood best
    last_step: int
    best: float  # its level there
    end: float  # and at the end of the log


@dataclass(frozen=True)
class Aftermath:
    """Whether the findings matter for what the run is for, and what that rests on."""

    matters: bool | None  # None: cannot be told
    because: tuple[Text, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    would_tell: tuple[Advice, ...] = ()  # what to log where it cannot be told


@dataclass(frozen=True)
class RunVerdict:
    """The verdict line of a report."""

    status: RunStatus
    matters: bool | None  # None: could not be judged
    primary_cause: str | None  # of the leading finding; None when there is no finding
    summary: Text
    because: tuple[Text, ...] = ()  # why it matters or does not: level after, companion and evaluation
    outcomes: tuple[Outcome, ...] = ()
    would_tell: tuple[Advice, ...] = ()
    past_best: tuple[PastBest, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """Everything a report says."""

    run: Run
    findings: tuple[Finding, ...]
    conditions: tuple[Condition, ...]
    overall: RunVerdict
    list_checks: Callable[[], Iterable[Check]]
    version: str
    searched: tuple[Searched, ...] = ()  # of every loss, what would have been seen
    search_others: Callable[[], tuple[Searched, ...]] = tuple  # the same of other series: only reports tell
    foresee: Callable[[], tuple[Remedy, ...]] = tuple  # what could be changed, worked out when it is read

    def __repr__(self) -> str:
        from spikediag import reporter  # noqa: PLC0415  # a value below asks a stage above, here and further on

        return reporter.three_lines(self)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Every check that was made, or skipped and why, in their order."""
        return tuple(self.list_checks())

    @cached_property
    def remedies(self) -> tuple[Remedy, ...]:
        """What could be changed, the best first, with what it would do to the spikes of this run."""
        return self.foresee()

    def worth(self, condition: Condition) -> Remedy | None:
        """The remedy that takes a condition away: what the condition is worth is what that prevents."""
        return next((r for r in self.remedies if r.id == condition.removed_by), None)

    @cached_property
    def searched_series(self) -> tuple[Searched, ...]:
        """What would have been seen in each series, in the order of the run."""
        if not (others := self.search_others()):
            return self.searched
        place = {tag: n for n, tag in enumerate(self.run.series)}
        return tuple(sorted((*self.searched, *others), key=lambda one: place[one.tag]))

    @property
    def searched_losses(self) -> tuple[Searched, ...]:
        """What would have been seen in each loss, by which the run is judged."""
        return of_losses(self.run, self.searched)

    @property
    def lead(self) -> Finding | None:
        """The finding that headline, summary and exit code are about; None for a run without any."""
        return next(iter(by_gravity(self.findings)), None)

    def told_outcomes(self) -> list[Outcome]:
        """The outcomes of series that can tell something: a reward that is one number throughout cannot."""
        return [
            o for o in self.overall.outcomes if o.role is not Role.REWARD or self.run.series[o.tag].varies
        ]

    def worse_by_another(self, finding: Finding) -> Outcome | None:
        """What ended worse around another finding, where that is why the run matters and not this one."""
        harms = [o for o in self.told_outcomes() if o.harms and self.overall.matters]
        if any(o.finding == finding.id for o in harms):
            return None
        return min(harms, key=lambda o: o.role is Role.LOSS, default=None)

    def reward_for_error(self, finding: Finding) -> Outcome | None:
        """How the reward, the worst of several, stood around a finding beside which no error is logged.

        None where an error is, or no reward can tell.
        """
        if finding.coupling.verdict is not CouplingVerdict.NO_COMPANION:
            return None
        ours = (o for o in self.told_outcomes() if o.finding == finding.id and o.role is Role.REWARD)
        return min(ours, key=lambda o: tuple(OutcomeVerdict).index(o.verdict), default=None)

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis in the stable JSON form, schema `spikediag.diagnosis/1`."""
        from spikediag import reporter  # noqa: PLC0415

        return reporter.to_dict(self)

    def to_frame(self, table: str = "findings") -> "pd.DataFrame":
        """One table of the diagnosis, a row each: `findings`, `causes`, `witnesses` or `conditions`."""
        from spikediag import reporter  # noqa: PLC0415

        return reporter.to_frame(self, table)

    def to_markdown(self, lang: str = "en") -> str:
        """The post-mortem as Markdown."""
        from spikediag import reporter  # noqa: PLC0415

        return reporter.to_markdown(self, lang)

    def to_html(self, lang: str = "en") -> str:
        """The post-mortem as one self-contained web page."""
        from spikediag import reporter  # noqa: PLC0415

        return reporter.to_html(self, lang)

    def figure(self, axes: "Axes | None" = None) -> "Figure":
        """The overview figure; drawn on `axes` when given."""
        from spikediag import reporter  # noqa: PLC0415

        return reporter.figure(self, axes)

    def _repr_html_(self) -> str:
        from spikediag import reporter  # noqa: PLC0415

        return reporter.to_notebook(self)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def of_losses(run: Run, searched: Iterable[Searched]) -> tuple[Searched, ...]:
    """Those of what was searched that are losses: only where one was judged is the run judged."""
    losses = {series.tag for series in run.having(Role.LOSS)}
    return tuple(one for one in searched if one.tag in losses)


def shared_tags(diagnoses: Iterable[Diagnosis], role: Role) -> frozenset[str]:
    """The tags of a role that all runs have, with at least one number in each."""
    tags = [{s.tag for s in d.run.having(role) if s.finite.any()} for d in diagnoses]
    return frozenset(set.intersection(*tags)) if tags else frozenset()


def common_loss(diagnoses: Sequence[Diagnosis]) -> str | None:
    """The loss by which runs are held side by side: of those that all have, the one that leads most findings.

    The first by name decides a tie; None where the runs share no loss.
    """
    leads = Counter(f.spike.tag for d in diagnoses for f in d.findings)
    return min(shared_tags(diagnoses, Role.LOSS), key=lambda tag: (-leads[tag], tag), default=None)


@dataclass(frozen=True)
class Artifact:
    """One file of a report: a relative name and its bytes."""

    name: str
    content: bytes
