"""Learning rates: abrupt changes, the end of a warm-up, and whether spikes follow the dose."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from spikediag.model import Case, Kind, Series

WARMED_UP = 0.99  # of the largest rate
LEAST_WARM_UP = 1.5  # factor from first to largest rate


@dataclass(frozen=True)
class RateChange:
    """One change of a learning rate."""

    step: int  # first logged step with the new rate
    before: float
    after: float
    gradual: bool = False  # the end of a warm-up

    @property
    def factor(self) -> float:
        """New rate over old."""
        return self.after / self.before


def rate_changes(series: Series, smallest_factor: float) -> tuple[RateChange, ...]:
    """Abrupt changes (above the smallest factor and eight times the usual move), else a warm-up's end."""
    usable = np.isfinite(series.values) & (series.values > 0)
    steps, logs = series.steps[usable], np.log(series.values[usable])
    moves = np.abs(np.diff(logs))
    if not len(moves):
        return ()
    limit = max(math.log(smallest_factor), 8 * float(np.median(moves)))
    warm = _warm_up_end(steps, logs)
    settled = -1 if warm is None else warm.step
    abrupt = (
        RateChange(int(steps[i + 1]), math.exp(logs[i]), math.exp(logs[i + 1]))
        for i in np.flatnonzero(moves > limit)
        if steps[i + 1] > settled
    )
    return (*abrupt,) if warm is None else (warm, *abrupt)


def _warm_up_end(steps: np.ndarray, logs: np.ndarray) -> RateChange | None:
    """The first step at the largest rate, where the rate only rose up to it, and in more than one leap."""
    end = int(np.argmax(logs >= np.max(logs) + math.log(WARMED_UP)))
    moves, whole = np.diff(logs[: end + 1]), float(logs[end] - logs[0])
    if end < 3 or np.any(moves < 0) or whole < math.log(LEAST_WARM_UP) or np.max(moves) > 0.5 * whole:
        return None
    return RateChange(int(steps[end]), math.exp(logs[0]), math.exp(logs[end]), gradual=True)


@dataclass(frozen=True)
class Dose:
    """Spikes of the loss in equal stretches before and after a change of the rate."""

    before: int
    after: int
    chance: float  # of so many after it, if spikes were as frequent on both sides


def dose(case: Case, change: RateChange) -> Dose | None:
    """Count the spikes within equal stretches before and after a change; None with fewer than two."""
    loss = case.run.series[case.spike.tag]
    peaks = [int(loss.steps[m.peak]) for m in case.spike.members]
    peaks += [s.peak_step for s in case.spikes.get(case.spike.tag, ()) if s.kind is Kind.TRANSIENT]
    peaks = sorted(set(peaks) | {case.spike.peak_step})
    reach = min(change.step - float(loss.steps[0]), float(loss.steps[-1]) - change.step)
    before = sum(change.step - reach <= step < change.step for step in peaks)
    after = sum(change.step <= step <= change.step + reach for step in peaks)
    if before + after < 2:
        return None
    return Dose(before, after, float(stats.binom.sf(after - 1, before + after, 0.5)))
