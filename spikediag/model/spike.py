"""What was found in one series, and whether the companions followed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from math import isfinite
from types import MappingProxyType
from typing import assert_never

from spikediag.model.run import FloatArray
from spikediag.text import Text


class Shape(Enum):
    """What a kind of spike does to a series. Closed: who treats kinds apart matches, with `assert_never`."""

    BURST = auto()  # up and back: the height is the highest point above the level before
    LEVEL = auto()  # a new level, reached at once: the height is the new level above the old one
    TREND = auto()  # a new level, reached slowly, or still rising
    NOISE = auto()  # the level stays, the scatter grows: the height is the growth of the standard deviation
    LOST = auto()  # no numbers any more


class Kind(StrEnum):
    """The kinds of spike, one detector each; of kinds that claim the same stretch, the first says most."""

    NON_FINITE = "non_finite"
    DIVERGENCE = "divergence"
    VARIANCE = "variance"
    TRAIN = "train"
    LEVEL_SHIFT = "level_shift"
    DRIFT = "drift"
    TRANSIENT = "transient"

    @property
    def shape(self) -> Shape:
        """What it does to the series.

        Raises:
            KeyError: a new kind that nobody gave a shape.
        """
        return _SHAPES[self]

    @property
    def precedence(self) -> int:
        """0 for the kind that says most of a stretch that several kinds claim."""
        return tuple(Kind).index(self)


_SHAPES = MappingProxyType(
    {
        Kind.NON_FINITE: Shape.LOST,
        Kind.DIVERGENCE: Shape.TREND,
        Kind.VARIANCE: Shape.NOISE,
        Kind.TRAIN: Shape.BURST,
        Kind.LEVEL_SHIFT: Shape.LEVEL,
        Kind.DRIFT: Shape.TREND,
        Kind.TRANSIENT: Shape.BURST,
    }
)
SURE_SDS = 5.0  # of a series above its level: from there on it has jumped, whatever its noise
LONGEST_LOOK = 129  # logged points: the level after a lasting rise is known well enough by then
PAST = 257  # points before an onset that give the noise
NEAR = 33  # points next to it that give a level


@dataclass(frozen=True)
class Excursion:
    """One member of a train: positions `[start, stop)` and the highest point."""

    start: int
    stop: int
    peak: int

    def holds_any(self, positions: Iterable[int]) -> bool:
        """Whether any of some positions lies in it."""
        return any(self.start <= position < self.stop for position in positions)


@dataclass(frozen=True)
class Spike:
    """A rise of one series that its own noise does not explain. Positions index that series."""

    tag: str
    kind: Kind
    start: int  # onset position
    stop: int  # one past the last position; len(series) when it did not recover
    peak: int
    onset_step: int
    peak_step: int
    end_step: int | None  # from here on it is back within `margin`; None: not when the log ended
    baseline: float  # robust level before the onset
    peak_value: float
    height: float  # above the baseline, as the shape of its kind says; > 0 for a rise, < 0 for a fall
    noise: float  # robust standard deviation before the onset, same unit as the values
    sigmas: float  # height / noise
    expected_by_chance: float  # equally large rises this run would show if nothing happened
    count: int = 1  # for trains: excursions
    rate: float | None = None  # for trains: excursions per 10,000 points
    rate_grows: bool | None = None  # for trains: None when undecided
    members: tuple[Excursion, ...] = ()  # for trains: every excursion, in order
    usual: bool = False  # for trains: bursts all along, as heavy-tailed series have; no failure by itself
    provisional: bool = False  # seen in the last points only: what follows may change it
    margin: float = 0.0  # how far from the level before still counts as back, unit of the values
    back_at: float | None = None  # its value at `end_step`; None where it did not come back

    @property
    def shape(self) -> Shape:
        """What it does to the series."""
        return self.kind.shape

    @property
    def is_fall(self) -> bool:
        """Whether the series went down."""
        return self.height < 0

    @property
    def recovered(self) -> bool:
        """Whether the series came back, to within the margin of its level, before the log ended."""
        return self.end_step is not None

    @property
    def excursions(self) -> tuple[Excursion, ...]:
        """The members of a train in order; any other spike is its own only excursion."""
        return self.members or (Excursion(self.start, self.stop, self.peak),)

    @property
    def highest(self) -> Excursion:
        """The excursion that holds the peak."""
        return next(e for e in self.excursions if e.start <= self.peak < max(e.stop, e.start + 1))

    @property
    def onset_of_highest(self) -> int:
        """Position at which it begins; of a train, its highest member."""
        return self.highest.start if self.members else self.start

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The positions `[start, stop)` that it takes up.

        A level is reached at once: what happens on it later is news. So is it after the peak of any other
        rise that never came back.
        """
        if self.members:
            return tuple((member.start, member.stop) for member in self.members)
        stop = self.stop if self.recovered else self.peak + 1
        return ((self.start, min(stop, self.start + NEAR) if self.shape is Shape.LEVEL else stop),)

    @property
    def sure_height(self) -> float:
        """How far from its level a point lies that has surely jumped, whatever the noise; 0 where any has."""
        if self.shape is Shape.LOST or not isfinite(self.height):
            return 0.0
        if self.shape is Shape.NOISE:
            return SURE_SDS * self.noise
        half = 0.5 * abs(self.height)
        return half if self.shape is Shape.TREND else min(half, SURE_SDS * self.noise)

    @property
    def level_after(self) -> float:
        """Where the series stands after a rise that lasts, in its own unit."""
        return self.baseline + self.height

    def window(self, values: FloatArray, excursion: Excursion | None = None) -> tuple[int, int]:
        """The positions `[start, stop)` at which to ask what else was different.

        A burst: where it stands at least half as high as at its peak. A new level: its first points; a
        trend: its last. At most 129 points.

        Args:
            values: of the series it was found in, (n,).
            excursion: one of a train; the one that holds the peak if not given.
        """
        match self.shape:
            case Shape.BURST:
                first, last = _half_height(values, excursion or self.highest, self.baseline)
                return first, min(last, first + LONGEST_LOOK)
            case Shape.TREND:
                return max(self.start, self.stop - LONGEST_LOOK), self.stop
            case Shape.LEVEL | Shape.NOISE | Shape.LOST:
                return self.start, min(self.stop, self.start + LONGEST_LOOK)
            case _:
                assert_never(self.shape)

    def width(self, values: FloatArray) -> int:
        """How many points it lasts: a burst while half as high as its peak, the median over a train.

        Args:
            values: of the series it was found in, (n,).
        """
        if self.shape is not Shape.BURST:
            return self.stop - self.start
        spans = (_half_height(values, one, self.baseline) for one in self.excursions)
        widths = sorted(stop - start for start, stop in spans)
        return widths[len(widths) // 2]


def _half_height(values: FloatArray, excursion: Excursion, baseline: float) -> tuple[int, int]:
    half = 0.5 * float(values[excursion.peak]) + 0.5 * baseline
    first = last = excursion.peak
    while first > excursion.start and values[first - 1] >= half:
        first -= 1
    while last + 1 < excursion.stop and values[last + 1] >= half:
        last += 1
    return first, last + 1


@dataclass(frozen=True)
class SmallestJump:
    """What would have been found: a jump of this height and length between two steps."""

    width: int | None  # points that it lasts; None for good
    height: float  # unit of the series
    sigmas: float
    first_step: int
    last_step: int


@dataclass(frozen=True)
class Searched:
    """How well one series was searched; clean means searched, with power."""

    tag: str
    points: int  # finite
    jumps: tuple[SmallestJump, ...]  # by width, shortest first; empty where nothing could have been seen
    reason: Text | None = None  # why nothing, or not all of it, could be judged
    constant: bool = False  # one number throughout: any other would have been seen

    @property
    def judged(self) -> bool:
        """Whether any jump would have been seen."""
        return self.judged_from(None)

    def judged_from(self, step: int | None) -> bool:
        """Whether any jump would have been seen at a step or later; None: anywhere."""
        return any(step is None or jump.last_step >= step for jump in self.jumps)


@dataclass(frozen=True)
class LossChange:
    """One loss tag across the same incident: before, highest, after."""

    tag: str
    before: float
    peak: float
    after: float
    sigmas: float


@dataclass(frozen=True)
class Incident:
    """Losses that leap together: the leading spike, and every loss tag across it, the leading one first."""

    spike: Spike
    losses: tuple[LossChange, ...]


class CouplingVerdict(StrEnum):
    """Did the error metric move too?"""

    DECOUPLED = "decoupled"
    PARTLY = "partly"  # it rose, by far less than error alone would need
    COUPLED = "coupled"
    UNDECIDED = "undecided"
    NO_COMPANION = "no_companion"


@dataclass(frozen=True)
class CompanionTest:
    """The test of one companion against one spike; for a train, the means over its members."""

    tag: str
    verdict: CouplingVerdict
    before: float  # robust level before the onset
    during: float  # robust level over the spike
    change: float  # during minus before
    low: float  # 90 % confidence interval of the change
    high: float
    margin: float  # the change that would still count as "did not move"
    p_equivalent: float  # one-sided p-value: a change this small, had the error risen by the margin
    margin_reason: Text  # how the margin was chosen
    needed: float | None = None  # the rise that would make the whole jump by error alone; None: unknown
    jump: float = 0.0  # of the loss, mean over the tested windows: what `needed` is for
    price: Text | None = None  # what an error was taken to cost
    strayed_at: int | None = None  # step of the largest rise, where that is beside the window of the jump
    held_out: bool = False  # measured on data that were not trained on
    blind: Text | None = None  # why it cannot answer: other weights or batches, smoother, sparser or later
    moved: int | None = None  # for trains: members at which it moved, of `tested`
    tested: int | None = None
    up_is_better: bool = False  # an accuracy

    @property
    def improved(self) -> bool:
        """Whether it got better, and by more than would still count as "did not move"."""
        least, change = (self.low, self.change) if self.up_is_better else (-self.high, -self.change)
        return least > 0 and change > self.margin

    @property
    def never_finite(self) -> bool:
        """Whether it was no number at the jump, nor ever before."""
        return not (isfinite(self.before) or isfinite(self.change))

    @property
    def may_be_better(self) -> bool:
        """Whether it may have got better by more than would still count as "did not move"."""
        return (self.high if self.up_is_better else -self.low) > self.margin


@dataclass(frozen=True)
class Coupling:
    """The verdict over all companions; `tests[0]` is the one that decided it."""

    verdict: CouplingVerdict
    tests: tuple[CompanionTest, ...]
    reading: Text
    pooled: int | None = None  # jumps of the loss that decided together, where this one alone could not

    @property
    def improved(self) -> bool:
        """Whether the error did not rise, but did not stay either: it got better with the jump."""
        return self._stayed_but(lambda test: test.improved)

    @property
    def never_finite(self) -> bool:
        """Whether the error that decided had never been a number, so that none can say that it moved."""
        return any(test.never_finite for test in self.tests[:1])

    @property
    def may_be_better(self) -> bool:
        """Whether it is only known that the error did not rise."""
        return self._stayed_but(lambda test: test.may_be_better and not test.improved)

    def _stayed_but(self, says: Callable[[CompanionTest], bool]) -> bool:
        return self.verdict is CouplingVerdict.DECOUPLED and any(says(test) for test in self.tests[:1])
