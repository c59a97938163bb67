"""What a flight recorder saw of a spike: which dimension, which samples, batch or weights, what was first."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spikediag.attribution.gradients import GradientRise, largest_rise
from spikediag.model import FlightRecord, FloatArray, Role, Run, Series, Text, say
from spikediag.model.flight_record import GRAD_NORM, NOBODY, PROBE_LOSS
from spikediag.stats.scale import robust_sigma

FEWEST_BEFORE = 8  # updates before the spike from which its level is known
RISEN_SDS = 6.0  # robust sd of the updates before: as far as a rise must stand out to be spoken of
RISEN_SHARE = 0.05  # of the height: where the loss of an update has begun to rise
WEIGHTS = 0.5  # of the rise, found on samples that never change: the batches of one policy scatter by less
BATCH = 0.1  # of the rise; the weights from which an update starts cannot know its batch
HALF = 0.5  # of the rise, by how many samples it is carried
FEW_SAMPLES = 0.1  # of the batch: squared normal errors of one width take an eighth of them for a half
MANY_SAMPLES = 0.15
NAMED = 5  # samples
LOOKED_AT = 64  # samples of the highest update that are compared with their own past


class Blame(Enum):
    """Where the rise of a loss was, as samples tell that never change."""

    WEIGHTS = "weights"  # the same samples lost as much
    BATCH = "batch"  # they did not: these samples were hard
    OPEN = "open"  # in between


BLAMED = {
    Blame.WEIGHTS: say("it was the weights, not the batch"),
    Blame.BATCH: say("it was the batch, not the weights"),
    Blame.OPEN: say("batch or weights is open"),
}


@dataclass(frozen=True)
class Probe:
    """The loss of samples that are always the same, before and at the highest update."""

    before: float
    at: float
    share: float  # of the rise of the batch
    step: int

    @property
    def blame(self) -> Blame:
        """Whether the weights or the batch made the rise."""
        return Blame.WEIGHTS if self.share >= WEIGHTS else Blame.BATCH if self.share <= BATCH else Blame.OPEN


@dataclass(frozen=True)
class DimensionShare:
    """The action dimension that carries most of the rise."""

    index: int
    name: Text
    share: float
    rise: float  # nats, of all dimensions
    dims: int


@dataclass(frozen=True)
class Concentration:
    """How many samples of the highest batch carry half of the rise, the hardest first."""

    samples: int
    of: int
    share: float  # of the rise, that these carry
    indices: tuple[int, ...]  # of the first of them; empty where they were not recorded

    @property
    def is_few(self) -> bool:
        """Whether a few samples carry it."""
        return self.samples <= max(FEW_SAMPLES * self.of, 1)

    @property
    def is_many(self) -> bool:
        """Whether it lies in many of them."""
        return self.samples >= MANY_SAMPLES * self.of


@dataclass(frozen=True, eq=False)
class Recorded:
    """One record of one spike. Positions are those of its updates."""

    record: FlightRecord
    loss: FloatArray  # (n,), the mean of each batch
    before: NDArray[np.intp]  # the updates that tell what is usual
    peak: int  # the highest update of the spike
    names: tuple[str, ...] = ()  # of the action dimensions

    @property
    def step(self) -> int:
        """The highest update."""
        return int(self.record.steps[self.peak])

    @property
    def file(self) -> str:
        """Where it is kept."""
        return self.record.file

    @cached_property
    def level(self) -> float:
        """The loss before the spike."""
        return float(np.median(self.loss[self.before]))

    @property
    def rise(self) -> float:
        """By how much the highest update lies above it."""
        return float(self.loss[self.peak]) - self.level

    @cached_property
    def onset(self) -> int:
        """The first of the updates up to the peak whose loss had begun to rise."""
        limit = self.level + max(RISEN_SDS * robust_sigma(self.loss[self.before]), RISEN_SHARE * self.rise)
        low = np.flatnonzero(~(self.loss[: self.peak] > limit))
        return int(low[-1]) + 1 if len(low) else 0

    def name(self, dimension: int) -> Text:
        """An action dimension, by its name where it is known."""
        if dimension >= len(self.names):
            return say("action dimension {dimension}", dimension=dimension)
        return say("action dimension {dimension} ({name})", dimension=dimension, name=self.names[dimension])

    @cached_property
    def dimension(self) -> DimensionShare | None:
        """The dimension that carries most of the rise; None where they were not recorded."""
        table = self.record.dimension_nll
        if table.shape[1] < 2:
            return None
        moved = table[self.peak] - np.median(table[self.before], axis=0)
        total = float(moved.sum())
        if not np.isfinite(moved).all() or total <= 0:
            return None
        most = int(np.argmax(moved))
        return DimensionShare(most, self.name(most), float(moved[most]) / total, total, len(moved))

    @cached_property
    def log_stds(self) -> FloatArray:
        """The log-std (d,) of every dimension before the spike; (0,) where it was not recorded."""
        levels = np.median(self.record.dimension_log_std[self.before], axis=0)
        return levels if np.isfinite(levels).all() else np.empty(0)

    @cached_property
    def probe(self) -> Probe | None:
        """What the samples that never change lost; None where none were probed at the spike and before it."""
        values = self.record.scalars.get(PROBE_LOSS, np.empty(0))
        seen = np.flatnonzero(np.isfinite(values))
        inside = seen[(seen >= self.onset) & (seen <= self.peak)]
        past = np.intersect1d(self.before, seen)
        if not len(inside) or not len(past):
            return None
        at, before = float(values[inside[-1]]), float(np.median(values[past]))
        beside = float(self.loss[inside[-1]]) - self.level  # where the peak itself was not probed
        if beside < HALF * self.rise:
            return None
        return Probe(before, at, (at - before) / beside, int(self.record.steps[inside[-1]]))

    @cached_property
    def samples(self) -> Concentration | None:
        """How few samples carry half of the rise; None where they were not recorded."""
        table = self.record.sample_nll
        batch = table[self.peak][np.isfinite(table[self.peak])]
        if len(batch) < 2 or not np.isfinite(table[self.before]).any():
            return None
        order = np.flatnonzero(np.isfinite(table[self.peak]))
        order = order[np.argsort(-table[self.peak][order], kind="stable")]
        above = table[self.peak][order] - self.level
        above[:LOOKED_AT] = [table[self.peak, at] - self._usual(int(at)) for at in order[:LOOKED_AT]]
        carried = np.cumsum(above) / (len(batch) * self.rise)
        count = int(np.argmax(carried >= HALF)) + 1 if (carried >= HALF).any() else len(batch)
        indices = self.record.indices[self.peak] if self.record.indices.shape == table.shape else ()
        hardest = dict.fromkeys(int(indices[at]) for at in order[:count]) if len(indices) else {}
        return Concentration(count, len(batch), float(carried[count - 1]), tuple(hardest)[:NAMED])

    def _usual(self, at: int) -> float:
        """What a sample of the highest batch lost before, where it was seen; else the level of all."""
        table, indices = self.record.sample_nll, self.record.indices
        if indices.shape != table.shape or indices[self.peak, at] == NOBODY:
            return self.level
        earlier = table[self.before][indices[self.before] == indices[self.peak, at]]
        return float(np.median(earlier)) if len(earlier) and np.isfinite(earlier).all() else self.level

    @cached_property
    def gradient(self) -> GradientRise | None:
        """How the gradient norm rose, against the loss; None if it was not recorded."""
        norms = self.record.scalars.get(GRAD_NORM)
        if norms is None:
            return None
        walls = np.full(len(norms), np.nan)
        series = Series(f"{GRAD_NORM} in {self.file}", Role.GRAD_NORM, self.record.steps, norms, walls)
        return largest_rise([series], float(self.record.steps[self.onset]), float(self.step))

    @property
    def readings(self) -> Iterator[Text]:
        """All that it says, in the order in which a person asks."""
        if self.dimension is not None:
            yield self.of_dimension(self.dimension)
        if self.probe is not None:
            yield self.of_probe(self.probe)
        if self.samples is not None:
            yield self.of_samples(self.samples)
        if self.gradient is not None:
            yield self.of_gradient(self.gradient)

    def of_dimension(self, found: DimensionShare) -> Text:
        """Which dimension carried what share."""
        return say(
            "At update {step:,} {dimension} carried {share:.1%} of the rise of {rise:.3g} nats over all "
            "{dims} dimensions ({file}).",
            step=self.step,
            dimension=found.name,
            share=found.share,
            rise=found.rise,
            dims=found.dims,
            file=self.file,
        )

    def of_probe(self, found: Probe) -> Text:
        """Batch or weights."""
        return say(
            "At update {step:,} samples that never change went from {before:.3g} to {at:.3g}, {share:.0%} of "
            "the rise of the batch: {blame}.",
            step=found.step,
            before=found.before,
            at=found.at,
            share=found.share,
            blame=BLAMED[found.blame],
        )

    def of_samples(self, found: Concentration) -> Text:
        """How many samples carried half of it, and which."""
        if not found.indices or found.is_many:
            return say(
                "{samples:,} of the {of:,} samples of the batch carried half of the rise.",
                samples=found.samples,
                of=found.of,
            )
        return say(
            "{samples:,} of the {of:,} samples of the batch carried half of the rise; the hardest: "
            "{indices}.",
            samples=found.samples,
            of=found.of,
            indices=", ".join(map(str, found.indices)),
        )

    def of_gradient(self, found: GradientRise) -> Text:
        """Whether the gradient left its usual range first."""
        if not found.leapt:
            return say("The recorded gradient norm stayed in its usual range.")
        onset = int(self.record.steps[self.onset])
        return say(
            "The recorded gradient norm left its usual range at update {gradient:,}, the loss at {onset:,}; "
            "it reached {factor:,.0f} times its median.",
            gradient=found.step,
            onset=onset,
            factor=found.factor,
        )


def of_spike(run: Run, first: float, last: float) -> Recorded | None:
    """The record of a rise between two steps; None where none was kept, or it does not show the rise.

    Args:
        run: The run.
        first: The step at which the rise began, at the latest.
        last: The step of its peak.
    """
    found = (_seen(record, run.action_names, first, last) for record in run.flight_records)
    return max((one for one in found if one is not None), key=lambda one: one.rise, default=None)


def _seen(record: FlightRecord, names: tuple[str, ...], first: float, last: float) -> Recorded | None:
    loss = _loss(record)
    inside = np.flatnonzero((record.steps >= first) & (record.steps <= last) & np.isfinite(loss))
    if not len(inside):
        return None
    peak = int(inside[np.argmax(loss[inside])])
    past = np.flatnonzero(np.isfinite(loss[:peak]))
    before = past[record.steps[past] < first]
    if len(before) < FEWEST_BEFORE:
        before = past[: len(past) // 2]
    found = Recorded(record, loss, before, peak, record.dimensions or names)
    enough = len(before) >= FEWEST_BEFORE
    return found if enough and found.rise > RISEN_SDS * robust_sigma(loss[before]) else None


def _loss(record: FlightRecord) -> FloatArray:
    """The loss of every update (n,), by its samples or its dimensions; NaN where neither was recorded."""
    table, parts = record.sample_nll, record.dimension_nll
    seen = np.isfinite(table)
    if seen.any():
        total = np.where(seen, table, 0.0).sum(axis=1)
        return np.where(seen.any(axis=1), total / np.maximum(seen.sum(axis=1), 1), np.nan)
    return parts.sum(axis=1) if parts.shape[1] else np.full(len(record.steps), np.nan)
