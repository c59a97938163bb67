"""Time order, and what the other series of the run say of one jump."""

from dataclasses import dataclass

from spikediag.model.run import Role


@dataclass(frozen=True)
class Lag:
    """By how many steps one change came before another; below 0, after it."""

    steps: float  # between the first logged points that show them
    low: float  # the least that the logging intervals and the onsets allow
    high: float

    @property
    def leads(self) -> bool:
        """Whether it surely came first."""
        return self.steps > 0 and self.low >= 0

    @property
    def follows(self) -> bool:
        """Whether it surely came later: it is no cause."""
        return self.high <= 0


@dataclass(frozen=True)
class Moment:
    """When a series changed, in steps: after one, and at another at the latest."""

    after: float  # the last logged step without the change; minus infinity where there is none
    step: float  # the first logged step with it
    by: float  # the first that surely shows it

    def ahead_of(self, other: "Moment") -> Lag:
        """By how much it came before another moment."""
        return Lag(other.step - self.step, other.after - self.by, other.by - self.after)


@dataclass(frozen=True)
class Witness:
    """Another series that moved with a jump, farther than it does elsewhere; values as they were logged."""

    tag: str
    role: Role
    before: float  # level before
    at: float  # its farthest point from there, or its new level
    sigmas: float  # how far, in its own robust standard deviations before
    lag: Lag  # by how much it came before the loss
    moved: int  # windows without a jump of the loss in which it moved as far
    windows: int  # that were looked at
    chance: float | None  # of moving as far in any one window; None: too few windows to tell
    was_constant: bool = False  # before: what it moved by is then no multiple of any noise

    @property
    def change(self) -> float:
        """At the jump minus before."""
        return self.at - self.before


@dataclass(frozen=True)
class Copy:
    """A series that is the loss, but for a factor: it cannot testify."""

    tag: str
    factor: float  # loss = factor x tag + offset
    offset: float
    points: int  # that both have

    @property
    def is_multiple(self) -> bool:
        """Whether the loss is a plain multiple of it."""
        return self.offset == 0


@dataclass(frozen=True)
class Witnesses:
    """What all other series say of one jump; the witnesses that came first lead."""

    asked: int = 0  # series
    moved: tuple[Witness, ...] = ()
    copies: tuple[Copy, ...] = ()

    @property
    def tags(self) -> set[str]:
        """Of those that moved."""
        return {witness.tag for witness in self.moved}

    @property
    def leading(self) -> Witness | None:
        """The witness that surely moved before the loss and moved farthest."""
        return next((w for w in self.moved if w.lag.leads), None)


NO_WITNESSES = Witnesses()  # of a run that logs one series only
