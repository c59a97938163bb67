"""The signal: the finite part of one series, with the rises that every detector looks at."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from spikediag.detectors.bursts import Bursts, tell
from spikediag.detectors.rise import LAST, Rise, measure_all
from spikediag.detectors.salience import Salience, confirmed, salience
from spikediag.detectors.scan import Candidate, Looks, Scan
from spikediag.model import Excursion, FloatArray, IntArray, Kind, Series, Spike
from spikediag.stats.leaps import rounding

CALIBRATED = 1e-3  # expected findings by chance below which nothing was measured, and nothing is claimed
LARGE = 1e290  # above, a sum of a few values may overflow


@dataclass(frozen=True, eq=False)
class Signal:
    """One series as detectors see it: finite values only, turned so that up is what is looked for.

    Rises count positions among the finite values; `spike` turns them into positions of the series.
    """

    series: Series
    alpha: float  # false findings per run that are accepted
    sign: int = 1  # -1 looks for falls
    looked: Looks | None = None  # the looks of the signal that it mirrors, which serve both

    @property
    def mirrored(self) -> "Signal":
        """The same series, looked at for falls."""
        return Signal(self.series, self.alpha, -1, self.scan.looks)

    @cached_property
    def scan(self) -> Scan:
        """The search on all widths."""
        return Scan.of(self.values) if self.looked is None else Scan(self.looked, up=False)

    @cached_property
    def _gaps(self) -> IntArray | None:
        return None if self.series.finite.all() else np.flatnonzero(self.series.finite)

    def position(self, index: int) -> int:
        """Where a finite value stands in the series."""
        return index if self._gaps is None else int(self._gaps[index])

    @cached_property
    def values(self) -> FloatArray:
        """The finite values (n,), turned by the sign, in units of `unit`."""
        factor = self.sign / self.unit
        finite = self.series.values if self._gaps is None else self.series.values[self._gaps]
        return finite if factor == 1 else np.asarray(finite * factor)

    @cached_property
    def unit(self) -> float:
        """A power of two that keeps sums of huge values finite; 1 for all others."""
        finite = self.series.values if self._gaps is None else self.series.values[self._gaps]
        largest = max(float(finite.max(initial=0.0)), -float(finite.min(initial=0.0)))
        return 1.0 if largest < LARGE else 2.0**1000

    @cached_property
    def flat(self) -> bool:
        """Whether all values are equal, so that there is nothing to look at."""
        return not len(self.values) or not np.ptp(self.values)

    @cached_property
    def salience(self) -> Salience:
        """What stands out."""
        return salience(self.values)

    def apart_from(self, start: int) -> list[int]:
        """Positions of the series, from one on, of bursts that stand apart from the values from there on."""
        first = start if self._gaps is None else int(np.searchsorted(self._gaps, start))
        found = salience(self.values[first:]).candidates()
        return [self.position(first + leap.position) for leap in found if leap.burst]

    @cached_property
    def rises(self) -> tuple[Rise, ...]:
        """Every rise that stands apart or that chance does not explain, measured, in onset order.

        Where values are rounded so coarsely that many do not change, contrasts have no tail to learn from:
        then a rise must stand out as well.
        """
        if self.flat:
            return ()
        surprising: Iterable[Candidate] = (
            c
            for c in self.scan.candidates(self.alpha)
            if not c.burst
            or (
                self.salience.leaps.holds(c.position, c.width)
                and self.salience.outdoes_dips(c.position, c.width)
            )
        )
        if self.salience.even is not None and (surprising := [*surprising]):
            surprising = confirmed(surprising, Scan.of(self.salience.even).candidates(self.alpha))
        found = measure_all(self.values, chain(self.salience.candidates(), surprising))
        coarse = rounding(self.values) > 0
        kept = (r for r in found if not r.within_noise(self.values))
        return tuple(r for r in kept if not coarse or r.salient or r.stands_out(len(self.values)))

    @cached_property
    def bursts(self) -> Bursts:
        """The rises that came back: each by itself, or as a train."""
        return tell(self.values, self.rises, self.salience, self.scan, self.alpha)

    def excursion(self, rise: Rise) -> Excursion:
        """Where a member of a train stands high, in positions of the series."""
        start, peak, last = (self.position(i) for i in (rise.start, rise.peak, rise.stop - 1))
        return Excursion(start, last + 1, peak)

    def spike(self, kind: Kind, rise: Rise, height: float) -> Spike:
        """A measured rise as a finding of this kind, back in the orientation of the series."""
        steps, start, peak = (
            self.series.steps,
            self.position(rise.start),
            self.position(rise.peak),
        )
        n = len(self.values)
        recovered = rise.back < n
        return Spike(
            tag=self.series.tag,
            kind=kind,
            start=start,
            stop=self.position(rise.back) if recovered else len(steps),
            peak=peak,
            onset_step=int(steps[start]),
            peak_step=int(steps[peak]),
            end_step=int(steps[self.position(rise.back)]) if recovered else None,
            baseline=self.sign * rise.baseline * self.unit,
            peak_value=float(self.series.values[peak]),
            height=self.sign * height * self.unit,
            noise=rise.noise * self.unit,
            sigmas=height / rise.noise,
            expected_by_chance=max(rise.expected, CALIBRATED),
            provisional=rise.start >= n - LAST,
            margin=rise.margin * self.unit,
            back_at=float(self.series.values[self.position(rise.back)]) if recovered else None,
        )
