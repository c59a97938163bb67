"""Logs of 20 to 500 points: recall of a jump of 20 deviations, false alarms, and whether they were judged."""

from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter

from benchmarks.detection.measure import TEST_SEED, series_of
from benchmarks.detection.peers import PEERS
from spikediag.detectors import detect, search_power
from spikediag.model import FloatArray

LENGTHS = (20, 30, 50, 60, 80, 100, 150, 200, 500)
RUNS, PEER_RUNS, RECALL_RUNS = 200, 50, 4
JUMP = 20.0  # standard deviations of the noise
NEAR = 3  # points between a planted onset and a finding
PLACES = tuple((width, place) for width in (1, 3, None) for place in (0.15, 0.5, 0.85))
LAST = (1, 2, 3, 5)  # points of the log that are high


def _ar(rng, n, phi):
    return lfilter([np.sqrt(1 - phi * phi)], [1, -phi], rng.normal(size=n + 300))[300:]


def _decay(n):
    return 30 / (1 + 8 * np.arange(n) / n)


def _garch(rng, n):
    shocks, values, variance = rng.standard_t(5, size=n) / np.sqrt(5 / 3), np.empty(n), 1.0
    for t in range(n):
        values[t] = np.sqrt(variance) * shocks[t]
        variance = 0.05 + 0.1 * values[t] ** 2 + 0.85 * variance
    return values


LIGHT = {
    "white": lambda rng, n: rng.normal(size=n),
    "AR(.7)": lambda rng, n: _ar(rng, n, 0.7),
    "AR(.9)": lambda rng, n: _ar(rng, n, 0.9),
    "t3": lambda rng, n: rng.standard_t(3, size=n) / np.sqrt(3),
    "decay": lambda rng, n: _decay(n) + rng.normal(size=n),
    "decay, AR(.7)": lambda rng, n: _decay(n) + _ar(rng, n, 0.7),
}
HEAVY = {
    "log-normal(1)": lambda rng, n: np.exp(rng.normal(size=n)),
    "squared t3, means of 256": lambda rng, n: (rng.standard_t(3, (n, 256)) ** 2).mean(axis=1),
    "log-AR(.9)": lambda rng, n: np.exp(_ar(rng, n, 0.9)),
    "GARCH": _garch,
    "growing tenfold": lambda rng, n: rng.normal(size=n) * np.linspace(1, 10, n),
    "rounded": lambda rng, n: np.round(0.8 * rng.normal(size=n) - 15),
}


def curve(kind: str, n: int, run: int, purpose: int) -> FloatArray:
    kinds = {**LIGHT, **HEAVY}
    return kinds[kind](np.random.default_rng([TEST_SEED, 10 + purpose, list(kinds).index(kind), n, run]), n)


def planted(values: FloatArray, width: int | None, at: int) -> FloatArray:
    values = values.copy()
    values[at : None if width is None else at + width] += JUMP
    return values


def onsets(values: FloatArray, *, usual: bool) -> list[int]:
    spikes = [spike for spike in detect(series_of(values)) if usual or not spike.usual]
    return [e.start for spike in spikes for e in spike.excursions]


def alarms(peer: Callable[[FloatArray], np.ndarray], values: FloatArray) -> np.ndarray:
    """Where a peer raises its alarm; nowhere if the log is shorter than its window."""
    try:
        return peer(values + 10)
    except (ValueError, IndexError):
        return np.zeros(len(values), bool)


def by_length() -> dict:
    """Tables by noise and length."""
    false = {kind: {str(n): _false_alarms(kind, n) for n in LENGTHS} for kind in (*LIGHT, *HEAVY)}
    recall = {kind: {str(n): _recall(kind, n) for n in LENGTHS} for kind in LIGHT}
    return {"false": false, "recall": recall}


def _false_alarms(kind: str, n: int) -> dict:
    counts = dict.fromkeys(("spikediag", "usual", "judged", *PEERS), 0)
    for run in range(RUNS):
        values = curve(kind, n, run, 0)
        ours = onsets(values, usual=False)
        counts["spikediag"] += bool(ours)
        counts["usual"] += not ours and bool(onsets(values, usual=True))
        counts["judged"] += search_power(series_of(values)).judged
        for name, peer in PEERS.items() if run < PEER_RUNS else ():
            counts[name] += bool(alarms(peer, values).any())
    return {name: count / (PEER_RUNS if name in PEERS else RUNS) for name, count in counts.items()}


def _recall(kind: str, n: int) -> dict:
    """Recall by place and in all; `usual` are those that were found, but called usual for such a series."""
    hits: dict[str, float] = dict.fromkeys(("spikediag", "usual", *PEERS), 0)
    worst = 1.0
    places = [(width, int(share * n)) for width, share in PLACES] + [(None, n - last) for last in LAST]
    for width, at in places:
        here = 0
        for run in range(RECALL_RUNS):
            values = planted(curve(kind, n, run, 1), width, at)
            certain, told = (any(abs(o - at) <= NEAR for o in onsets(values, usual=u)) for u in (False, True))
            here += told
            hits["spikediag"] += told
            hits["usual"] += told and not certain
            for name, peer in PEERS.items():
                hits[name] += bool(alarms(peer, values)[max(0, at - 1) : at + NEAR + 1].any())
        worst = min(worst, here / RECALL_RUNS)
    return {name: count / (len(places) * RECALL_RUNS) for name, count in hits.items()} | {"worst": worst}
