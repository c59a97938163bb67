"""Which incidents are known and in which state; of each, what is new is told once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from spikediag.live.alerts import Alert, State
from spikediag.model import (
    LONGEST_LOOK,
    CouplingVerdict,
    Finding,
    Kind,
    Run,
    Series,
    Shape,
    Spike,
    by_gravity,
)
from spikediag.model.spike import SURE_SDS

COOL_DOWN = 1024  # points of a loss after an alert, within which only what is worse is sent to people
WORSE = 2.0  # times the height of what was sent
EDGE = 64  # points at the beginning of a window in which nothing is missed
NEAR = 4  # points by which one onset may lie apart in two looks
SURE = 64  # points for which there must be a reason to stop, unless the loss is no number
MOST_VAIN = 64  # spikes that came to nothing, kept
UNMOVED = frozenset({CouplingVerdict.DECOUPLED, CouplingVerdict.PARTLY})

Span = tuple[int, int]  # first and last step


def spans_of(spike: Spike, series: Series) -> tuple[Span, ...]:
    """The steps that a spike takes up, and some points to either side."""
    slack = round(NEAR * series.interval)
    return tuple(
        (int(series.steps[a]) - slack, int(series.steps[max(a, b - 1)]) + slack) for a, b in spike.spans
    )


def overlap(one: Iterable[Span], other: Sequence[Span]) -> bool:
    """Whether any two of them share a step."""
    return any(a <= d and c <= b for a, b in one for c, d in other)


def state_of(spike: Spike, series: Series) -> State:
    """Whether a spike goes on, or is over: back at its level, or long enough on a new one."""
    settled = spike.shape in {Shape.LEVEL, Shape.NOISE} and len(series) - spike.start >= LONGEST_LOOK
    return State.OVER if settled or (spike.recovered and not spike.provisional) else State.RISING


def alarms(spike: Spike) -> bool:
    """Whether a spike is worth an alert: a rise that is not usual for its loss."""
    return not spike.usual and not spike.is_fall


@dataclass(slots=True)
class LiveIncident:
    """One incident as it was last seen."""

    finding: Finding
    spans: tuple[Span, ...]
    state: State
    told: set[State] = field(default_factory=set)
    loud: bool = False  # whether people were told
    awaited: bool = False  # whether they were told that it rises, and not yet what became of it
    reason_since: int | None = None  # points of its loss when there first was a reason to stop
    missed_since: int | None = None  # the same, when it was first not found again

    @property
    def spike(self) -> Spike:
        """Of the loss that leads it."""
        return self.finding.spike

    def is_same(self, spike: Spike, spans: Sequence[Span]) -> bool:
        """Whether a spike is this incident; lost numbers are one of their own, as in the diagnosis."""
        return (self.spike.shape is Shape.LOST) == (spike.shape is Shape.LOST) and overlap(self.spans, spans)

    def lies_in(self, series: Series) -> bool:
        """Whether it would be seen in these points of its loss, were it there."""
        return len(series) > EDGE and max(first for first, _ in self.spans) >= int(series.steps[EDGE])

    def missed_for_long(self, points: int) -> bool:
        """Whether it was not found for so long that it will not be again."""
        return self.missed_since is not None and points - self.missed_since >= LONGEST_LOOK


@dataclass(frozen=True)
class Look:
    """What was found in the last points of a run, or in all of them.

    Attributes:
        findings: In step order.
        run: These points.
        step: The last one logged.
        points: How many each loss has in all.
        final: Whether the training is over.
    """

    findings: tuple[Finding, ...]
    run: Run
    step: int
    points: Mapping[str, int]
    final: bool = False

    def series(self, finding: Finding) -> Series:
        """The loss that leads a finding."""
        return self.run.series[finding.spike.tag]

    def count(self, one: LiveIncident) -> int:
        """How many points the loss of an incident has."""
        return self.points.get(one.spike.tag, 0)


@dataclass(slots=True)
class Incidents:
    """Every incident of a training.

    Attributes:
        run: What the training is called.
        stop_on: The kinds of spike that are a reason to stop.
        stop: Whether there was one.
        known: In the order in which they were found.
        told_before: Where those lie that an earlier process of this training told.
    """

    run: str
    stop_on: frozenset[Kind] = frozenset()
    stop: bool = False
    known: list[LiveIncident] = field(default_factory=list)
    told_before: list[tuple[Span, ...]] = field(default_factory=list)
    _vain: list[tuple[str, Span, int]] = field(default_factory=list)  # came to nothing so many points later
    _sent: dict[str, tuple[int, float]] = field(default_factory=dict)  # by loss: points when, and the height

    @property
    def is_lost(self) -> bool:
        """Whether a loss is no number at present, as far as is known."""
        return any(one.spike.shape is Shape.LOST and one.state is State.RISING for one in self.known)

    def raised(self, tag: str) -> bool:
        """Whether an incident that is not over raised a loss, be it the one that leads it or not."""
        rising = (one for one in self.known if one.state is State.RISING)
        return any(one.spike.tag == tag or _sigmas(one.finding, tag) >= SURE_SDS for one in rising)

    def go_on(self, tag: str) -> bool:
        """Whether an incident that a loss leads is worth another look soon."""
        mine = (one for one in self.known if one.spike.tag == tag)
        return any(one.state is State.RISING or one.missed_since is not None for one in mine)

    def news(self, spikes: Iterable[Spike], series: Series, points: int) -> bool:
        """Whether the spikes of one loss say more than is known, so that a look at the whole run pays.

        Args:
            spikes: Found in the last points of the loss.
            series: These points.
            points: How many there were in all.
        """
        seen: list[LiveIncident] = []
        for spike in filter(alarms, spikes):
            spans = spans_of(spike, series)
            same = [one for one in self.known if one.is_same(spike, spans)]
            if not same and not self._came_to_nothing(spike, spans, series):
                return True
            if any(self._further(one, spike, series, points) for one in same):
                return True
            seen += same
        mine = (one for one in self.known if one.spike.tag == series.tag and one.lies_in(series))
        missed = (one for one in mine if one not in seen)
        return any(one.missed_since is None or one.missed_for_long(points) for one in missed)

    def knows_any(self, spikes: Iterable[Spike], series: Series) -> bool:
        """Whether one of these spikes of a loss is a known incident."""
        return any(one.is_same(spike, spans_of(spike, series)) for spike in spikes for one in self.known)

    def _further(self, one: LiveIncident, spike: Spike, series: Series, points: int) -> bool:
        worse = spike.kind is Kind.DIVERGENCE and one.spike.kind is not Kind.DIVERGENCE
        over = state_of(spike, series) is State.OVER and one.state is State.RISING
        sure = one.reason_since is not None and not self.stop and points - one.reason_since >= SURE
        return worse or over or sure or one.missed_since is not None

    def _came_to_nothing(self, spike: Spike, spans: Sequence[Span], series: Series) -> bool:
        after = len(series) - spike.start
        return any(
            tag == spike.tag and after < 2 * then and overlap((span,), spans)
            for tag, span, then in self._vain
        )

    def nothing_of(self, spikes: Iterable[Spike], series: Series) -> None:
        """Keep which of these spikes came to nothing, so that they are not asked about again at once."""
        for spike in filter(alarms, spikes):
            spans = spans_of(spike, series)
            if not any(one.is_same(spike, spans) for one in self.known):
                self._vain = [*self._vain, (spike.tag, spans[0], len(series) - spike.start)][-MOST_VAIN:]

    def update(self, look: Look) -> list[Alert]:
        """Take in what was found; return what is new, each incident and state once."""
        lead = next((f for f in by_gravity(look.findings) if f.alarms), None)
        alerts, seen = list[Alert](), list[LiveIncident]()
        for finding in look.findings:
            if finding.alarms:
                seen.append(one := self._known(finding, look.series(finding)))
                self._weigh(one, look.count(one))
                alerts += self._told(one, look, is_lead=finding is lead)
        return [*alerts, *self._withdrawn(look, seen)]

    def _known(self, finding: Finding, series: Series) -> LiveIncident:
        """The incident that a finding is, with what is now known of it; several that it unites become one."""
        spans, state = spans_of(finding.spike, series), state_of(finding.spike, series)
        same = [one for one in self.known if one.is_same(finding.spike, spans)]
        if not same:
            before = any(overlap(told, spans) for told in self.told_before)
            told = {State.RISING, State.OVER} if before else set[State]()
            self.known.append(LiveIncident(finding, spans, state, told))
            return self.known[-1]
        one = same[0]
        if finding.spike.kind is Kind.DIVERGENCE and one.spike.kind is not Kind.DIVERGENCE:
            one.told -= {State.RISING, State.OVER}
            one.awaited = one.loud
        if any(State.OVER not in each.told for each in same):
            one.told.discard(State.OVER)  # of one of them people only know that it rises
        for other in same[1:]:
            one.told |= other.told - {State.OVER}
            one.loud |= other.loud
            one.awaited |= other.awaited
            self.known.remove(other)
        earlier = tuple(span for span in one.spans if span[1] < int(series.steps[0]))
        one.finding, one.spans, one.state, one.missed_since = finding, (*earlier, *spans), state, None
        return one

    def _told(self, one: LiveIncident, look: Look, *, is_lead: bool) -> Iterator[Alert]:
        """What is told of an incident, if its state is new."""
        state = State.FINAL if look.final else one.state
        if state in one.told or (state is State.RISING and State.OVER in one.told):
            return
        one.told.add(state)
        loud = is_lead if look.final else self._is_loud(one, look.count(one))
        one.loud |= loud
        one.awaited = loud and state is State.RISING
        yield Alert.of(one.finding, state, look.step, self.run, quiet=not loud)

    def _is_loud(self, one: LiveIncident, points: int) -> bool:
        """Whether people are told: of the first for some time, of what is worse, and how that went on."""
        height = abs(one.spike.height)
        then, highest = self._sent.get(one.spike.tag, (-COOL_DOWN, 0.0))
        soon = points - then < COOL_DOWN
        if soon and not one.awaited and height < WORSE * highest and not one.finding.is_lost:
            return False
        self._sent[one.spike.tag] = points, max(height, highest if soon else 0.0)
        return True

    def _withdrawn(self, look: Look, seen: Sequence[LiveIncident]) -> Iterator[Alert]:
        """What is told of incidents that are no findings any more, or usual ones, and stay so."""
        usual = [finding for finding in look.findings if finding.spike.usual]
        for one in [one for one in self.known if one not in seen]:
            series = look.run.series.get(one.spike.tag)
            if not look.final and (series is None or not one.lies_in(series)):
                continue
            points = look.count(one)
            one.missed_since = points if one.missed_since is None else one.missed_since
            if not look.final and not one.missed_for_long(points):
                continue
            self.known.remove(one)
            same = (f for f in usual if one.is_same(f.spike, spans_of(f.spike, look.series(f))))
            finding = next(same, one.finding)
            yield Alert.of(finding, State.WITHDRAWN, look.step, self.run, quiet=not one.loud)

    def _weigh(self, one: LiveIncident, points: int) -> None:
        """Decide whether an incident is a reason to stop, and has been for long enough.

        What the error did not follow is none, and a burst, which heals by itself, only if it surely did.
        """
        spike, verdict = one.spike, one.finding.coupling.verdict
        lost = spike.shape is Shape.LOST
        followed = verdict is CouplingVerdict.COUPLED or (
            spike.shape is not Shape.BURST and verdict not in UNMOVED
        )
        if spike.kind not in self.stop_on or spike.recovered or not (lost or followed):
            one.reason_since = None
            return
        one.reason_since = points if one.reason_since is None else one.reason_since
        self.stop |= lost or (points - one.reason_since >= SURE and not spike.provisional)


def _sigmas(finding: Finding, tag: str) -> float:
    """How far a loss went in a finding; 0 of one that did not."""
    return next((loss.sigmas for loss in finding.losses if loss.tag == tag), 0.0)


def in_order(incidents: Iterable[LiveIncident]) -> list[LiveIncident]:
    """Incidents by the step of their onset."""
    return sorted(incidents, key=lambda one: (one.spike.onset_step, one.spike.tag))
