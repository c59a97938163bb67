"""What a comparison of two sides says."""

import base64
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from spikediag.model import FloatArray, Text, say
from spikediag.stats.rates import Counts, Ratio


class SpikeEffect(StrEnum):
    """Whether there are fewer spikes after than before."""

    IMPROVED = "improved"
    WORSE = "worse"
    NO_DETECTABLE_CHANGE = "no_detectable_change"


class Cost(StrEnum):
    """Whether the error metric ends worse after than before."""

    PAID = "paid"
    NONE = "none"
    UNCLEAR = "unclear"
    NOT_LOGGED = "not_logged"


EFFECTS = MappingProxyType(
    {
        SpikeEffect.IMPROVED: say("improved"),
        SpikeEffect.WORSE: say("worse"),
        SpikeEffect.NO_DETECTABLE_CHANGE: say("no detectable change"),
    }
)
COSTS = MappingProxyType(
    {
        Cost.PAID: say("ends more than 10 % worse"),
        Cost.NONE: say("not worse by 10 %"),
        Cost.UNCLEAR: say("cannot tell"),
        Cost.NOT_LOGGED: say("not logged"),
    }
)


@dataclass(frozen=True, eq=False)
class Curve:
    """One series of one training on the common axis."""

    tag: str
    x: FloatArray  # (n,) steps or passes, ascending
    values: FloatArray  # (n,) as logged


@dataclass(frozen=True)
class CountedSpike:
    """A spike on the common axis."""

    x: float
    height: float  # loss units; infinite when the loss was not finite


@dataclass(frozen=True, eq=False)
class Trial:
    """One training inside the common window."""

    name: str
    loss: Curve
    companion: Curve | None
    marks: tuple[CountedSpike, ...]
    diverged: bool


@dataclass(frozen=True, eq=False)
class Side:
    """The trainings before or after a change, pooled: the same recipe with different seeds."""

    name: str
    trials: tuple[Trial, ...]
    counts: Counts
    largest: float  # highest spike, loss units; 0 when there is none


@dataclass(frozen=True)
class LevelChange:
    """A final level before and after. The interval is that of after minus before, 95 %."""

    tag: str
    before: float
    after: float
    low: float
    high: float
    basis: Text  # where the interval's width comes from


@dataclass(frozen=True)
class Difference:
    """A fact that is known on both sides and differs, and how it could explain a change."""

    name: str
    before: str
    after: str
    rank: int  # 1 is the likeliest to explain a change in spikes
    why: Text


@dataclass(frozen=True)
class ConditionChange:
    """A condition before and after; an empty reading: not judged there."""

    condition: str
    before: str  # its status
    after: str
    before_reading: Text | None
    after_reading: Text | None


@dataclass(frozen=True)
class Foretold:
    """The effect of the one remedy that was made: predicted from the run before, and as it was measured.

    Shares of the spikes; `low` and `high` are the 80 % prediction interval.
    """

    remedy: str
    prevented: float
    low: float
    high: float
    measured: float

    @property
    def inside(self) -> bool:
        """Whether the measured effect lies in the interval."""
        return self.low <= self.measured <= self.high


@dataclass(frozen=True, eq=False)
class Comparison:
    """Did the change work, and what did it cost?"""

    before: Side
    after: Side
    unit: str  # "step" or "pass": the common axis
    start: float  # the common window
    end: float
    height: float  # what is higher than this above its running median is counted as a spike, loss units
    ratio: Ratio  # spike rate after over before
    p: float  # of equal rates, two-sided; adjusted for the remedies that were compared together (Holm)
    outcome: SpikeEffect
    detectable: float | None  # a fall to this ratio would have been seen 4 times in 5; None: no fall would
    loss: LevelChange
    companion: LevelChange | None
    cost: Cost
    differences: tuple[Difference, ...]
    conditions: tuple[ConditionChange, ...]
    foretold: Foretold | None
    summary: Text
    notes: tuple[Text, ...]

    @property
    def headline(self) -> Text:
        """What came of it, in words: fewer spikes of a model that errs more are no success."""
        if self.cost is not Cost.PAID or self.outcome is SpikeEffect.WORSE:
            return EFFECTS[self.outcome]
        if self.outcome is SpikeEffect.IMPROVED:
            return say("fewer spikes, but the error ends worse")
        return say("no detectable change in spikes, but the error ends worse")

    def to_dict(self) -> dict[str, Any]:
        """The comparison in the stable JSON form, schema `spikediag.comparison/1`."""
        from spikediag import comparison  # noqa: PLC0415

        return comparison.to_dict(self)

    def to_markdown(self) -> str:
        """The comparison as Markdown, without a picture."""
        from spikediag import comparison  # noqa: PLC0415

        return comparison.to_markdown([self], picture=False)

    def to_png(self) -> bytes:
        """The figure: losses and errors of both sides on shared axes."""
        from spikediag import comparison  # noqa: PLC0415

        return comparison.comparison_picture([self])

    def _repr_markdown_(self) -> str:
        picture = base64.b64encode(self.to_png()).decode()
        return f"{self.to_markdown()}\n![](data:image/png;base64,{picture})\n"
