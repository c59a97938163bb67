"""The engine: every kind of spike of one series, each stretch once.

Two questions are asked of a stretch, and kept apart.

*Is it salient?* (`salience`) A person points to what stands far above everything around it. So a leap of w
points, from the median of the few before, in units of the local scale, is compared with the other leaps of
the same series, and it must stand apart from the next lower one: by a factor, under a generalised Pareto tail
fitted to those below it only, with the dips and without, under one fitted to many dips, and where the
series is skewed or heavy-tailed also under a Pareto law whose index is not known. Where the noise of a short
log grows with its level, all this must hold in logarithms too. What is judged is never part of what judges
it, so that no earlier spike and no skew that spikes make can excuse a spike. This takes 24 points, three
points before and none after. Climbs are compared with all climbs before them.

*How surprising is it for this series?* (`scan`, `chance`) Contrasts of medians on widths from 1 to 4,104
points are divided by the spread of the same contrast earlier in the run, which absorbs level, autocorrelation
and slow change of the noise at once; of wide windows by the bend of three such contrasts if that is less, as
a decay that slows down spreads them along a line. The tail of earlier scores says how many as high a run
shows if nothing happens. Bursts are judged by the mirrored series, as symmetric noise dips as far as it
bumps: by the dips before, and in a log of some hundred points or a few thousand by those after too; levels by
their own past. This needs a history, and in return finds what no eye would: two deviations that last, under
heavy noise.

Both give candidates, measured in one way (`rise`): onset, level before, peak, end of the burst, return. Then,
in this order: a rise that the deepest dip near it matches is noise that has grown; what is the noise of a new
level is its child; no burst is told while a taller one is left out (`bursts`); what is loud but no more than
the tail of such a series may throw is told once, as usual; and a way back is no event.

*What the numbers mean.* `expected_by_chance` is the smaller of the two answers: how many stretches as
salient, or as surprising, a series of this length and noise shows. Neither is claimed below 0.001, as nothing
was calibrated there; it is 1 for what is usual. It counts one series, not the run. `power` answers the
opposite question, what would have been seen, from the same yardsticks.
"""

from collections.abc import Iterator

from spikediag.detectors.power import power_of
from spikediag.detectors.protocol import registry
from spikediag.detectors.signal import Signal
from spikediag.model import LONGEST_LOOK, Kind, Searched, Series, Shape, Spike

ALPHA = 0.05  # false findings per run
ON_ITS_WAY = 0.25  # height of a burst over that of the climb it lies on, from which it is told beside it
RETURN = 0.25  # share of the height beyond the old level up to which a way back is a return
OUTSTANDING = 6.0  # standard deviations of noise that has grown; what is larger is not explained by it
LEARNT = 2.0  # times all points before a fall: what lies low for longer is no dip
CERTAIN = 20.0  # the same, of what need not stand apart from other bursts of such noise


def detect(series: Series, *, falls: bool = False, alpha: float = ALPHA) -> tuple[Spike, ...]:
    """Every spike of a series, overlaps resolved, in onset order.

    Args:
        series: any series, of any length, NaN and Inf included.
        falls: also look for falls; their `height` and `sigmas` are negative.
        alpha: false findings that are accepted per run in which nothing happens.
    """
    signal = Signal(series, alpha)
    found = [*news(signal)]
    if falls:
        signal = signal.mirrored  # what was learnt of the rises is not held any longer
        found += found_in(signal)
    return resolve(found)


def search(series: Series) -> tuple[tuple[Spike, ...], Searched]:
    """Every spike of a series, rises and falls, and the smallest jumps that would have been found in it."""
    signal = Signal(series, ALPHA)
    found, searched = [*news(signal)], power_of(signal)
    signal = signal.mirrored  # as above
    return resolve(found + found_in(signal)), searched


def found_in(signal: Signal) -> list[Spike]:
    """What every detector finds in one direction."""
    return [spike for detector in registry.load().values() for spike in detector.find(signal)]


def news(signal: Signal) -> Iterator[Spike]:
    """What is found of the rises, without bursts that do not stand apart from noise that has grown."""
    found = found_in(signal)
    grown = {spike: signal.apart_from(spike.start) for spike in found if spike.shape is Shape.NOISE}
    for spike in found:
        inside = (
            n
            for n in grown
            if n.start <= spike.start < n.stop and spike.height < CERTAIN * (n.noise + n.height)
        )
        if spike.shape is not Shape.BURST or all(
            any(one.holds_any(grown[noise]) for one in spike.excursions) for noise in inside
        ):
            yield spike


def resolve(found: list[Spike]) -> tuple[Spike, ...]:
    """Drop what overlaps a spike of a kind that says more, and ways back; return the rest in onset order."""
    kept: list[Spike] = []
    for spike in sorted(found, key=lambda s: (s.kind.precedence, s.start)):
        if not any(explains(other, spike) for other in kept):
            kept.append(spike)
    left = (spike for spike in kept if not any(undone_by(other, spike) for other in found))
    return tuple(sorted(left, key=lambda s: s.start))


def explains(one: Spike, other: Spike) -> bool:
    """Whether the first spike leaves nothing to say about the second.

    They share a position, members counting each for itself; noise that has grown explains only what is not
    large for the new noise; numbers that are lost explain nothing; nor does a rise a fall, nor what goes on
    rising a burst on its way that came back and is not small beside it.
    """
    stands_out = abs(other.height) >= ON_ITS_WAY * abs(one.height)
    on_its_way = one.shape is Shape.TREND and other.kind is Kind.TRANSIENT and other.recovered and stands_out
    if on_its_way or Shape.LOST in {one.shape, other.shape}:
        return False
    if one.shape is Shape.NOISE:
        inside = one.start <= other.start < one.stop
        return inside and (other.usual or abs(other.height) < OUTSTANDING * (one.noise + one.height))
    same = one.height * other.height > 0
    return same and any(a < d and c < b for a, b in one.spans for c, d in other.spans)


def undone_by(one: Spike, other: Spike) -> bool:
    """Whether the second only returns from the first: a fall from a rise, or a rise from a dip.

    A burst that comes back ends no level that stays, and a level that lasted is left, not returned from; so
    is one that lasted much longer than all before it, as what a training learns in its first points. The last
    of the way back of a burst may come as long after its end as it lasted.
    """
    ended = one.stop + (one.stop - one.start if one.shape is Shape.BURST and one.recovered else 0)
    if (
        one.members
        or Shape.NOISE in {one.shape, other.shape}
        or one.height * other.height >= 0
        or not one.start <= other.start <= ended
        or (other.shape is Shape.BURST and not one.recovered)
        or (one.shape is Shape.LEVEL and other.start - one.start > LONGEST_LOOK)
        or (one.height < 0 and other.start - one.start > LEARNT * one.start)
    ):
        return False
    reached = other.peak_value if other.shape is Shape.BURST else other.level_after
    beyond = (reached - one.baseline) * (1 if other.height > 0 else -1)
    return beyond <= (RETURN * abs(one.height) if other.start <= one.stop else one.margin)
