"""One spike to be explained, and all that causes ask of it, each worked out once."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikediag.attribution import gradients, nll_levels, periods
from spikediag.attribution.gradients import GradientRise
from spikediag.attribution.nll_levels import Likelihood, StepRange
from spikediag.attribution.periods import LastBatch, Phase
from spikediag.attribution.recorded import Recorded, of_spike
from spikediag.attribution.run_facts import dims
from spikediag.model import (
    NO_WITNESSES,
    Coupling,
    IntArray,
    Kind,
    Lag,
    Moment,
    Role,
    Run,
    Series,
    Shape,
    Spike,
    Witness,
    Witnesses,
)
from spikediag.stats.medians import medians
from spikediag.stats.nll import Drivers, Level
from spikediag.stats.timing import moment
from spikediag.stats.windows import Contrast, contrast

FEWEST_TESTED = 200  # logged points from which calm windows tell what is usual
AFTERSHOCK_POINTS = 60  # logged points after the peak of a larger spike, at most
AFTERSHOCK_PART = 0.1  # of the log, at most
AFTERSHOCK_SHARE = 0.25  # of its height, at most
SMOOTH_POINTS = 9  # logged points whose median tells how far a slow change has come
LEVEL_POINTS = 132  # logged points of a lasting rise over which sigma and error are averaged


@dataclass(frozen=True, eq=False)
class Case:
    """A run, one spike of one of its losses, and what else was found. Causes look at nothing else."""

    run: Run
    spike: Spike
    coupling: Coupling
    spikes: Mapping[str, tuple[Spike, ...]]  # what was found in every loss, by tag
    witnesses: Witnesses = NO_WITNESSES  # what all other series did at the spike

    @cached_property
    def loss(self) -> Series:
        """The series that jumped."""
        return self.run.series[self.spike.tag]

    @property
    def loss_spikes(self) -> tuple[Spike, ...]:
        """Every spike that was found in the same loss."""
        return self.spikes.get(self.spike.tag, ())

    @property
    def is_burst(self) -> bool:
        """Whether the loss went up and back, once or many times."""
        return self.spike.shape is Shape.BURST

    @property
    def is_train(self) -> bool:
        """Whether it did so many times."""
        return self.spike.kind is Kind.TRAIN

    @cached_property
    def origin(self) -> Spike:
        """The larger spike of the same loss that this one is an aftershock of, else the spike itself."""
        first, reach = self.spike, int(min(AFTERSHOCK_POINTS, AFTERSHOCK_PART * len(self.loss)))
        while not self.is_train and (before := [s for s in self.loss_spikes if _shakes(s, first, reach)]):
            first = max(before, key=lambda s: abs(s.height))
        return first

    @property
    def is_aftershock(self) -> bool:
        """Whether a larger spike came shortly before."""
        return self.origin is not self.spike

    @cached_property
    def begin(self) -> int:
        """The step at which it all began: the onset of the spike, or of the one it is an aftershock of.

        For a train, the first of its large members: small spikes of long before may have other reasons.
        """
        if not self.is_train:
            return self.origin.onset_step
        heights = [float(self.loss.values[m.peak]) - self.spike.baseline for m in self.spike.excursions]
        large = AFTERSHOCK_SHARE * max(heights)
        ranked = zip(self.spike.excursions, heights, strict=True)
        first = next((m.start for m, height in ranked if height >= large), self.spike.start)
        return int(self.loss.steps[first])

    @cached_property
    def stretch(self) -> StepRange:
        """Onset to peak of a burst, the first points of a shift, the last of a drift; half a point wider."""
        spike, reach = self.spike, 0.5 * self.loss.interval
        if self.is_train:
            return StepRange(spike.peak_step - 2 * reach, spike.peak_step + reach)
        if self.is_burst:
            first = self.origin
            return StepRange(first.onset_step - reach, max(first.peak_step, first.onset_step) + reach)
        start, stop = spike.window(self.loss.values)
        return StepRange(float(self.loss.steps[start]) - reach, float(self.loss.steps[stop - 1]) + reach)

    @cached_property
    def onset(self) -> float:
        """The step before which nothing of this spike is seen; for a train, of its highest member."""
        return self.stretch.first if self.is_train else float(self.begin)

    @cached_property
    def jump(self) -> Moment:
        """When it began."""
        return moment(self.loss, self.origin, int(np.searchsorted(self.loss.steps, self.begin)))

    @cached_property
    def rise(self) -> Moment:
        """When the excursion began that holds the peak; only for a train is that another one."""
        return moment(self.loss, self.origin, self.spike.highest.start) if self.is_train else self.jump

    def lag(self, series: Series, step: float, jump: Moment | None = None) -> Lag:
        """By how much a change of a series came before the jump.

        Args:
            series: The series that changed, after the last point logged without the change.
            step: Its first logged step with the change.
            jump: When the loss began to jump; `jump` if not given.
        """
        unchanged = series.logged_before(step)
        after = float(series.numbers[0][unchanged - 1]) if unchanged else -math.inf
        return Moment(after, step, step).ahead_of(self.jump if jump is None else jump)

    @cached_property
    def width(self) -> int:
        """Logged points that stand at least half as high as the peak; all of a rise that lasts."""
        return self.spike.width(self.loss.values)

    @cached_property
    def half_risen(self) -> int | None:
        """Position by which a rise that lasts stood half as high; None where it never stood so for long."""
        spike = self.spike
        rise = spike.start + np.flatnonzero(self.loss.finite[spike.start : spike.stop])
        runs = rise[np.arange(max(len(rise) - SMOOTH_POINTS + 1, 0))[:, None] + np.arange(SMOOTH_POINTS)]
        high = medians(self.loss.values[runs]) >= spike.baseline + 0.5 * spike.height
        return int(runs[np.argmax(high), SMOOTH_POINTS // 2]) if high.any() else None

    @property
    def length(self) -> float:
        """Steps from the first to the last point of the loss."""
        return float(self.loss.steps[-1] - self.loss.steps[0]) or 1.0

    def usual_elsewhere(self, tag: str) -> bool:
        """Whether a series was asked and moves as far where the loss does not jump: then it says nothing."""
        tested = self.witnesses.asked > 0 and len(self.run.series[tag].numbers[0]) >= FEWEST_TESTED
        return tested and tag not in self.witnesses.tags

    def slack(self, series: Series | None = None) -> float:
        """How far an onset may be misplaced, in steps: two points of the loss and one of the other series."""
        return 2 * self.loss.interval + (series.interval if series is not None else 0.0)

    def reach(self, steps: float, points: float) -> float:
        """So many steps, or so many logged points where these lie farther apart: steps may count samples."""
        return max(steps, points * self.loss.interval)

    def is_all_before(self, reach: float) -> bool:
        """Whether so far back from the jump there is no log any more, as on an axis of epochs."""
        return reach >= self.begin - float(self.loss.steps[0])

    def moved(self, series: Series) -> Contrast | None:
        """Another series over the stretch against its past; None when it has no point there."""
        steps, values = series.numbers
        start, stop = (series.logged_before(step) for step in (self.stretch.first, self.stretch.last))
        return contrast(values, start, stop, steps < self.onset) if start < stop else None

    def first_seen(self, logged: Iterable[Series]) -> Series | None:
        """The first of some series that has points at the jump and before it."""
        return next((series for series in logged if self.moved(series) is not None), None)

    @cached_property
    def peaks(self) -> IntArray:
        """Steps of the peaks: of every excursion, and of every other transient of comparable height."""
        own = {int(self.loss.steps[m.peak]) for m in self.spike.members} | {self.spike.peak_step}
        large = AFTERSHOCK_SHARE * abs(self.spike.height)
        alike = (s for s in self.loss_spikes if s.is_fall is self.spike.is_fall and abs(s.height) > large)
        others = {s.peak_step for s in alike if s.kind is Kind.TRANSIENT}
        return np.array(sorted(own | others), dtype=np.int64)

    @cached_property
    def period(self) -> Phase | None:
        """The period that the peaks follow least by chance; `Phase.exact` says whether they do follow it."""
        return periods.best_period(self.peaks, self.loss, self.run)

    @cached_property
    def last_batch(self) -> LastBatch | None:
        """The peaks on the short last batch of a pass, where this one is among them."""
        return periods.last_batch(self.peaks, self.spike.peak_step, self.loss, self.run)

    @cached_property
    def recorded(self) -> Recorded | None:
        """What a flight recorder saw of it; None where there was none, or the loss fell."""
        first, last, reach = self.stretch.first, self.stretch.last, self.loss.interval
        return None if self.spike.is_fall else of_spike(self.run, first - reach, last + reach)

    @property
    def gradient(self) -> GradientRise | None:
        """How the gradient norm rose: update by update where that was recorded, else as it was logged."""
        recorded = self.recorded.gradient if self.recorded is not None else None
        return self.logged_gradient if recorded is None else recorded

    def leapt_after(self, gradient: GradientRise) -> bool:
        """Whether a gradient norm leapt only after the loss: then it is the consequence."""
        if self.recorded is not None and gradient is self.recorded.gradient:
            return gradient.step > self.recorded.step
        return self.lag(self.run.series[gradient.tag], gradient.step, self.rise).follows

    @cached_property
    def logged_gradient(self) -> GradientRise | None:
        """The most unusual rise of a logged norm up to the peak; None where none covers the onset."""
        last = self.spike.peak_step if self.is_train else self.origin.peak_step
        return gradients.largest_rise(self.run.having(Role.GRAD_NORM), self.onset, last)

    @cached_property
    def dims(self) -> int | None:
        """Action dimensions, None when unknown."""
        return dims(self.run)

    @cached_property
    def likelihood(self) -> Likelihood | None:
        """Loss and error in nats; None when the loss is not known to be a negative log-likelihood."""
        return nll_levels.likelihood(self.run, self.spike, self.coupling)

    @cached_property
    def log_sigma(self) -> Series | None:
        """The mean of the summed log sigma, from log-std or entropy; None where it is not logged."""
        return nll_levels.summed_log_sigma(self.run)

    @cached_property
    def levels(self) -> tuple[Level, Level] | None:
        """Loss, log sigma and error before the spike and at its top; None where sigma is not logged."""
        reach, spike = 0.5 * self.loss.interval, self.spike
        top = StepRange(spike.peak_step - reach, spike.peak_step + reach)
        if not self.is_burst:
            last = float(self.loss.steps[min(spike.stop, spike.start + LEVEL_POINTS) - 1])
            top = StepRange(spike.onset_step - reach, last + reach)
        known = self.likelihood
        return self._levels(top, known.peak) if known is not None else None

    @cached_property
    def drivers(self) -> Drivers | None:
        """The jump split into sigma, error and concentration; None where that cannot be had."""
        return self._drivers(self.levels)

    def drivers_at(self, step: float) -> Drivers | None:
        """The rise up to one logged step, split likewise."""
        if self.likelihood is None:
            return None
        reach = 0.5 * self.loss.interval
        position = min(int(np.searchsorted(self.loss.steps, step)), len(self.loss) - 1)
        loss = float(self.loss.values[position]) * self.likelihood.scale
        return self._drivers(self._levels(StepRange(step - reach, step + reach), loss))

    def _levels(self, top: StepRange, loss: float) -> tuple[Level, Level] | None:
        if self.likelihood is None or self.log_sigma is None:
            return None
        return nll_levels.levels(self.likelihood, self.log_sigma, self.spike.onset_step, top, loss)

    def _drivers(self, found: tuple[Level, Level] | None) -> Drivers | None:
        if found is None or self.dims is None or not np.isfinite(self.spike.height):
            return None
        return nll_levels.drivers(*found, self.dims)

    def ahead(self, step: float) -> Witness | None:
        """The loss that surely moved before this one, and first of all since a step; None where none did."""
        since = self.begin - step + self.slack()
        led = (w for w in self.witnesses.moved if w.role is Role.LOSS and w.lag.leads)
        return max((w for w in led if w.lag.steps <= since), key=lambda w: w.lag.steps, default=None)

    def precedence(self, step: float, delays: tuple[float, ...], alike: int) -> float:
        """Bans for a change at a step before the onset, one of so many in the run; see `precedence`."""
        return precedence(float(self.begin - step), self.length, delays, alike)


def _shakes(earlier: Spike, later: Spike, reach: int) -> bool:
    until = earlier.stop if earlier.shape is Shape.BURST else 0  # what lasts shakes only as it begins
    near = earlier.start < later.start <= max(earlier.peak + reach, until)
    smaller = abs(later.height) < AFTERSHOCK_SHARE * abs(earlier.height)
    return near and smaller and earlier.kind is not Kind.TRAIN


def precedence(lag: float, length: float, delays: tuple[float, ...], alike: int) -> float:
    """Bans for a change `lag` steps before the onset, one of `alike` in a run of `length` steps.

    After a change that causes it, the onset's density is an even mixture of exponentials with the given
    mean delays (steps), uniform over the run otherwise: log10(length x density) - log10(alike).
    """
    after = max(lag, 0.0)
    density = sum(math.exp(-after / delay) / delay for delay in delays) / len(delays)
    return math.log10(max(length * density, 1e-9)) - math.log10(max(alike, 1))
