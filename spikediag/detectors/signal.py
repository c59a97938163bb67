"""The signal: one series made finite, with the rises that every detector looks at."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikediag.detectors.rise import Rise, find_rises
from spikediag.model import FloatArray, Kind, Series, Spike


@dataclass(frozen=True, eq=False)
class Signal:
    """One series as detectors see it: finite, and turned so that up is what is looked for."""

    series: Series
    alpha: float  # false findings per run that are accepted
    sign: int = 1  # -1 looks for falls

    @cached_property
    def values(self) -> FloatArray:
        """Values (n,), turned by the sign, with NaN and Inf replaced by the last finite value before."""
        values = self.sign * self.series.values
        finite = np.isfinite(values)
        if finite.all():
            return values
        if not finite.any():
            return np.zeros(len(values))
        last = np.maximum.accumulate(np.where(finite, np.arange(len(values)), -1))
        return values[np.where(last < 0, finite.argmax(), last)]

    @cached_property
    def rises(self) -> tuple[Rise, ...]:
        """Every rise that chance does not explain, measured, in onset order."""
        return find_rises(self.values, self.alpha)

    def spike(self, kind: Kind, rise: Rise, height: float) -> Spike:
        """A measured rise as a finding of this kind, back in the orientation of the series."""
        steps = self.series.steps
        return Spike(
            tag=self.series.tag,
            kind=kind,
            start=rise.start,
            stop=rise.stop,
            peak=rise.peak,
            onset_step=int(steps[rise.start]),
            peak_step=int(steps[rise.peak]),
            end_step=int(steps[rise.stop]) if rise.stop < len(steps) else None,
            baseline=self.sign * rise.baseline,
            peak_value=float(self.series.values[rise.peak]),
            height=self.sign * height,
            noise=rise.noise,
            sigmas=height / rise.noise,
            expected_by_chance=rise.expected,
        )
