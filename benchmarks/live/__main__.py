"""How soon a monitor tells of what happens, how often of what does not, and what it costs a training.

    python -m benchmarks.live                 test seeds: rewrites the tables of README.md and live.csv
    python -m benchmarks.live --development   seeds to look at while the monitor is built; writes nothing

Every run is given to a `Monitor` row by row, one loss and one error metric that stays where it is. A delay is
the number of points logged after the onset when the first alert about it is told: 0 is the onset itself.
"""

import csv
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.detection.noise import KINDS, sigma
from spikediag import Monitor
from spikediag.live import Alert, State

HERE = Path(__file__).parent
DEVELOPMENT, TEST = 1, 3  # first word of every seed
TRIALS = 20
CALM = 5000  # points of a run in which nothing happens
POINTS, AT = 2000, 1500
SERIES, STEPS, LONG = 10, 20_000, 1_000_000
UNDER = ("white", "ar9", "student", "lognormal", "realistic")
Event = Callable[[int], np.ndarray]


def burst(n: int) -> np.ndarray:
    return 20.0 * (np.arange(n) < 3)


def shift(n: int) -> np.ndarray:
    return np.full(n, 5.0)


def divergence(n: int) -> np.ndarray:
    return 0.2 * np.arange(n)


def lost(n: int) -> np.ndarray:
    return np.full(n, np.nan)


EVENTS: dict[str, tuple[Event, str]] = {
    "burst": (burst, "20 sigma, 3 points"),
    "shift": (shift, "5 sigma, for good"),
    "divergence": (divergence, "0.2 sigma a point, for good"),
    "non-finite": (lost, "NaN, for good"),
}


@dataclass(frozen=True)
class Trial:
    """What a monitor told of one run."""

    alerts: tuple[Alert, ...]

    @property
    def first_told(self) -> list[Alert]:
        """The first alert of each incident, in the order they were told, before the training was over."""
        return [a for a in self.alerts if a.state is State.RISING or self._is_first(a)]

    def _is_first(self, alert: Alert) -> bool:
        onset = alert.spike.onset_step
        earlier = (a for a in self.alerts if a.state is State.RISING and abs(a.spike.onset_step - onset) <= 8)
        return alert.state is State.OVER and next(earlier, None) is None

    @property
    def withdrawn(self) -> int:
        return sum(a.state is State.WITHDRAWN for a in self.alerts)

    def delay(self, onset: int) -> int | None:
        """Points from the onset to the first alert of something that is going on there."""
        about = (a for a in self.alerts if a.step >= onset and _concerns(a, onset))
        return next((a.step - onset for a in about if a.state in {State.RISING, State.OVER}), None)


def _concerns(alert: Alert, onset: int) -> bool:
    last = alert.spike.end_step
    return alert.spike.peak_step >= onset - 8 and (last is None or last > onset)


def watch(loss: np.ndarray, error: np.ndarray) -> Trial:
    told: list[Alert] = []
    monitor = Monitor(on_spike=told.append)
    for step, (value, other) in enumerate(zip(loss.tolist(), error.tolist(), strict=True)):
        monitor.log({"bc/actor_loss": value, "bc/mse": other}, step=step)
    monitor.close()
    assert not monitor.troubles, monitor.troubles
    return Trial(tuple(told))


def runs(kind: str, n: int, seed: int, event: str = "") -> Iterator[Trial]:
    for trial in range(TRIALS):
        rng = np.random.default_rng([seed, trial, *kind.encode(), *event.encode()])
        loss, error = KINDS[kind](rng, n), 0.1 + 0.01 * rng.normal(size=n)
        if event:
            loss[AT:] += EVENTS[event][0](n - AT) * sigma(kind, AT)
        yield watch(loss, error)


def calm(seed: int) -> list[dict[str, object]]:
    rows = []
    for kind in KINDS:
        trials = [*runs(kind, CALM, seed)]
        told = [len(trial.first_told) for trial in trials]
        rows.append(
            {
                "noise": kind,
                "alerts a run": f"{np.mean(told):.2f}",
                "runs with one": f"{sum(n > 0 for n in told)} of {TRIALS}",
                "withdrawn": f"{sum(t.withdrawn for t in trials)} of {sum(told)}",
            }
        )
        print(rows[-1], flush=True)
    return rows


def delays(seed: int) -> list[dict[str, object]]:
    rows = []
    for event, (_, what) in EVENTS.items():
        for kind in UNDER:
            trials = [*runs(kind, POINTS, seed, event)]
            found = sorted(d for trial in trials if (d := trial.delay(AT)) is not None)
            rows.append(
                {
                    "event": f"{event}, {what}",
                    "noise": kind,
                    "told": f"{len(found)} of {TRIALS}",
                    "delay, median": f"{np.median(found):.0f}" if found else "",
                    "delay, 90 %": f"{np.quantile(found, 0.9, method='higher'):.0f}" if found else "",
                    "withdrawn": str(sum(trial.withdrawn for trial in trials)),
                }
            )
            print(rows[-1], flush=True)
    return rows


def cost(seed: int) -> list[dict[str, object]]:
    """What the training pays: processor time of `log`, without that of the final diagnosis."""
    rows = []
    for what, steps, spikes in (("calm", STEPS, 0), ("3 spikes", STEPS, 3), ("calm", LONG, 0)):
        rng = np.random.default_rng([seed, steps, spikes])
        values = rng.normal(size=(steps, SERIES))
        for spike in range(spikes):
            at = (spike + 1) * steps // (spikes + 1)
            values[at : at + 3, :2] += 30
        tags = ["bc/actor_loss", "bc/total_loss", "bc/mse", *(f"x/{k}" for k in range(SERIES - 3))]
        monitor = Monitor()
        before, began = _memory(), time.process_time()
        for step, row in enumerate(values.tolist()):
            monitor.log(dict(zip(tags, row, strict=True)), step=step)
        took = time.process_time() - began
        rows.append(
            {
                "training": f"{steps:,} steps, {SERIES} series, {what}",
                "microseconds a step": f"{1e6 * took / steps:.0f}",
                "memory, MB": f"{_memory() - before:.0f}",
            }
        )
        print(rows[-1], flush=True)
        monitor.close()
    return rows


def _memory() -> float:
    """The largest memory of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(rows: Sequence[dict[str, object]]) -> str:
    head = list(rows[0])
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row.values())) + " |" for row in rows)])


def rewrite(name: str, rows: Sequence[dict[str, object]]) -> None:
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    before, rest = text.split(begin)
    readme.write_text(f"{before}{begin}\n\n{table(rows)}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")
    with (HERE / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    seed = DEVELOPMENT if "--development" in sys.argv else TEST
    parts = {"cost": cost, "delays": delays, "calm": calm}
    chosen = [name for name in parts if name in sys.argv] or list(parts)
    for name in chosen:
        rows = parts[name](seed)
        if seed == TEST:
            rewrite(name, rows)


if __name__ == "__main__":
    main()
