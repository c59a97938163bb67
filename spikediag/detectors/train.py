"""train: the loss spikes again and again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikediag.detectors.protocol import registry
from spikediag.detectors.signal import CALIBRATED, Signal
from spikediag.model import FloatArray, Kind, Spike

ONE_SIDED_95 = 1.645  # normal quantile


@registry.register
@dataclass(frozen=True)
class Train:
    """The loss spikes again and again.

    What it finds:
        At least four transients in one run, as one finding with their number, their rate per 10,000 points
        and whether the rate grows or falls. It shows the highest of them; `members` lists all. One that is
        twice as high as the next is left as a finding of its own, unless the heights of the others span
        decades (Hill's tail index of 1 or more): there the highest always is. Where a series throws such
        heights without any of them being certain, as heavy-tailed noise does, that is one finding too, of one
        member or more, and `usual`: told, and no failure by itself.

    How:
        Members are the rises of `transient`, and then every single-point bump that scores as high as the
        first members did. Where too few are certain alone, a crowd may be: at least ten bumps beyond six
        deviations, and so few dips as deep (enlarged by the skew of the noise) that a coin would not do it.
        Points 12 local scales high (30 where the series is never negative and skewed to the right in its
        bulk), back again or the last ones of the log, are told though not certain: as a train if all came so
        late that evenly spread ones would not, else as usual. Whether the rate changes is Laplace's trend
        test at 5 % on each side.

    Blind spots:
        Spikes that are not clearly larger than the noise are not counted, so count and rate are lower bounds.
        From numbers alone, a series that has spiked since its first points cannot be told from one whose
        noise is heavy-tailed: both are usual for themselves.

    References:
        Laplace's test: Cox, Lewis (1966), doi:10.1007/978-94-011-7801-3. Cohen et al. (2021),
        arXiv:2103.00065.
    """

    id: str = Kind.TRAIN.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """At most one finding."""
        rises = signal.bursts.train
        if not rises:
            return
        spikes = [signal.spike(Kind.TRAIN, rise, rise.height) for rise in rises]
        highest = max(range(len(rises)), key=lambda i: rises[i].height)
        n, last = len(signal.series), spikes[-1]
        yield replace(
            spikes[highest],
            start=spikes[0].start,
            stop=last.stop,
            onset_step=spikes[0].onset_step,
            end_step=last.end_step,
            back_at=last.back_at,
            expected_by_chance=max(signal.bursts.expected, CALIBRATED),
            count=len(spikes),
            rate=1e4 * len(spikes) / n,
            rate_grows=rate_grows(np.array([spike.start for spike in spikes]) / n),
            members=tuple(signal.excursion(rise) for rise in rises),
            usual=signal.bursts.usual,
            provisional=all(spike.provisional for spike in spikes),
        )


def rate_grows(when: FloatArray) -> bool | None:
    """Laplace's test on times (n,) in [0, 1]: does the rate grow, fall, or is it undecided (None)?"""
    score = float((when.mean() - 0.5) * np.sqrt(12 * len(when)))
    return score > 0 if abs(score) > ONE_SIDED_95 else None
