"""Every kind of spike of one series, each stretch once."""

from spikediag.detectors.protocol import registry
from spikediag.detectors.signal import Signal
from spikediag.model import Kind, Series, Spike

ALPHA = 0.05  # false findings per run
PRECEDENCE = (
    Kind.NON_FINITE,
    Kind.TRAIN,
    Kind.DIVERGENCE,
    Kind.TRANSIENT,
    Kind.LEVEL_SHIFT,
    Kind.DRIFT,
    Kind.VARIANCE,
)


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
        if not any(spike.start < other.stop and other.start < spike.stop for other in kept):
            kept.append(spike)
    return tuple(sorted(kept, key=lambda s: s.start))
