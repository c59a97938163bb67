"""What could be done about the spikes of a run, and what it is expected to do."""

from dataclasses import dataclass

from spikediag.text import Text


@dataclass(frozen=True)
class Effect:
    """Share of the spikes that a remedy prevents, as two trainings a side would measure it.

    Attributes:
        prevented: 1 where none is left, negative where it makes things worse: the median prediction.
        low: Of the 80 % prediction interval, as is `high`.
        source: What the prediction rests on.
    """

    prevented: float
    low: float
    high: float
    source: Text


@dataclass(frozen=True)
class Remedy:
    """One thing that could be changed.

    Attributes:
        id: `sigma-floor`; stable.
        text: The change, in the user's own setting names.
        code: The line that makes it; None where the library's is not known.
        effect: What it would do to the spikes of this run; None where nothing measured tells.
        cost: What it did to the error of the trainings that were studied; None where that is not known.
        effort: What it takes: a setting, a line of code, new data.
        applies: Whether this run can be changed so.
        reason: Why it applies or does not, and why no effect is given.
    """

    id: str
    text: Text
    code: str | None
    effect: Effect | None
    cost: Text | None
    effort: Text
    applies: bool
    reason: Text
