"""Every kind of spike of one series, each stretch once."""

from spikediag.detectors.protocol import registry
from spikediag.detectors.signal import Signal
from spikediag.model import Kind, Series, Spike

ALPHA = 0.05  # false findings per run
PRECEDENCE = (
    Kind.NON_FINITE,
    Kind.DIVERGENCE,
    Kind.VARIANCE,
    Kind.TRAIN,
    Kind.LEVEL_SHIFT,
    Kind.DRIFT,
    Kind.TRANSIENT,
)
OUTSTANDING = 6.0  # standard deviations of noise that has grown; what is larger is not explained by it


def detect(series: Series, *, falls: bool = False, alpha: float = ALPHA) -> tuple[Spike, ...]:
    """Every spike of a series, overlaps resolved, in onset order.

    Args:
        series: any series, of any length, NaN and Inf included.
        falls: also look for falls; their `height` and `sigmas` are negative.
        alpha: false findings that are accepted per run in which nothing happens.
    """
    signals = [Signal(series, alpha, sign) for sign in ((1, -1) if falls else (1,))]
    found = [s for signal in signals for detector in registry.load().values() for s in detector.find(signal)]
    return resolve(found)


def resolve(found: list[Spike]) -> tuple[Spike, ...]:
    """Drop what overlaps a spike of a kind that says more; return the rest in onset order."""
    kept: list[Spike] = []
    for spike in sorted(found, key=lambda s: (PRECEDENCE.index(s.kind), s.start)):
        if not any(explains(other, spike) for other in kept):
            kept.append(spike)
    return tuple(sorted(kept, key=lambda s: s.start))


def explains(one: Spike, other: Spike) -> bool:
    """Whether the first spike leaves nothing to say about the second.

    They share a position, members counting each for itself; and noise that has grown explains only what is
    not large for the new noise.
    """
    if one.kind is Kind.VARIANCE:
        inside = one.start <= other.start < one.stop
        return inside and abs(other.height) < OUTSTANDING * (one.noise + one.height)
    return any(a < d and c < b for a, b in stretches(one) for c, d in stretches(other))


def stretches(spike: Spike) -> list[tuple[int, int]]:
    """The positions `[start, stop)` that a spike takes up.

    A level that never came back takes up its onset to its peak only: what happens on it is news.
    """
    if spike.members:
        return [(member.start, member.stop) for member in spike.members]
    return [(spike.start, spike.peak + 1 if spike.end_step is None else spike.stop)]
