"""What was found in one series, and whether the companions followed."""

from dataclasses import dataclass
from enum import StrEnum

from spikediag.model.text import Text


class Kind(StrEnum):
    """The kinds of spike; each is one detector."""

    TRANSIENT = "transient"
    TRAIN = "train"
    LEVEL_SHIFT = "level_shift"
    DRIFT = "drift"
    VARIANCE = "variance"
    NON_FINITE = "non_finite"
    DIVERGENCE = "divergence"


@dataclass(frozen=True)
class Excursion:
    """One member of a train: positions `[start, stop)` and the highest point."""

    start: int
    stop: int
    peak: int


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
    end_step: int | None  # None: not recovered at the end of the log
    baseline: float  # robust level before the onset
    peak_value: float
    height: float  # peak (transient, train) or new level (others) minus baseline, always > 0 for a rise
    noise: float  # robust standard deviation before the onset, same unit as the values
    sigmas: float  # height / noise
    expected_by_chance: float  # equally large rises this run would show if nothing happened
    count: int = 1  # for trains: excursions
    rate: float | None = None  # for trains: excursions per 10,000 points
    rate_grows: bool | None = None  # for trains: None when undecided
    members: tuple[Excursion, ...] = ()  # for trains: every excursion, in order


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
    COUPLED = "coupled"
    UNDECIDED = "undecided"
    NO_COMPANION = "no_companion"


@dataclass(frozen=True)
class CompanionTest:
    """The equivalence test of one companion against one spike."""

    tag: str
    verdict: CouplingVerdict
    before: float  # robust level before the onset
    during: float  # robust level over the spike
    change: float  # during minus before
    low: float  # 90 % confidence interval of the change
    high: float
    margin: float  # the change that would still count as "did not move"
    p_equivalent: float  # TOST p-value
    margin_reason: Text  # how the margin was chosen
    strayed_at: int | None = (
        None  # step at which it left the margin after the peak, while the loss was still up
    )


@dataclass(frozen=True)
class Coupling:
    """The verdict over all companions; `tests[0]` is the one that decided it."""

    verdict: CouplingVerdict
    tests: tuple[CompanionTest, ...]
    reading: Text
