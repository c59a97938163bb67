"""What could be done about the spikes of a run, and what it is expected to do."""

from dataclasses import dataclass

from spikediag.model.run import FactName, Role
from spikediag.text import Text


@dataclass(frozen=True)
class SettingChange:
    """One setting and its new value.

    Attributes:
        name: The setting.
        value: What it is set to, in the setting's own unit.
        line: `std_min: 1e-05 -> 0.06`, in the user's own name for it; None where it was not read.
        place: The file in which it stands.
    """

    name: FactName
    value: str | float
    line: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Advice:
    """One thing to change or to log, with this run's numbers; `code` is ready to paste."""

    text: Text
    code: str | None = None
    rank: int = 5  # 1 is tried first
    remedy: str | None = None  # the id of the `Remedy` that it is
    change: SettingChange | None = None  # the setting that it changes
    logs: Role | None = None  # what it says to log

    @property
    def id(self) -> str:
        """What it is, whatever its numbers: of two with the same id one is shown."""
        return self.remedy or self.text.template


@dataclass(frozen=True)
class Effect:
    """Share of the spikes that a remedy prevents, as two trainings a side would measure it.

    Attributes:
        prevented: 1 where none is left, negative where it makes things worse: the median prediction.
        low: Of the 80 % prediction interval, as is `high`.
        source: What the prediction rests on.
        error: The squared error at the end, in the trainings that were studied: times that of the same
            training unchanged, the median; 80 % of them lie from `error_low` to `error_high`.
    """

    prevented: float
    low: float
    high: float
    source: Text
    error: float
    error_low: float
    error_high: float


@dataclass(frozen=True)
class Remedy:
    """One thing that could be done against the spikes of a run.

    Attributes:
        id: `sigma-floor`; stable.
        advice: The change, with this run's numbers.
        effect: What it would do to the spikes of this run; None where nothing measured tells.
        effort: What it takes: a setting, a line of code, new data.
        applies: Whether this run can be changed so.
        reason: Why it applies or does not, and why no effect is given.
    """

    id: str
    advice: Advice
    effect: Effect | None
    effort: Text
    applies: bool
    reason: Text
