"""Exact periods: do the peaks of a loss, or its tallest rises, share one phase of some period?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from spikediag.model import FactName, FloatArray, IntArray, Role, Run, Series, StepUnit
from spikediag.stats.leaps import Leaps

FEWEST_PEAKS = 5  # for a phase to mean anything
BY_CHANCE = 1e-3  # p-value below which the peaks follow a period
LONGEST_PERIOD = 400  # logged points, for periods nobody stated
FEWEST_TALLEST, MOST_TALLEST = 4, 10  # rises of which a beat is told
FEWEST_POINTS_APART = 16  # logged points of the shortest beat
POINTS_OF_A_RISE = 9  # logged points within which the tallest counts
PHASES = 3  # of the tallest, that a beat is looked for at
NEAR_BEAT = 2.0  # logged points by which an onset may miss the beat
TARGET_UPDATES = (
    FactName.TARGET_UPDATE_INTERVAL,
    FactName.TARGET_UPDATE_PERIOD,
    FactName.TARGET_NETWORK_FREQUENCY,
)
SHORT = 0.25  # of a batch, up to which the last one of a pass is a short one
UPDATES = {StepUnit.STEP, StepUnit.ITERATION}  # where batch and dataset are stated, an iteration is one
DRAWN_ANEW = {"uniform", "random", "replacement", "weighted", "true"}  # ways of sampling without passes
SAMPLED_STEPS = 20_000  # logged steps are regular: so many show how often each phase is logged


@dataclass(frozen=True)
class Phase:
    """How the peaks fall on one period."""

    period: float  # steps
    name: str  # what has this period
    hits: int  # peaks at the commonest phase
    peaks: int
    chance: float  # p-value, all phases and periods tried

    @property
    def exact(self) -> bool:
        """Whether the peaks follow it: chance would not have it so."""
        return self.chance < BY_CHANCE


def best_period(peaks: IntArray, loss: Series, run: Run) -> Phase | None:
    """The least probable phase among the stated periods, and among all periods if no stated one will do.

    Args:
        peaks: Steps of the peaks.
        loss: The series that they belong to.
        run: Its configuration states the periods that are tried first.
    """
    tested = [phase(peaks, loss.steps, period, name) for period, name in stated_periods(run)]
    if not any(p.exact for p in tested):
        tested += list(_searched(peaks, loss.steps, loss.interval))
    return min(tested, key=lambda p: p.chance, default=None)


def _searched(peaks: IntArray, steps: IntArray, gap: float) -> Iterator[Phase]:
    """Every period of two or more logged points; the chance counts how many were tried."""
    longest = min(LONGEST_PERIOD, len(steps) // 3)
    for points in range(2, longest + 1):
        found = phase(peaks, steps, points * gap, "searched")
        yield Phase(found.period, found.name, found.hits, found.peaks, min(1.0, found.chance * longest))


def stated_periods(run: Run) -> Iterator[tuple[float, str]]:
    """Periods that the configuration or the epoch counter implies, in steps."""
    if run.batch is not None and run.step_unit is StepUnit.STEP:
        epoch = run.batch.updates_per_pass
        for period in {float(np.floor(epoch)), float(np.ceil(epoch)), epoch}:
            if period >= 2:
                yield period, "epoch"
    for name in (*TARGET_UPDATES, FactName.EVAL_INTERVAL):
        number = run.fact(name).number
        if number is not None and number >= 2:
            yield number, name


def stated_updates(run: Run) -> Iterator[tuple[float, str]]:
    """How often the target network is replaced, in steps, where the configuration says so, and its source."""
    for name in TARGET_UPDATES:
        fact = run.fact(name)
        if fact.number is not None and fact.number >= 2:
            yield fact.number, fact.source


@dataclass(frozen=True)
class Passes:
    """How the falls of a loss lie on passes over the data."""

    length: float  # steps of one pass
    source: str | None  # what states it; None where it is only the distance of the falls
    hits: int  # falls at the beginning of a pass
    falls: int
    chance: float  # p-value

    def number(self, step: float) -> int:
        """The pass that begins nearest to a step, the first one being 1."""
        return round(step / self.length) + 1

    def begins(self, step: float, interval: float) -> bool:
        """Whether a pass, and not the first, begins at a step."""
        return not off_period(step, self.length, interval)


def passes(falls: IntArray, loss: Series, run: Run) -> Passes | None:
    """The falls of a loss on the passes that the log or the configuration states, else on their own distance.

    Args:
        falls: Steps at which the loss fell for good, in order.
        loss: The series that fell.
        run: Its epoch counter comes first.
    """
    known = next(_lengths(run), None)
    length, source = known if known is not None else (float(falls[0]), None)
    wide = (2 * NEAR_BEAT + 1) * loss.interval
    if length < FEWEST_POINTS_APART * loss.interval:
        return None
    counted = falls if source is not None else falls[1:]  # the one that gives the length is no evidence
    one = Passes(length, source, 0, len(falls), 1.0)
    hits = sum(one.begins(float(step), loss.interval) for step in counted)
    tail = float(bdtrc(hits - 1, len(counted), min(1.0, wide / length))) if hits else 1.0
    return Passes(length, source, hits + len(falls) - len(counted), len(falls), tail)


def _lengths(run: Run) -> Iterator[tuple[float, str]]:
    """Steps of one pass: from a logged counter, else from batch and dataset."""
    for series in run.having(Role.EPOCH):
        steps, values = series.numbers
        if len(values) > 1 and values[-1] - values[0] >= 1 and np.all(np.diff(values) >= 0):
            first = int(np.argmax(values > values[0]))  # a counter of whole passes stands still before
            last = int(np.argmax(values >= values[-1]))
            if values[last] > values[first]:
                yield float(steps[last] - steps[first]) / float(values[last] - values[first]), series.tag
    yield from ((period, name) for period, name in stated_periods(run) if name == "epoch")


@dataclass(frozen=True)
class LastBatch:
    """Peaks on the short batch with which a pass over the data ends."""

    samples: int
    of: int  # samples of the other batches
    updates: int  # of one pass
    hits: int  # peaks on it
    peaks: int
    chance: float  # p-value


def last_batch(peaks: IntArray, own: int, loss: Series, run: Run) -> LastBatch | None:
    """Whether a spike lies on the short last batch of a pass; None where there is none, or it does not.

    Args:
        peaks: Steps of all peaks of its loss.
        own: Step of the peak in question.
        loss: The series that they belong to.
        run: Its configuration states batch and dataset.
    """
    batch, stated = run.batch, str(run.fact(FactName.SAMPLING).value).lower()
    if batch is None or run.step_unit not in UPDATES or stated in DRAWN_ANEW:
        return None
    left, updates = round(batch.dataset % batch.samples), int(np.ceil(batch.updates_per_pass))
    phase_of_own = own % updates
    if not 0 < left <= SHORT * batch.samples or updates < 3 or phase_of_own not in {0, updates - 1}:
        return None  # updates are counted from one or from zero
    share = float(np.mean(loss.steps[-SAMPLED_STEPS:] % updates == phase_of_own))
    hits = int(np.count_nonzero(peaks % updates == phase_of_own))
    chance = min(1.0, 2 * float(bdtrc(hits - 1, len(peaks), share)))
    return LastBatch(left, round(batch.samples), updates, hits, len(peaks), chance)


@dataclass(frozen=True)
class Beat:
    """A period that the tallest rises of a loss keep."""

    period: float  # steps
    first: int  # step of one of the rises that keep it, or zero
    hits: int
    tallest: int  # rises that were looked at
    chance: float  # p-value, all that was tried counted in
    source: str | None  # what states the period; None where it was searched

    @property
    def bans(self) -> float:
        """What it weighs."""
        return min(2.0, -0.5 * float(np.log10(max(self.chance, 1e-12))))

    def has(self, step: float, interval: float) -> bool:
        """Whether a step is one of the beat."""
        return bool(_off(np.array([step - self.first]), self.period)[0] <= NEAR_BEAT * interval)


def off_period(step: float, period: float, interval: float) -> bool:
    """Whether a step lies farther from every multiple of a period, the start left out, than a beat may."""
    return round(step / period) < 1 or bool(_off(np.array([step]), period)[0] > NEAR_BEAT * interval)


def beat(loss: Series, stated: tuple[tuple[float, str], ...]) -> Beat | None:
    """The least probable period of the tallest rises of a loss; None where there are too few.

    Only the tallest count: where the targets of a critic are replaced, noise between the updates makes rises
    as well, but smaller ones; where that noise goes with the level, smaller in its logarithm. Periods are
    tried that the configuration states, and the distances of the six tallest with their halves and thirds.

    Args:
        loss: Of a critic or an actor.
        stated: Periods in steps, and what states each.
    """
    _, values = loss.numbers
    scales = [values, np.log(values)] if len(values) and np.min(values) > 0 else [values]
    found = []
    for ways, scale in enumerate(scales, 1):
        rises = tallest_rises(loss, scale)
        best = _best_beat(rises, loss, stated, ways) if len(rises) >= FEWEST_TALLEST else None
        found += [] if best is None else [best]
    return min(found, key=_least_by_chance, default=None)


def _least_by_chance(found: "Beat") -> tuple[float, bool, float]:
    return found.chance, found.source is None, found.period


def _best_beat(
    rises: IntArray, loss: Series, stated: tuple[tuple[float, str], ...], ways: int
) -> Beat | None:
    """The least probable period of some rises, tallest first, after so many ways of looking."""
    least, most = FEWEST_POINTS_APART * loss.interval, 0.5 * float(loss.steps[-1] - loss.steps[0])
    six = rises[:6]
    apart = {abs(int(a) - int(b)) / part for a in six for b in six if a > b for part in (1, 2, 3)}
    tried: list[tuple[float, str | None]] = [*stated, *((period, None) for period in sorted(apart))]
    tried = [(period, source) for period, source in tried if least <= period <= most]
    found = (
        _beat(rises[:many], period, source, loss.interval, ways * (len(stated) if source else len(tried)))
        for period, source in tried
        for many in range(FEWEST_TALLEST, len(rises) + 1)
    )
    return min(found, key=_least_by_chance, default=None)


def _beat(rises: IntArray, period: float, source: str | None, interval: float, tried: int) -> Beat:
    """How many rises share a phase: of one of the three tallest, whose own hit is no evidence, or zero."""
    phases = (*rises[:PHASES], 0)
    off = np.array([_off(rises - phase, period) for phase in phases])
    counts = np.count_nonzero(off <= NEAR_BEAT * interval, axis=1)
    share = min(1.0, (2 * NEAR_BEAT + 1) * interval / period)
    own = np.array([*(1 for _ in rises[:PHASES]), 0])  # hits that are no evidence
    tails = np.where(counts > own, bdtrc(np.maximum(counts - own - 1, 0), len(rises) - own, share), 1.0)
    best = int(np.argmin(tails))
    looks = len(phases) * tried * (MOST_TALLEST - FEWEST_TALLEST + 1)
    chance = min(1.0, float(tails[best]) * looks)
    return Beat(period, int(phases[best]), int(counts[best]), len(rises), chance, source)


def _off(distances: IntArray | FloatArray, period: float) -> FloatArray:
    """How far distances are from the nearest multiple of a period."""
    return np.asarray(np.abs(distances - period * np.round(distances / period)), dtype=np.float64)


def tallest_rises(loss: Series, values: FloatArray) -> IntArray:
    """Steps at which the tallest rises above the median of the points before begin, tallest first.

    None lies close by a taller one. A rise begins where it reaches half of its height.

    Args:
        loss: What rises.
        values: Its finite values (n,), or their logarithms.
    """
    steps, _ = loss.numbers
    if len(values) < FEWEST_POINTS_APART:
        return np.zeros(0, dtype=np.int64)
    height = values - Leaps(values).before
    found: list[int] = []
    for at in np.argsort(-np.where(np.isfinite(height), height, -np.inf), kind="stable")[:200]:
        if height[at] <= 0 or len(found) == MOST_TALLEST:
            break
        if all(abs(int(at) - other) > POINTS_OF_A_RISE for other in found):
            found.append(int(at))
    begins = [_began(values, at, values[at] - 0.5 * height[at]) for at in found]
    return np.asarray(steps[begins], dtype=np.int64)


def _began(values: FloatArray, at: int, half: float) -> int:
    """The first of the points just before one that stand at half of its height or more without a gap."""
    low = np.flatnonzero(values[max(0, at - POINTS_OF_A_RISE + 1) : at] < half)
    return max(0, at - POINTS_OF_A_RISE + 1) + (int(low[-1]) + 1 if len(low) else 0)


def phase(peaks: IntArray, steps: IntArray, period: float, name: str) -> Phase:
    """The commonest phase of the peaks against how often logged points have that phase (binomial)."""
    bins = int(max(2, min(round(period), 20)))
    of_peaks = np.floor(np.mod(peaks, period) / period * bins).astype(np.int64)
    steps = steps[-SAMPLED_STEPS:]
    of_steps = np.floor(np.mod(steps, period) / period * bins).astype(np.int64)
    share = np.bincount(of_steps, minlength=bins + 1) / len(steps)
    hits = np.bincount(of_peaks, minlength=bins + 1)
    tails = np.asarray(bdtrc(hits - 1, len(peaks), np.clip(share, 1 / len(steps), 1.0)))
    used = int(np.count_nonzero(share))
    best = int(np.argmin(tails))
    return Phase(period, name, int(hits[best]), len(peaks), min(1.0, float(tails[best]) * used))
