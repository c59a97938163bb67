"""train: the loss spikes again and again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtrc

from spikediag.detectors.chance import Blocks, Mirror
from spikediag.detectors.protocol import registry
from spikediag.detectors.rise import Rise, measure
from spikediag.detectors.scan import BURSTS, Candidate, up_and_down
from spikediag.detectors.signal import Signal
from spikediag.model import Excursion, FloatArray, Kind, Spike

CHOICES = 100  # chances that a crowd is charged for: its bar, its size, its run
ONE_SIDED_95 = 1.645  # normal quantile


@registry.register
@dataclass(frozen=True)
class Train:
    """The loss spikes again and again.

    What it finds:
        At least `fewest` transients in one run, as one finding with their number, their rate per 10,000
        points and whether the rate grows or falls. The finding shows the highest of them; `members` lists
        all. One that stands out, `outstanding` times as high as the next, is left as a finding of its own.

    How:
        Members are the rises of `transient`, and then every single-point bump that scores as high as the
        first members did. Bursts are judged by the *dips* of the run: that it spikes all the time is no
        excuse for its spikes. Where too few are certain alone, a crowd may be: at least `crowd` bumps beyond
        `clear` deviations, and so few dips as deep (enlarged by the skew of the noise) that a coin would not
        do it. Whether the rate changes is Laplace's trend test at 5 % on each side.

    Blind spots:
        Spikes that are not clearly larger than the noise are not counted, so count and rate are lower bounds.
        A run that has spiked since its first hundred points.

    References:
        Laplace's test: Cox, Lewis (1966), doi:10.1007/978-94-011-7801-3. Cohen et al. (2021),
        arXiv:2103.00065.
    """

    fewest: int = 4  # members that are certain alone
    crowd: int = 10  # members that are certain only together
    clear: float = 6.0  # score of a member that is certain only with others, about robust deviations
    outstanding: float = 2.0  # times the height of the next highest
    longest: int = 1000  # points from onset to recovery of a member
    id: str = Kind.TRAIN.value

    def find(self, signal: Signal) -> Iterator[Spike]:
        """At most one finding."""
        n = len(signal.values)
        lasting = [rise for rise in signal.rises if rise.lasts(self.longest, n)]
        members = [rise for rise in signal.rises if rise not in lasting and not on_climb(rise, lasting)]
        ups, downs = up_and_down(signal.values, 1)
        bar, chance = self.bar(members, ups, downs)
        if chance < signal.alpha:
            members = sorted(
                [*members, *likes(signal.values, members, ups, bar)], key=lambda rise: rise.start
            )
            members = [r for r in members if not r.lasts(self.longest, n) and not on_climb(r, lasting)]
        by_height = sorted(members, key=height, reverse=True)
        if self.stands_out(by_height):
            members.remove(by_height.pop(0))
        if len(members) < self.fewest:
            return
        spikes = [signal.spike(Kind.TRAIN, rise, height(rise)) for rise in members]
        n = len(signal.series)
        yield replace(
            spikes[members.index(by_height[0])],
            start=spikes[0].start,
            stop=spikes[-1].stop,
            onset_step=spikes[0].onset_step,
            end_step=spikes[-1].end_step,
            expected_by_chance=min(chance, *(rise.expected for rise in members)),
            count=len(spikes),
            rate=1e4 * len(spikes) / n,
            rate_grows=rate_grows(np.array([spike.start for spike in spikes]) / n),
            members=tuple(Excursion(spike.start, spike.stop, spike.peak) for spike in spikes),
        )

    def stands_out(self, by_height: list[Rise]) -> bool:
        """Whether the highest rise is a finding of its own: certain alone, and far above the next."""
        if len(by_height) < 2 or not np.isfinite(by_height[0].expected):
            return False
        return height(by_height[0]) > self.outstanding * height(by_height[1])

    def bar(self, members: list[Rise], ups: Blocks, downs: Blocks) -> tuple[float, float]:
        """The score from which a bump is a member, and the trains expected by chance.

        Either enough members are certain alone: then the first of them set the bar. Or it is the crowd that
        is unlikely: many more bumps than dips beyond `clear` deviations.
        """
        if len(members) >= self.fewest:
            first = members[: self.fewest]
            return min(rise.score for rise in first), min(rise.expected for rise in first)
        mirror = Mirror(BURSTS.past, downs.highest, ups.highest, downs.highest)
        up = int((ups.highest >= self.clear).sum())
        down = int((mirror.enlarged_dips(len(ups.highest)) >= self.clear).sum())
        by_chance = CHOICES * float(bdtrc(up - 1, up + down, 0.5)) if up >= self.crowd else np.inf
        return self.clear, by_chance


def likes(values: FloatArray, members: list[Rise], ups: Blocks, bar: float) -> Iterator[Rise]:
    """Single-point bumps that score no less than the bar, and are no members yet."""
    taken = list(members)
    for k in np.flatnonzero(ups.highest >= bar):
        rise = measure(values, Candidate(1, int(ups.positions[k]), float(ups.highest[k]), np.inf))
        if not any(rise.start < other.reach and other.start < rise.reach for other in taken):
            taken.append(rise)
            yield rise


def on_climb(rise: Rise, lasting: Iterable[Rise]) -> bool:
    """Whether a rise is part of the unrest of a slow climb, whose noise often grows with it."""
    return any(climb.start <= rise.start < climb.start + 2 * climb.climb for climb in lasting)


def height(rise: Rise) -> float:
    """Peak above the baseline, unit of the values."""
    return rise.peak_value - rise.baseline


def rate_grows(when: np.ndarray) -> bool | None:
    """Laplace's test on times (n,) in [0, 1]: does the rate grow, fall, or is it undecided (None)?"""
    score = float((when.mean() - 0.5) * np.sqrt(12 * len(when)))
    return score > 0 if abs(score) > ONE_SIDED_95 else None
