"""How often "the error did not move" is wrong, and how often it is said when it is true.

    python -m benchmarks.coupling                 test seeds: rewrites the table of README.md and coupling.csv
    python -m benchmarks.coupling --development   seeds to look at while the test is built; writes nothing
    python -m benchmarks.coupling --trainings     every jump of the study's trainings: rewrites their table

Every trial is a run of 2,000 points whose loss leaps by 39 nats and whose error is noise of one kind around a
level of 0.1, raised or not; the spike is handed to `couple` as a detector would describe it.
"""

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from spikediag.api import diagnose
from spikediag.coupling import couple
from spikediag.model import (
    CouplingVerdict,
    Excursion,
    Fact,
    FactName,
    Kind,
    Measure,
    Reduction,
    Role,
    Run,
    Series,
    Spike,
)

HERE = Path(__file__).parent
TRAININGS = ("single_trajectory", "batch_64", "all_trajectories", "lr_decay", "weighted_sampling")
POINTS, AT, LEVEL, JUMP = 2000, 1500, 0.1, 39.0
DEVELOPMENT, TEST = 1, 3  # first word of every seed
TRIALS = 150
NEAR_ENOUGH = 0.05  # standard error of the window, share of the level, up to which a verdict is owed
Generator = np.random.Generator
Noise = Callable[[Generator, int], np.ndarray]


def white(rng: Generator, n: int) -> np.ndarray:
    return rng.normal(0, 1, n)


def heavy(rng: Generator, n: int) -> np.ndarray:
    return rng.standard_t(3, n) / np.sqrt(3)


def skewed(rng: Generator, n: int) -> np.ndarray:
    return (np.exp(rng.normal(0, 0.6, n)) - np.exp(0.18)) / 0.79


def correlated(rng: Generator, n: int, decay: float = 0.5) -> np.ndarray:
    return lfilter([np.sqrt(1 - decay**2)], [1, -decay], rng.normal(0, 1, n + 500))[500:]


def falling(rng: Generator, n: int) -> np.ndarray:
    """As in training: the level falls to a third over the first half of the log."""
    return rng.normal(0, 1, n) + 40 * np.exp(-np.arange(n) / 300)


NOISES: dict[str, Noise] = {
    "white": white,
    "t3": heavy,
    "lognormal": skewed,
    "AR(0.5)": correlated,
    "falling": falling,
}


Made = tuple[np.ndarray, tuple[int, ...]]  # an error, and the first positions of the leaps


@dataclass(frozen=True)
class Leap:
    """An error times `factor` for `points`, `late` points after the loss, logged as it is or as an EMA."""

    noise: str
    sd: float
    points: int
    factor: float = 1.0
    late: int = 0
    decay: float = 0.0

    def __call__(self, rng: Generator) -> Made:
        lead = 4000 if self.decay else 0
        error = LEVEL * (1 + self.sd * NOISES[self.noise](rng, POINTS + lead))
        first = lead + AT + self.late
        error[first : first + self.points] += (self.factor - 1) * LEVEL
        if self.decay:
            error = LEVEL + lfilter([1 - self.decay], [1, -self.decay], error - LEVEL)
        return error[lead:], (AT,)


@dataclass(frozen=True)
class Train:
    """Twenty leaps; the error rises at a share of them."""

    sd: float
    points: int
    factor: float = 1.0
    share: float = 0.0

    def __call__(self, rng: Generator) -> Made:
        error = LEVEL * (1 + self.sd * rng.normal(0, 1, POINTS))
        places = np.sort(rng.choice(np.arange(200, 1900, 20), 20, replace=False))
        for place in rng.choice(places, round(20 * self.share), replace=False):
            error[place : place + self.points] += (self.factor - 1) * LEVEL
        return error, tuple(int(place) for place in places)


@dataclass(frozen=True)
class Accuracy:
    """An accuracy of 0.9 that falls."""

    sd: float
    points: int
    fall: float

    def __call__(self, rng: Generator) -> Made:
        values = np.clip(0.9 + rng.normal(0, self.sd, POINTS), 0, 1)
        values[AT : AT + self.points] -= self.fall
        return values, (AT,)


@dataclass(frozen=True)
class Cell:
    """One row of coupling.csv."""

    question: str
    raised: str
    make: Leap | Train | Accuracy
    measure: Measure = Measure.SQUARED_ERROR

    @property
    def noise(self) -> str:
        return self.make.noise if isinstance(self.make, Leap) else "white"

    @property
    def standard_error(self) -> float:
        """Of the window, share of the level; correlation of AR(0.5) counted in."""
        n = self.make.points
        spread = 1 + 2 * sum((1 - k / n) * 0.5**k for k in range(1, n)) if self.noise == "AR(0.5)" else 1.0
        share = self.make.sd / (1 - 0.9) if isinstance(self.make, Accuracy) else self.make.sd
        return share * float(np.sqrt(spread / n))


def cells() -> list[Cell]:
    return [*_single(), *_misplaced(), *_smoothed(), *_accuracies(), *_trains()]


def _single() -> Iterator[Cell]:
    for name, sd, points in product(NOISES, (0.01, 0.05, 0.1, 0.2), (1, 6, 30)):
        if name != "white" and sd == 0.1:
            continue
        yield Cell("unmoved", "", Leap(name, sd, points))
        for factor in (1.25, 1.5, 3.0) if name == "white" else (1.25,):
            yield Cell("moved", f"x{factor:g}", Leap(name, sd, points, factor))


def _misplaced() -> Iterator[Cell]:
    for sd, points, late in product((0.05, 0.2), (1, 6), (-5, -1, 1, 5)):
        yield Cell("moved", "x3, 1 to 5 points late or early", Leap("white", sd, points, 3.0, late))


def _smoothed() -> Iterator[Cell]:
    for decay, sd, points in product((0.9, 0.99, 0.999), (0.05, 0.2), (1, 6)):
        yield Cell("moved", f"x3, logged as EMA {decay:g}", Leap("white", sd, points, 3.0, decay=decay))


def _accuracies() -> Iterator[Cell]:
    for sd, points in product((0.003, 0.01, 0.03), (1, 6)):
        yield Cell("unmoved accuracy", "", Accuracy(sd, points, 0.0), Measure.ACCURACY)
        for fall in (0.05, 0.1):
            yield Cell("moved", f"accuracy -{fall:.2f}", Accuracy(sd, points, fall), Measure.ACCURACY)


def _trains() -> Iterator[Cell]:
    for sd, points in product((0.02, 0.2), (1,)):
        yield Cell("unmoved train", "", Train(sd, points))
        for share, factor in product((0.1, 0.2, 0.5), (2.0, 3.0)):
            raised = f"x{factor:g} at {share:.0%} of a train of 20"
            yield Cell("moved", raised, Train(sd, points, factor, share))


def verdict(cell: Cell, rng: Generator) -> CouplingVerdict:
    error, places = cell.make(rng)
    loss = rng.normal(-15, 0.6, POINTS)
    for place in places:
        loss[place : place + cell.make.points] += JUMP
    steps = 10 * np.arange(POINTS)
    series = (
        Series("loss", Role.LOSS, steps, loss, steps, measure=Measure.NLL, reduction=Reduction.SUM),
        Series("error", Role.COMPANION, steps, error, steps, measure=cell.measure, reduction=Reduction.SUM),
    )
    run = Run(
        "r", "r", {s.tag: s for s in series}, {FactName.ACTION_DIM: Fact(FactName.ACTION_DIM, 7, "here")}
    )
    return couple(spike(loss, places, cell.make.points), run).verdict


def spike(loss: np.ndarray, places: tuple[int, ...], width: int) -> Spike:
    members = tuple(Excursion(p, p + width, p) for p in places)
    first, last = members[0], members[-1]
    return Spike(
        tag="loss",
        kind=Kind.TRAIN if len(members) > 1 else Kind.TRANSIENT,
        start=first.start,
        stop=last.stop,
        peak=first.peak,
        onset_step=10 * first.start,
        peak_step=10 * first.peak,
        end_step=10 * last.stop,
        baseline=-15.0,
        peak_value=float(loss[first.peak]),
        height=JUMP,
        noise=0.6,
        sigmas=JUMP / 0.6,
        expected_by_chance=1e-6,
        count=len(members),
        members=members if len(members) > 1 else (),
    )


@dataclass(frozen=True)
class Row:
    question: str
    raised: str
    noise: str
    sd: float  # of the companion's noise; of an error, a share of its level
    points: int
    standard_error: float
    decoupled: float
    partly: float
    coupled: float
    undecided: float


def measure(first: int, trials: int) -> list[Row]:
    rows = []
    for number, cell in enumerate(cells()):
        found = [verdict(cell, np.random.default_rng([first, number, k])) for k in range(trials)]
        shares = [found.count(v) / trials for v in list(CouplingVerdict)[:4]]
        make = cell.make
        row = Row(cell.question, cell.raised, cell.noise, make.sd, make.points, cell.standard_error, *shares)
        rows.append(row)
        print(row, flush=True)
    return rows


def table(rows: list[Row], trials: int) -> str:
    """The worst cell and the mean of each question."""
    lines = [
        "| the error moved | cells | wrong, worst cell | all cells | partly or coupled | undecided |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    moved = [row for row in rows if row.question == "moved"]
    for raised in dict.fromkeys(row.raised for row in moved):
        mine = [row for row in moved if row.raised == raised]
        lines.append(_line(raised, mine, max(row.decoupled for row in mine)))
    lines += [
        "",
        "| it did not | cells | right, worst cell | all cells | partly or coupled (wrong) | undecided |",
    ]
    lines += ["|---|---:|---:|---:|---:|---:|"]
    still = [row for row in rows if row.question != "moved"]
    kinds = dict.fromkeys((r.question, r.noise, r.standard_error <= NEAR_ENOUGH + 1e-9) for r in still)
    for question, noise, near in sorted(kinds, key=lambda kind: not kind[2]):
        mine = [
            row
            for row in still
            if (row.question, row.noise, row.standard_error <= NEAR_ENOUGH + 1e-9) == (question, noise, near)
        ]
        name = f"{question}, {noise} noise, standard error {'at most' if near else 'above'} 5 %"
        lines.append(_line(name, mine, min(row.decoupled for row in mine)))
    return "\n".join([*lines, "", f"{trials} trials a cell."])


def _line(name: str, rows: list[Row], extreme: float) -> str:
    return (
        f"| {name} | {len(rows)} | {extreme:.3f} | {_mean(rows, 'decoupled'):.3f} | "
        f"{_mean(rows, 'partly') + _mean(rows, 'coupled'):.3f} | {_mean(rows, 'undecided'):.2f} |"
    )


def _mean(rows: list[Row], name: str) -> float:
    return float(np.mean([getattr(row, name) for row in rows]))


def trainings() -> str:
    """Jumps of real trainings to which nothing was done, each judged alone and with all of its loss."""
    lines = ["| training | jumps | decoupled alone | decoupled with all jumps of the loss | partly |"]
    lines += ["|---|---:|---:|---:|---:|"]
    for name in TRAININGS:
        found = diagnose(HERE.parents[1] / "sample_runs" / f"bc_{name}")
        spikes = tuple(f.spike for f in found.findings)
        jumps = [lone(s, e, found.run.series[s.tag]) for s in spikes for e in s.excursions]
        alone = Counter(couple(jump, found.run).verdict for jump in jumps)
        together = Counter(couple(jump, found.run, spikes).verdict for jump in jumps)
        same, partly = CouplingVerdict.DECOUPLED, CouplingVerdict.PARTLY
        lines.append(
            f"| `bc_{name}` | {len(jumps)} | {alone[same]} | {together[same]} | {together[partly]} |"
        )
    return "\n".join(lines)


def lone(spike: Spike, excursion: Excursion, loss: Series) -> Spike:
    """One member of a train as a spike of its own."""
    before = float(np.median(loss.values[max(0, excursion.start - 33) : excursion.start]))
    peak = float(loss.values[excursion.peak])
    return replace(
        spike,
        kind=Kind.TRANSIENT,
        members=(),
        count=1,
        start=excursion.start,
        stop=excursion.stop,
        peak=excursion.peak,
        onset_step=int(loss.steps[excursion.start]),
        peak_step=int(loss.steps[excursion.peak]),
        end_step=int(loss.steps[min(excursion.stop, len(loss) - 1)]),
        baseline=before,
        peak_value=peak,
        height=peak - before,
    )


def rewrite(name: str, text: str) -> None:
    """What stands between the marks `<!-- name -->` and `<!-- end name -->` of the README."""
    readme = HERE / "README.md"
    head, _, rest = readme.read_text(encoding="utf-8").partition(f"<!-- {name} -->")
    tail = rest.partition(f"<!-- end {name} -->")[2]
    readme.write_text(f"{head}<!-- {name} -->\n{text}\n<!-- end {name} -->{tail}", encoding="utf-8")


def main() -> None:
    if "--trainings" in sys.argv:
        rewrite("trainings", trainings())
        return
    if "--development" in sys.argv:
        print(table(measure(DEVELOPMENT, 50), 50))
        return
    rows = measure(TEST, TRIALS)
    with (HERE / "coupling.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row.__dataclass_fields__)
        writer.writerows([getattr(row, name) for name in Row.__dataclass_fields__] for row in rows)
    rewrite("table", table(rows, TRIALS))


if __name__ == "__main__":
    main()
