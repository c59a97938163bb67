"""The signal: the finite part of one series, with the rises that every detector looks at."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikediag.detectors.rise import Rise, find_rises
from spikediag.model import FloatArray, IntArray, Kind, Series, Spike

LARGE = 1e290  # above, a sum of a few values may overflow


@dataclass(frozen=True, eq=False)
class Signal:
    """One series as detectors see it: finite values only, turned so that up is what is looked for.

    Rises count positions among the finite values; `spike` turns them into positions of the series.
    """

    series: Series
    alpha: float  # false findings per run that are accepted
    sign: int = 1  # -1 looks for falls

    @cached_property
    def positions(self) -> IntArray:
        """Where the finite values (n,) stand in the series."""
        return np.flatnonzero(np.isfinite(self.series.values))

    @cached_property
    def values(self) -> FloatArray:
        """The finite values (n,), turned by the sign, in units of `unit`."""
        return np.asarray(self.series.values[self.positions] * (self.sign / self.unit))

    @cached_property
    def unit(self) -> float:
        """A power of two that keeps sums of huge values finite; 1 for all others."""
        largest = float(np.abs(self.series.values[self.positions]).max(initial=0.0))
        return 1.0 if largest < LARGE else 2.0**1000

    @cached_property
    def rises(self) -> tuple[Rise, ...]:
        """Every rise that chance does not explain, measured, in onset order."""
        return find_rises(self.values, self.alpha)

    def spike(self, kind: Kind, rise: Rise, height: float) -> Spike:
        """A measured rise as a finding of this kind, back in the orientation of the series."""
        steps, start, peak = (
            self.series.steps,
            int(self.positions[rise.start]),
            int(self.positions[rise.peak]),
        )
        recovered = rise.stop < len(self.values)
        return Spike(
            tag=self.series.tag,
            kind=kind,
            start=start,
            stop=int(self.positions[rise.stop]) if recovered else len(steps),
            peak=peak,
            onset_step=int(steps[start]),
            peak_step=int(steps[peak]),
            end_step=int(steps[self.positions[rise.stop]]) if recovered else None,
            baseline=self.sign * rise.baseline * self.unit,
            peak_value=float(self.series.values[peak]),
            height=self.sign * height * self.unit,
            noise=rise.noise * self.unit,
            sigmas=height / rise.noise,
            expected_by_chance=rise.expected,
        )
