"""What was read: series by tag, sessions, facts with their source, and damage."""

import math
import re
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from spikediag.text import Text, say

if TYPE_CHECKING:
    from spikediag.model.flight_record import FlightRecord

T = TypeVar("T")

STILL = 3  # points that a loss keeps one number while no gradient is one, at least
_HELD_OUT = re.compile(r"(?<![a-z])(eval|val|valid|test|held|heldout)(uation|idation)?(?![a-z])")
OTHER_AXIS = re.compile(r"(?P<tag>.+?)(/time|[ _]vs[ _](samples|tokens|steps|time))")
LEAST_EXPONENT = -307  # of a power of ten with all its digits
LEAST_RANGE = 1e-30  # of a series; a reward of that size was meant to be 0
NOTHING = 1e-4  # standard deviation or range of an action that counts as none
TWO_VALUED = 0.95  # of the largest variance between two ends
SELDOM = 0.06  # mean over the 99 % quantile, both from an end at which values tie; 0.22 of an exponential
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


class LossKind(StrEnum):
    """What a loss is, as far as it decides what can go wrong with it and in which words that is said."""

    LIKELIHOOD = "likelihood"  # negative log-likelihood of continuous actions or values: it has a sigma
    POLICY_GRADIENT = "policy_gradient"  # the surrogate of PPO, A2C and their kin
    ACTOR = "actor"  # minus Q, of SAC, TD3 and DDPG
    VALUE = "value"  # a critic, a Q or value function, a TD error
    CROSS_ENTROPY = "cross_entropy"  # a classifier or a language model
    DENOISING = "denoising"  # diffusion, flow matching, score matching
    RECONSTRUCTION = "reconstruction"  # an autoencoder, a vocoder
    KL_REGULARISED = "kl_regularised"  # a language model held near its reference: GRPO, DPO, RLHF
    ADVERSARIAL = "adversarial"  # a generator or a discriminator
    REGRESSION = "regression"  # a squared or absolute error
    UNKNOWN = "unknown"


REINFORCED = frozenset(
    {LossKind.POLICY_GRADIENT, LossKind.ACTOR, LossKind.VALUE}
)  # data collected on the way


class Framework(StrEnum):
    """In whose code advice is written."""

    TORCH = "torch"
    JAX = "jax"
    TENSORFLOW = "tensorflow"


class Reduction(StrEnum):
    """How a number was reduced over action dimensions (errors) or samples and dimensions (log-std)."""

    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    UNKNOWN = "unknown"


class Transform(StrEnum):
    """What `Series.natural` does to logged numbers, so that every series of a role points the same way."""

    NONE = "none"
    LN = "ln"  # natural logarithm of the logged standard deviation
    NEGATED = "negated"


class StepUnit(StrEnum):
    """What the x-axis of a run counts."""

    STEP = "step"  # optimizer updates
    ENV_STEP = "env_step"  # of the environment: how many updates it brings, the log does not say
    EPOCH = "epoch"
    SAMPLE = "sample"
    TOKEN = "token"  # noqa: S105  # of text
    ITERATION = "iteration"  # collect-and-update rounds of an on-policy learner; several updates each
    LOG = "log"  # calls of the logger


class FactName(StrEnum):
    """Every fact that can be read, given or asked for; `parser/facts` says where each is looked for."""

    BATCH_SIZE = "batch_size"
    DATASET_SIZE = "dataset_size"
    ACTION_DIM = "action_dim"
    TRAIN_STEPS = "train_steps"
    LEARNING_RATE = "learning_rate"
    LR_SCHEDULE = "lr_schedule"
    OPTIMIZER = "optimizer"
    BETA1 = "beta1"
    BETA2 = "beta2"
    WEIGHT_DECAY = "weight_decay"
    GRAD_CLIP = "grad_clip"
    GRADIENT_ACCUMULATION = "gradient_accumulation"
    WORLD_SIZE = "world_size"
    EFFECTIVE_BATCH_SIZE = "effective_batch_size"
    SIGMA_MIN = "sigma_min"
    SIGMA_MAX = "sigma_max"
    LOG_STD_MIN = "log_std_min"
    LOG_STD_MAX = "log_std_max"
    TANH_SQUASH = "tanh_squash"
    DROPOUT = "dropout"
    HIDDEN_UNITS = "hidden_units"
    SAMPLING = "sampling"
    SEED = "seed"
    LOG_EVERY = "log_every"
    OBJECTIVE = "objective"
    PRECISION = "precision"
    MIXED_PRECISION = "mixed_precision"
    DTYPE = "dtype"
    TARGET_UPDATE_INTERVAL = "target_update_interval"
    TARGET_UPDATE_PERIOD = "target_update_period"
    TARGET_NETWORK_FREQUENCY = "target_network_frequency"
    EVAL_INTERVAL = "eval_interval"


BATCH_SIZES = (FactName.EFFECTIVE_BATCH_SIZE, FactName.BATCH_SIZE)  # the first that is known is an update's


class Origin(IntEnum):
    """Who states a fact, most trusted first; a configuration file farther above counts for less."""

    COMMAND_LINE = 0
    SETTINGS = 1  # spikediag.toml
    LOGGED = 2  # a scalar of the run itself
    HPARAMS = 3  # the hparams plugin
    TEXT = 4  # a text tag
    BESIDE = 5  # a file in the run's folder
    ABOVE = 6  # a file one level above
    ABOVE_TWO = 7
    ABOVE_THREE = 8
    PRINTED = 9  # a console log kept beside the run
    DERIVED = 10
    GUESSED = 11  # derived from something that is itself uncertain
    UNKNOWN = 12


def median_gap(steps: IntArray) -> float:
    """Median distance of neighbours among increasing steps; 1 for a single one."""
    gaps = np.diff(steps)
    if not len(gaps) or (gaps == gaps[0]).all():
        return float(gaps[0]) if len(gaps) else 1.0
    return float(np.median(gaps))


def is_held_out(tag: str) -> bool:
    """Whether a tag says that it is measured on data that were not trained on."""
    return _HELD_OUT.search(tag.lower()) is not None


def _is_frozen(array: object) -> bool:
    """Whether nobody can write to an array, nor to what it is a view of."""
    if not isinstance(array, np.ndarray) or array.flags.writeable:
        return False
    return array.base is None or _is_frozen(array.base)


@dataclass(frozen=True, eq=False)
class Series:
    """One scalar tag over training. Positions are indices `[start, stop)`; steps are for people.

    Arrays are read-only. Values are the user's own; `natural` turns them as their role demands.
    """

    tag: str
    role: Role
    steps: IntArray  # (n,), strictly increasing
    values: FloatArray  # (n,), NaN and Inf kept as logged
    wall_times: FloatArray  # (n,) seconds since the epoch; NaN where unknown
    measure: Measure = Measure.UNKNOWN
    reduction: Reduction = Reduction.UNKNOWN
    reason: Text = field(default_factory=lambda: say(""))  # why this role: the preset or rule that matched
    transform: Transform = Transform.NONE
    kind: LossKind = LossKind.UNKNOWN  # of a loss, where the user, its library or its company says so
    stood_still_at: float | None = None  # what the log shows where the loss was no number, if it hides that
    file: str = ""  # the file it was read from, or the files, joined by commas
    copy_of: str | None = None  # the loss that it is, in other units: an error metric by its name only

    def __post_init__(self) -> None:
        for name, dtype in (("steps", np.int64), ("values", np.float64), ("wall_times", np.float64)):
            array = getattr(self, name)
            if not (_is_frozen(array) and array.dtype == dtype):
                array = np.array(array, dtype=dtype)  # a copy: the caller's array stays writable
                array.setflags(write=False)
                object.__setattr__(self, name, array)
        if not (self.steps.ndim == 1 and self.steps.shape == self.values.shape == self.wall_times.shape):
            raise ValueError(
                f"{self.tag}: steps, values and wall_times must be one-dimensional and equally long"
            )
        if np.any(self.steps[1:] <= self.steps[:-1]):  # differences of huge steps overflow
            raise ValueError(f"{self.tag}: steps must be strictly increasing")

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def group(self) -> str:
        """The part of the tag before its last slash: what is logged together."""
        return self.tag.rpartition("/")[0]

    @property
    def held_out(self) -> bool:
        """Whether the tag says that it is measured on data that were not trained on."""
        return is_held_out(self.tag)

    @property
    def up_is_better(self) -> bool:
        """Whether more is better: of rewards and accuracies."""
        return self.role is Role.REWARD or self.measure is Measure.ACCURACY

    @cached_property
    def natural(self) -> "Series":
        """The series turned as its role demands: ln of a logged sigma, entropy that points up for more."""
        if self.transform is Transform.LN:
            positive = np.where(self.values > 0, self.values, np.nan)
            return replace(self, values=np.log(positive), transform=Transform.NONE)
        if self.transform is Transform.NEGATED:
            return replace(self, values=-self.values, transform=Transform.NONE)
        return self

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """Which values are numbers, (n,)."""
        return np.isfinite(self.values)

    @property
    def varies(self) -> bool:
        """Whether it is more than one number, or nothing at all."""
        _, values = self.numbers
        return len(values) > 0 and float(values.max() / 2 - values.min() / 2) > LEAST_RANGE

    @cached_property
    def numbers(self) -> tuple[IntArray, FloatArray]:
        """Steps and values of the points that are numbers, (m,) each."""
        if self.finite.all():
            return self.steps, self.values
        return self.steps[self.finite], self.values[self.finite]

    @cached_property
    def logs(self) -> tuple[IntArray, FloatArray]:
        """Steps and natural logarithms of its positive numbers, (m,) each."""
        steps, values = self.numbers
        positive = values > 0
        return steps[positive], np.log(values[positive])

    def logged_before(self, step: float) -> int:
        """How many of its numbers were logged before a step."""
        return int(self.numbers[0].searchsorted(step))

    def before(self, step: float) -> FloatArray:
        """Its numbers that were logged before a step, (m,)."""
        return self.numbers[1][: self.logged_before(step)]

    def has_steps_of(self, other: "Series") -> bool:
        """Whether both were logged at the same steps."""
        return self.steps is other.steps or np.array_equal(self.steps, other.steps)

    def ends_before(self, other: "Series") -> bool:
        """Whether another series is logged on after this one, by more of its points than one may be late."""
        return bool(len(self)) and bool((other.steps > self.steps[-1] + self.interval).sum() >= STILL)

    def shared(self, other: "Series") -> tuple[IntArray, IntArray]:
        """Positions of the points that both series have at the same step, in each, (m,)."""
        if self.has_steps_of(other):
            both = np.arange(len(self))
            return both, both
        _, own, its = np.intersect1d(self.steps, other.steps, assume_unique=True, return_indices=True)
        return own, its

    @cached_property
    def interval(self) -> float:
        """Median distance of two logged points, in steps; 1 for a single point."""
        return median_gap(self.steps)


@dataclass(frozen=True)
class Fact:
    """A configuration value with its source and confidence; `value is None` means unknown."""

    name: FactName
    value: str | int | float | bool | None
    source: str  # "hparams.yaml: train.batch_size", "--batch-size", "unknown"
    confidence: float = 1.0  # 1 stated, below 1 derived or guessed
    conflicts: tuple[str, ...] = ()  # other sources that say otherwise, "64 (config.json: batch_size)"
    origin: Origin = Origin.UNKNOWN

    @property
    def number(self) -> float | None:
        """The value as a finite float, or None."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            return None
        return float(self.value) if abs(self.value) <= sys.float_info.max else None


@dataclass(frozen=True)
class Batch:
    """How many samples one update sees, and of how many; the only place that sets the two side by side."""

    samples: float  # of one optimizer update: accumulation and workers counted in
    dataset: float  # samples of the dataset
    samples_source: str  # "config.yaml: batch_size", "derived: batch 64 x accumulation 4"
    dataset_source: str

    @property
    def ratio(self) -> float:
        """Batch over dataset; above 1 for a batch that is larger than the dataset."""
        return self.samples / self.dataset

    @property
    def updates_per_pass(self) -> float:
        """Optimizer updates in which as many samples are drawn as the dataset holds."""
        return self.dataset / self.samples

    def passes(self, updates: float) -> float:
        """Passes over the dataset after so many updates."""
        return updates * self.ratio


class Degenerate(StrEnum):
    """In which way an action dimension has nothing to be learned as a Gaussian."""

    CONSTANT = "constant"
    MOSTLY_CONSTANT = "mostly_constant"  # zero but for some presses
    TWO_VALUES = "two_values"  # a gripper command


@dataclass(frozen=True)
class ActionDimension:
    """What the statistics beside a run say of one action dimension; NaN where they do not."""

    index: int
    source: str  # the file
    low: float
    high: float
    sd: float
    mean: float
    q01: float
    q99: float
    q10: float = math.nan
    q90: float = math.nan

    @property
    def degenerate(self) -> Degenerate | None:
        """How it is degenerate, None where it is not, or where the statistics do not tell.

        A variable with these ends and this mean has the variance (mean - low)(high - mean) if it takes no
        other value, and less otherwise (Bhatia and Davis 2000, doi:10.1080/00029890.2000.12005203).
        """
        still = self.high - self.low <= NOTHING
        if self.sd <= NOTHING or (still and math.isnan(self.sd)):
            return Degenerate.CONSTANT
        if still or self.q99 - self.q01 <= NOTHING or self.q90 - self.q10 <= NOTHING or self._rests_at_an_end:
            return Degenerate.MOSTLY_CONSTANT
        most = (self.mean - self.low) * (self.high - self.mean)
        return Degenerate.TWO_VALUES if self.sd**2 >= TWO_VALUED * most > 0 else None

    @property
    def _rests_at_an_end(self) -> bool:
        """Whether values tie at one end and leave it so seldom, or so little, that the mean hardly does.

        Presses that grow are so: neither constant nor two-valued, and in more than 1 % of the frames.
        """
        span = self.q99 - self.q01
        at_low = self.q01 == self.low and self.mean - self.low <= SELDOM * span
        at_high = self.q99 == self.high and self.high - self.mean <= SELDOM * span
        return at_low or at_high


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


class DamageKind(StrEnum):
    """What became of the bytes."""

    LOST = "lost"  # a stretch inside a file that could not be read
    LEFT_OUT = "left_out"  # a whole file that was not read
    NOTED = "noted"  # read, but something about it is odd


@dataclass(frozen=True)
class Damage:
    """Bytes that could not be read, or a file that was left out, and why."""

    kind: DamageKind
    file: str
    offset: int
    length: int  # bytes
    what: Text


@dataclass(frozen=True)
class SourceFile:
    """A file the run was read from, for reproduction."""

    path: str  # relative to the run
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class UnreadFile:
    """A file beside the run that looks like a log and was not read, and why."""

    path: str  # relative to the run
    why: Text


@dataclass(frozen=True)
class Checkpoint:
    """A saved model found beside the run."""

    path: str
    step: int


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """Everything that was read from one training run."""

    path: str
    name: str
    series: Mapping[str, Series]
    facts: Mapping[FactName, Fact] = field(default_factory=lambda: MappingProxyType({}))
    sessions: tuple[Session, ...] = ()
    rewinds: tuple[Rewind, ...] = ()
    damage: tuple[Damage, ...] = ()
    files: tuple[SourceFile, ...] = ()
    unread: tuple[UnreadFile, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    library: str | None = None  # the preset that recognised the tags, "hil-serl"
    step_unit: StepUnit = StepUnit.STEP
    notes: tuple[Text, ...] = ()  # what reading decided: copies dropped, attempts kept apart, files skipped
    actions: tuple[ActionDimension, ...] = ()  # what dataset statistics beside the run say of them
    action_names: tuple[str, ...] = ()  # of the action dimensions, where a configuration says them
    framework: Framework = Framework.TORCH  # in whose code advice is written
    flight_records: tuple[
        "FlightRecord", ...
    ] = ()  # what a recorder kept of single incidents, in their order
    own_settings: tuple[str, ...] = ()  # tags and facts of which a spikediag.toml beside the run speaks
    log_lines: Mapping[Role, str] = field(default_factory=lambda: MappingProxyType({}))
    # the code with which this library logs a role that is missing
    remedy_lines: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    # the code with which a remedy is put into effect there; fields in `string.Template` syntax

    def __repr__(self) -> str:
        return f"Run({self.name!r}, {len(self.series)} series)"

    @classmethod
    def from_arrays(
        cls,
        arrays: object,
        *,
        roles: Mapping[str, str] | None = None,
        name: str = "arrays",
        **facts: str | float | bool,
    ) -> "Run":
        """Build a run from `{tag: (steps, values)}`, `{tag: values}` or a table with a column for each tag.

        Args:
            arrays: steps and values, each (n,); a table takes its steps from a column `step` or its index.
            roles: `{"my_curve": "loss"}`; other roles are assigned from the tags as for event files.
            name: what the run is called in reports.
            facts: such as `batch_size=256`.

        Raises:
            UsageError: an array cannot be used as steps or values, or a fact, tag or role is unknown.
        """
        from spikediag.parser import run_from_arrays  # noqa: PLC0415  # a value below asks a stage above

        return run_from_arrays(arrays, facts, roles, name)

    def within(self, bound: float) -> "Run":
        """The same run with finite values that can be squared and divided without care.

        A series whose usual value lies beyond +-bound, or no value beyond 1 / bound, is told in a larger or
        smaller unit. What is still beyond +-bound is taken as bound, what is within 1 / bound of 0 as 0.
        Notes say of how many series that is true.
        """
        wild = {tag: one for tag, one in self.series.items() if _is_wild(one.values, bound)}
        tamed, notes = dict(wild), list(self.notes)
        steps: tuple[tuple[Text, Callable[[FloatArray, float], FloatArray]], ...] = (
            (say("were told in another unit, a power of ten"), _in_its_unit),
            (say("beyond {bound:g} were taken as {bound:g}", bound=bound), _capped),
            (say("nearer to 0 than {bound:g} were taken as 0", bound=1 / bound), _floored),
        )
        for said, tame in steps:
            changed = {
                tag: new for tag, one in tamed.items() if (new := tame(one.values, bound)) is not one.values
            }
            tamed |= {tag: replace(tamed[tag], values=values) for tag, values in changed.items()}
            if changed:
                notes.append(
                    say(
                        "Values {said}, in {count} series; first {first}.",
                        said=said,
                        count=len(changed),
                        first=next(iter(changed)),
                    )
                )
        if len(notes) == len(self.notes):
            return self
        return replace(self, series=MappingProxyType({**self.series, **tamed}), notes=tuple(notes))

    def revealed(self) -> "Run":
        """The same run with losses as NaN where they stand still while a gradient norm is no number.

        Some trainers log 0, or the last number again, in place of a loss that is NaN; some loggers leave a
        gradient norm out that is. Notes say where.
        """
        shown, notes = dict(self.series), list(self.notes)
        norms = list(self.having(Role.GRAD_NORM))
        for loss in self.having(Role.LOSS) if norms else ():
            hidden = (
                _hidden(loss, norm) for norm in norms if not norm.finite.all() or norm.ends_before(loss)
            )
            hits = next((one for one in hidden if one.any()), None)
            if hits is not None:
                first = int(np.argmax(hits))
                at, values = float(loss.values[first]), np.where(hits, np.nan, loss.values)
                shown[loss.tag] = replace(loss, values=values, stood_still_at=at)
                notes.append(
                    say(
                        "{tag} stands still at {at:g} from step {step:,} on while the gradient norm is no "
                        "number or left out: taken as not a number.",
                        tag=loss.tag,
                        at=at,
                        step=int(loss.steps[first]),
                    )
                )
        return replace(self, series=MappingProxyType(shown), notes=tuple(notes))

    def having(self, role: Role) -> Iterator[Series]:
        """The series of a role, in tag order."""
        return iter(self._by_role.get(role, ()))

    @cached_property
    def _by_role(self) -> Mapping[Role, list[Series]]:
        found: dict[Role, list[Series]] = {}
        for tag in sorted(self.series):
            found.setdefault(self.series[tag].role, []).append(self.series[tag])
        return found

    def fact(self, name: FactName) -> Fact:
        """The fact of that name; an unknown one is a value too."""
        return self.facts.get(name) or Fact(name, None, "unknown", 0.0)

    @property
    def batch_size(self) -> Fact:
        """How many samples an update takes, accumulation and workers counted in where that is known."""
        stated = (self.fact(name) for name in BATCH_SIZES)
        return next((fact for fact in stated if (fact.number or 0) > 0), self.fact(FactName.BATCH_SIZE))

    @cached_property
    def batch(self) -> Batch | None:
        """Batch and dataset, accumulation and workers counted in; None unless both are known."""
        samples, dataset = self.batch_size, self.fact(FactName.DATASET_SIZE)
        if samples.number is None or dataset.number is None or min(samples.number, dataset.number) <= 0:
            return None
        return Batch(samples.number, dataset.number, samples.source, dataset.source)

    @cached_property
    def _answers(self) -> dict[tuple[Hashable, ...], Any]:
        return {}

    def once(self, question: Callable[..., T], *about: Hashable) -> T:
        """What a function says of this run, asked once: causes ask the same of a run for every loss."""
        key = (question, *about)
        if key not in self._answers:
            self._answers[key] = question(self, *about)
        answer: T = self._answers[key]
        return answer

    @cached_property
    def on_other_axes(self) -> frozenset[str]:
        """Tags that repeat another series over samples, tokens or time: their steps are not the run's."""
        twins = ((tag, OTHER_AXIS.fullmatch(tag)) for tag in self.series)
        return frozenset(tag for tag, twin in twins if twin is not None and twin["tag"] in self.series)

    @cached_property
    def last_step(self) -> float | None:
        """One logging interval past the last step of the losses: the length of training, in x-axis units."""
        ends = [float(s.steps[-1]) + s.interval for s in self.having(Role.LOSS) if len(s) > 1]
        return max(ends, default=None)

    def updates(self, step: float | None = None) -> float | None:
        """Optimizer updates up to `step` of the x-axis, or in the whole log; None if the axis cannot tell."""
        where = self.last_step if step is None else step
        if where is None or self.step_unit is StepUnit.STEP:
            return where
        batch = self.batch
        if batch is not None and self.step_unit is StepUnit.EPOCH:
            return where * batch.updates_per_pass
        if batch is not None and self.step_unit is StepUnit.SAMPLE:
            return where / batch.samples
        return None

    def loss_kind(self, loss: Series) -> LossKind:
        """What kind of loss a series is; UNKNOWN where nothing tells.

        What the user, the library or the tags beside it state counts. Else a loss that settles below zero,
        which no squared or absolute error can, is a likelihood where the error of the same actions is
        logged beside it, in the same group of tags. Else its tag says what it measures.
        """
        if loss.kind is LossKind.UNKNOWN and self.once(Run._settles_below_zero, loss):
            return LossKind.LIKELIHOOD
        return _MEASURED.get(loss.measure, LossKind.UNKNOWN) if loss.kind is LossKind.UNKNOWN else loss.kind

    @cached_property
    def loss_kinds(self) -> frozenset[LossKind]:
        """The kinds of all its losses."""
        return frozenset(self.loss_kind(loss) for loss in self.having(Role.LOSS))

    def has_sigma(self, loss: Series) -> bool:
        """Whether sigma may be spoken of: a likelihood has one, a policy where it is logged."""
        kind = self.loss_kind(loss)
        if kind in {LossKind.POLICY_GRADIENT, LossKind.ACTOR, LossKind.UNKNOWN}:
            return any(self.having(Role.LOG_STD))
        return kind is LossKind.LIKELIHOOD

    def _settles_below_zero(self, loss: Series) -> bool:
        if loss.measure not in {Measure.UNKNOWN, Measure.POLICY, Measure.SQUARED_ERROR}:
            return False
        errors = (s for s in self.having(Role.COMPANION) if s.measure is Measure.SQUARED_ERROR)
        if not any(s.group == loss.group for s in errors):
            return False
        late = slice(len(loss) // 2, None)
        settled = loss.values[late][loss.finite[late]]
        quarters = settled / 4  # the mean of two of the largest numbers overflows
        return len(settled) > 0 and float(np.median(quarters)) < 0


def _is_wild(values: FloatArray, bound: float) -> bool:
    """Whether any of the values lies beyond +-bound, or is not 0 and within 1 / bound of it."""
    sizes = np.abs(values)
    return bool(((sizes > bound) | ((sizes < 1 / bound) & (sizes > 0))).any())


def _in_its_unit(values: FloatArray, bound: float) -> FloatArray:
    """The values in a power of ten: their usual size beyond `bound`, their largest below its inverse."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(sizes) or 1 / bound <= (largest := float(sizes.max())) <= bound:
        return values
    usual = float(np.quantile(sizes, 0.5, method="lower")) if largest > bound else largest
    if 1 / bound <= usual <= bound:
        return values
    unit = 10.0 ** max(math.floor(math.log10(usual)), LEAST_EXPONENT)
    return _capped(values, bound * unit) / unit


def _capped(values: FloatArray, bound: float) -> FloatArray:
    """The values with finite ones beyond +-bound at it."""
    with np.errstate(invalid="ignore"):
        beyond = (np.abs(values) > bound) & np.isfinite(values)
    return np.where(beyond, np.copysign(bound, values), values) if beyond.any() else values


def _floored(values: FloatArray, bound: float) -> FloatArray:
    """The values with 0 for those within 1 / bound of it."""
    near = (np.abs(values) < 1 / bound) & (values != 0)
    return np.where(near, np.copysign(0.0, values), values) if near.any() else values


def _stands_still_from(loss: Series, step: int) -> bool:
    """Whether all values after a step are one number, after others."""
    after, before = loss.values[loss.steps > step], loss.values[loss.steps <= step]
    return len(after) >= STILL and bool((after == after[0]).all()) and bool((before != after[0]).any())


def _hidden(loss: Series, norm: Series) -> NDArray[np.bool_]:
    """Where a loss keeps one number to the last digit while a gradient norm is none, (n,)."""
    at = np.searchsorted(norm.steps, loss.steps, side="right") - 1
    if not len(norm):
        return np.zeros(len(loss), dtype=bool)
    lost = (at >= 0) & ~norm.finite[np.maximum(at, 0)]
    if norm.ends_before(loss) and _stands_still_from(loss, norm.steps[-1]):
        lost |= loss.steps > norm.steps[-1]
    kept = (loss.values[1:] == loss.values[:-1]) & lost[1:] & lost[:-1]
    hits = np.zeros(len(loss), dtype=bool)
    for first, last in np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2):
        hits[first : last + 1] = last - first >= STILL - 1
    return hits


_MEASURED = MappingProxyType(
    {
        Measure.NLL: LossKind.LIKELIHOOD,
        Measure.VALUE: LossKind.VALUE,
        Measure.SQUARED_ERROR: LossKind.REGRESSION,
        Measure.ABSOLUTE_ERROR: LossKind.REGRESSION,
    }
)
