"""non_finite: the loss is NaN or infinite."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.detectors.protocol import registry
from spikediag.detectors.signal import Signal
from spikediag.model import PAST, Excursion, Kind, Spike
from spikediag.stats.scale import local_noise

MANY = 4  # stretches that the series came back from, whose longest says little of the next


@registry.register
@dataclass(frozen=True)
class NonFinite:
    """The loss is NaN or infinite.

    What it finds:
        Every stretch of NaN or Inf, as one finding: it begins with the first stretch, `count` says how many
        there are and `members` where. It has not recovered if the last stretch reaches the end of the log and
        is longer than all from which the series came back, or twice as long after four or more.

    How:
        No statistics: one such value is enough. The height is infinite, and nothing of the kind is expected
        by chance.

    Blind spots:
        A logger that leaves out what is not finite. A metric that is NaN by design wherever it is not
        measured looks the same.

    References:
        IEEE 754-2019, doi:10.1109/IEEESTD.2019.8766229.
    """

    id: str = Kind.NON_FINITE.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """At most one finding."""
        values, steps = signal.series.values, signal.series.steps
        bad = np.flatnonzero(np.diff(~np.isfinite(values), prepend=False, append=False))
        if signal.sign < 0 or not len(bad):
            return
        members = tuple(Excursion(int(a), int(b), int(a)) for a, b in bad.reshape(-1, 2))
        first, last = members[0], ended(members, len(values))
        past = values[max(0, first.start - PAST) : first.start]
        past = past[np.isfinite(past)]
        yield Spike(
            tag=signal.series.tag,
            kind=Kind.NON_FINITE,
            start=first.start,
            stop=last.stop,
            peak=first.start,
            onset_step=int(steps[first.start]),
            peak_step=int(steps[first.start]),
            end_step=int(steps[last.stop]) if last.stop < len(steps) else None,
            baseline=float(np.median(past)) if len(past) else math.nan,
            peak_value=float(values[first.start]),
            height=math.inf,
            noise=local_noise(past) if len(past) else math.nan,
            sigmas=math.inf,
            expected_by_chance=0.0,
            count=len(members),
            members=members,
        )


def ended(members: tuple[Excursion, ...], n: int) -> Excursion:
    """The stretch with which it is over, in a series of n points.

    A last stretch that is no longer than those from which the series came back is one more of them; where
    there were many of them, one that is twice as long.
    """
    last = members[-1]
    longest = max((m.stop - m.start for m in members[:-1]), default=0) * (2 if len(members) > MANY else 1)
    return members[-2] if last.stop == n and last.stop - last.start <= longest else last
