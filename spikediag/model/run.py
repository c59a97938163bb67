"""What was read: series by tag, sessions, facts with their source, and damage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]


class Role(StrEnum):
    """What a series is for. Causes ask by role, never by tag."""

    LOSS = "loss"
    COMPANION = "companion"
    LOG_STD = "log_std"
    ENTROPY = "entropy"
    LEARNING_RATE = "learning_rate"
    GRAD_NORM = "grad_norm"
    LOSS_SCALE = "loss_scale"
    EPOCH = "epoch"
    SAMPLES = "samples"
    REWARD = "reward"
    OTHER = "other"


class Measure(StrEnum):
    """What the numbers of a loss or companion measure, where the tag or its library says so."""

    NLL = "nll"  # negative log-likelihood of actions, nats
    POLICY = "policy"  # any other actor or policy objective
    VALUE = "value"  # critic, Q and value losses
    TOTAL = "total"  # a weighted sum that contains another loss of the run
    SQUARED_ERROR = "squared_error"
    NORMALIZED_ERROR = "normalized_error"
    ABSOLUTE_ERROR = "absolute_error"
    ACCURACY = "accuracy"  # up is good
    UNKNOWN = "unknown"


class Reduction(StrEnum):
    """How a number was reduced over action dimensions (errors) or samples and dimensions (log-std)."""

    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Series:
    """One scalar tag over training. Positions are indices `[start, stop)`; steps are for people.

    Arrays are read-only. LOG_STD series hold natural logarithms, entropy series point up for more
    entropy, loss-scale and LR series plain values, whatever the tag logged (`reason` says what was done).
    """

    tag: str
    role: Role
    steps: IntArray  # (n,), strictly increasing
    values: FloatArray  # (n,), NaN and Inf kept as logged
    wall_times: FloatArray  # (n,) seconds since the epoch; NaN where unknown
    measure: Measure = Measure.UNKNOWN
    reduction: Reduction = Reduction.UNKNOWN
    reason: str = ""  # why this role: the preset or rule that matched

    def __post_init__(self) -> None:
        for name, dtype in (("steps", np.int64), ("values", np.float64), ("wall_times", np.float64)):
            array = np.array(getattr(self, name), dtype=dtype)  # a copy: the caller's array stays writable
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if not (self.steps.ndim == 1 and self.steps.shape == self.values.shape == self.wall_times.shape):
            raise ValueError(
                f"{self.tag}: steps, values and wall_times must be one-dimensional and equally long"
            )
        if np.any(np.diff(self.steps) <= 0):
            raise ValueError(f"{self.tag}: steps must be strictly increasing")

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class Fact:
    """A configuration value with its source and confidence; `value is None` means unknown."""

    name: str
    value: str | int | float | bool | None
    source: str  # "hparams.yaml: train.batch_size", "--batch-size", "unknown"
    confidence: float = 1.0  # 1 stated, below 1 derived or guessed
    conflicts: tuple[str, ...] = ()  # other sources that say otherwise, "64 (config.json: batch_size)"

    @property
    def number(self) -> float | None:
        """The value as a finite float, or None."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            return None
        return float(self.value) if np.isfinite(self.value) else None


@dataclass(frozen=True)
class Session:
    """One writer's stretch of a training: a process start up to its last record."""

    file: str  # relative to the run
    first_step: int
    last_step: int
    first_wall_time: float  # seconds since the epoch
    last_wall_time: float


@dataclass(frozen=True)
class Rewind:
    """The step counter went back (a resume from a checkpoint) or leapt ahead over unlogged steps."""

    from_step: int  # last step before
    to_step: int  # first step after
    wall_gap: float  # seconds between the two records
    session: int  # index of the session that begins here; 0 when it happened inside one file


@dataclass(frozen=True)
class Damage:
    """Bytes that could not be read, or a file that was left out, and why."""

    file: str
    offset: int
    length: int  # bytes
    what: str


@dataclass(frozen=True)
class SourceFile:
    """A file the run was read from, for reproduction."""

    path: str  # relative to the run
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Checkpoint:
    """A saved model found beside the run."""

    path: str
    step: int


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that was read from one training run."""

    path: str
    name: str
    series: Mapping[str, Series]
    facts: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))
    sessions: tuple[Session, ...] = ()
    rewinds: tuple[Rewind, ...] = ()
    damage: tuple[Damage, ...] = ()
    files: tuple[SourceFile, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    library: str | None = None  # the preset that recognised the tags, "hil-serl"
    step_unit: str = "step"  # "step", "epoch", "sample": what the x-axis counts
    notes: tuple[str, ...] = ()  # what reading decided: copies dropped, attempts kept apart, files skipped
    log_lines: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    # how this library logs what is missing, by quantity: log_std, learning_rate, grad_norm, mse, loss_scale

    def having(self, role: Role) -> Iterator[Series]:
        """The series of a role, in tag order."""
        return (self.series[tag] for tag in sorted(self.series) if self.series[tag].role is role)

    def fact(self, name: str) -> Fact:
        """The fact of that name; an unknown one is a value too."""
        return self.facts.get(name, Fact(name, None, "unknown", 0.0))
