"""Run everything on seeds that were never used in development, and count."""

import time
from dataclasses import dataclass

import numpy as np

from benchmarks.detection.noise import KINDS, N, sigma
from benchmarks.detection.peers import PEERS, SLOW_PEERS
from spikediag.detectors import detect
from spikediag.model import FloatArray, Role, Series, Spike

TEST_SEED = 20_261_122
RUNS, RECALL_RUNS = 50, 20
APART = 50  # points: alarms of a peer that are closer count once
LEVELS = (0.01, 0.05, 0.1, 0.2)
JUDGED = ("white", "ar9", "ar9_student", "realistic", "student")


@dataclass(frozen=True)
class Scenario:
    """One planted rise: height in noise deviations, points it lasts (None: for good), points it takes."""

    name: str
    height: float
    length: int | None
    ramp: int
    kinds: tuple[str, ...]


LASTING = ("level_shift", "drift")
SCENARIOS = (
    Scenario("+26 for good", 26, None, 0, ("level_shift",)),
    Scenario("+26, 30 points", 26, 30, 0, ("transient",)),
    Scenario("+26, 3 points", 26, 3, 0, ("transient",)),
    Scenario("+26, 1 point", 26, 1, 0, ("transient",)),
    Scenario("+4 for good", 4, None, 0, ("level_shift",)),
    Scenario("+4, 200 points", 4, 200, 0, ("transient",)),
    Scenario("+4, 20 points", 4, 20, 0, ("transient",)),
    Scenario("+2 for good", 2, None, 0, LASTING),
    Scenario("+4 ramp over 1,000", 4, None, 1000, ("drift",)),
)


def curve(kind: str, run: int, purpose: int, n: int = N) -> FloatArray:
    """Noise of one kind; the purpose keeps the curves of different tables apart."""
    return KINDS[kind](np.random.default_rng([TEST_SEED, purpose, list(KINDS).index(kind), run]), n)


def found(values: FloatArray, alpha: float = 0.05) -> tuple[Spike, ...]:
    """What is found, without what is told as usual for such a series."""
    return tuple(spike for spike in detect(series_of(values), alpha=alpha) if not spike.usual)


def series_of(values: FloatArray) -> Series:
    steps = np.arange(len(values))
    return Series("loss", Role.LOSS, steps, values, steps)


def alarms(mask: np.ndarray) -> np.ndarray:
    """The first position of each group of alarms."""
    at = np.flatnonzero(mask)
    return at[np.diff(at, prepend=-APART - 1) > APART]


def false_alarms() -> dict:
    """Findings on curves in which nothing happens: per 10,000 points, and runs by expected_by_chance."""
    rates, seconds, runs = {}, {}, {}
    for kind in KINDS:
        counts: dict[str, list[int]] = {name: [] for name in ("spikediag", *PEERS)}
        lowest = []
        for run in range(RUNS):
            values = curve(kind, run, 0)
            start = time.process_time()
            spikes = found(values, max(LEVELS))
            seconds.setdefault("spikediag", []).append(time.process_time() - start)
            counts["spikediag"].append(len(found(values)) if spikes else 0)
            lowest.append(min((s.expected_by_chance for s in spikes), default=1.0))
            for name, peer in PEERS.items():
                start = time.process_time()
                counts[name].append(len(alarms(peer(values + 10))))
                seconds.setdefault(name, []).append(time.process_time() - start)
        rates[kind] = {name: sum(c) / (RUNS * N / 1e4) for name, c in counts.items()}
        runs[kind] = [sum(e < level for e in lowest) / RUNS for level in LEVELS]
        print(kind, rates[kind], runs[kind], flush=True)
    return {
        "rates": rates,
        "calibration": runs,
        "milliseconds": {name: 1e3 * float(np.median(t)) for name, t in seconds.items()},
    }


def short_runs() -> dict:
    """False findings per run, by length and noise: short runs have little history to judge by."""
    out = {}
    for n in (100, 300, 1_000, 5_000):
        out[str(n)] = {
            kind: sum(len(found(curve(kind, run, 5, n))) for run in range(RUNS)) / RUNS for kind in KINDS
        }
    return out


def slow_false_alarms() -> dict:
    """The same for ruptures, on two short runs of three kinds: it takes too long for more."""
    rates = {}
    for kind in ("white", "ar9", "ar9_student"):
        curves = [curve(kind, run, 0)[: N // 10] for run in range(2)]
        rates[kind] = {
            name: sum(len(alarms(peer(values))) for values in curves) / (2 * N / 1e5)
            for name, peer in SLOW_PEERS.items()
        }
    return rates


def recall() -> dict:
    """Share of planted rises that are found; onset error and kind of ours."""
    table = {}
    for scenario in SCENARIOS:
        for kind in JUDGED:
            table[f"{scenario.name}|{kind}"] = _recall_of(scenario, kind)
        print(scenario.name, {k: table[f"{scenario.name}|{k}"]["spikediag"] for k in JUDGED}, flush=True)
    return table


def _recall_of(scenario: Scenario, kind: str) -> dict:
    hits: dict[str, int] = dict.fromkeys(("spikediag", *PEERS), 0)
    errors, right = [], 0
    for run in range(RECALL_RUNS):
        values = curve(kind, run, 1)
        at = int(np.random.default_rng([TEST_SEED, 2, run]).integers(0.4 * N, 0.8 * N))
        stop = N if scenario.length is None else at + scenario.length
        rise = np.minimum(1, np.arange(1, stop - at + 1) / max(1, scenario.ramp))
        values[at:stop] += scenario.height * sigma(kind, at) * rise
        reach = at + max(scenario.length or 400, 40) + scenario.ramp
        ours = [s for s in found(values) if at - 40 - scenario.ramp // 4 <= s.start <= reach]
        hits["spikediag"] += bool(ours)
        if ours:
            first = min(ours, key=lambda s: abs(s.start - at))
            errors.append(abs(first.start - at))
            right += first.kind in scenario.kinds
        for name, peer in PEERS.items():
            near = alarms(peer(values + 10))
            hits[name] += bool(np.any((near >= at - 2) & (near <= reach)))
    out = {name: count / RECALL_RUNS for name, count in hits.items()}
    out["onset_error"] = float(np.median(errors)) if errors else None
    out["kind_right"] = right / max(1, len(errors))
    return out


def reference_case() -> dict:
    """The curve of the post-mortem: -15 +/- 0.8, up by 39 for six of 2,000 points. Alarms right and false."""
    counts: dict[str, list[float]] = {name: [0.0, 0.0] for name in ("spikediag", *PEERS)}
    for run in range(RECALL_RUNS):
        values = -15 + 0.8 * np.random.default_rng([TEST_SEED, 3, run]).normal(size=2000)
        values[1500:1506] += 39
        places = {"spikediag": np.array([s.start for s in found(values)])}
        places |= {name: alarms(peer(values)) for name, peer in PEERS.items()}
        for name, at in places.items():
            right = (at >= 1498) & (at < 1506) if len(at) else np.zeros(0, dtype=bool)
            counts[name][0] += bool(right.any()) / RECALL_RUNS
            counts[name][1] += float((~right).sum()) / RECALL_RUNS
    return counts


def run_time() -> dict:
    """CPU seconds by length, best of three."""
    out = {}
    for n in (2_000, 20_000, 100_000, 1_000_000):
        values = np.random.default_rng([TEST_SEED, 4]).normal(size=n)
        values[n // 2] += 30
        best = np.inf
        for _ in range(3):
            start = time.process_time()
            found(values)
            best = min(best, time.process_time() - start)
        out[str(n)] = best
    return out
