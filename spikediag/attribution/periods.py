"""Exact periods: do the peaks of a loss share one phase of an epoch, or of any other period?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from spikediag.model import FactName, IntArray, Run, Series, StepUnit

FEWEST_PEAKS = 5  # for a phase to mean anything
BY_CHANCE = 1e-3  # p-value below which the peaks follow a period
LONGEST_PERIOD = 400  # logged points, for periods nobody stated
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
    for name in (
        FactName.TARGET_UPDATE_INTERVAL,
        FactName.TARGET_UPDATE_PERIOD,
        FactName.TARGET_NETWORK_FREQUENCY,
        FactName.EVAL_INTERVAL,
    ):
        number = run.fact(name).number
        if number is not None and number >= 2:
            yield number, name


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
