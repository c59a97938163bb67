"""How often "the error did not move" is wrong at the margin, and how often it is said when it is true.

    python -m benchmarks.coupling

Rewrites the table of README.md and coupling.csv. Every trial is a run of 2,000 points whose loss leaps and
whose error is noise of one kind; the error is then raised by exactly the margin that `couple` chose, over
exactly the points of the leap, and tested again.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikediag.coupling import couple
from spikediag.model import (
    Coupling,
    CouplingVerdict,
    Fact,
    Kind,
    Measure,
    Reduction,
    Role,
    Run,
    Series,
    Spike,
)

HERE = Path(__file__).parent
POINTS, AT, TRIALS = 2000, 1500, 200
WIDTHS = (1, 3, 10, 33, 129)
MARGINS = ("algebra", "noise")  # a likelihood with seven dimensions; any other loss
LEVEL, SD = 0.1, 0.01
Noise = Callable[[np.random.Generator], np.ndarray]


def white(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 1, POINTS)


def ar(rng: np.random.Generator, innovations: np.ndarray | None = None, decay: float = 0.9) -> np.ndarray:
    steps = rng.normal(0, 1, POINTS) if innovations is None else innovations
    values = np.empty(POINTS)
    last = 0.0
    for i, step in enumerate(steps):
        last = decay * last + step
        values[i] = last
    return values * np.sqrt(1 - decay**2)


def ar_heavy(rng: np.random.Generator) -> np.ndarray:
    return ar(rng, rng.standard_t(3, POINTS) / np.sqrt(3))


def heavy(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_t(3, POINTS) / np.sqrt(3)


def skewed(rng: np.random.Generator) -> np.ndarray:
    return (np.exp(rng.normal(0, 0.6, POINTS)) - np.exp(0.18)) / 0.79


def falling(rng: np.random.Generator) -> np.ndarray:
    return ar(rng, decay=0.7) + 20 * np.exp(-np.arange(POINTS) / 300)


NOISES: dict[str, Noise] = {
    "white": white, "AR(0.9)": ar, "AR(0.9), t3": ar_heavy, "t3": heavy, "lognormal": skewed, "falling, "
    "AR(0.7)": falling,
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    margin: str
    noise: str
    width: int
    wrong: float  # "decoupled" although the error rose by the margin
    power: float  # "decoupled" where it did not move
    seen: float  # "coupled" where it rose by three margins


def trial(margin: str, noise: Noise, width: int, rng: np.random.Generator) -> tuple[bool, bool, bool]:
    error = LEVEL + SD * noise(rng)
    still = judge(margin, error, width, rng)
    chosen = still.tests[0].margin
    verdicts = []
    for times in (1, 3):
        raised = error.copy()
        raised[AT : AT + width] += times * chosen
        verdicts.append(judge(margin, raised, width, rng).verdict)
    return (
        verdicts[0] is CouplingVerdict.DECOUPLED,
        still.verdict is CouplingVerdict.DECOUPLED,
        verdicts[1] is CouplingVerdict.COUPLED,
    )


def judge(margin: str, error: np.ndarray, width: int, rng: np.random.Generator) -> Coupling:
    """One leap of 12 nats, 20 standard deviations of the loss, over `width` points."""
    steps = 10 * np.arange(POINTS)
    loss = -15 + 0.6 * np.random.default_rng(rng.integers(2**32)).normal(0, 0.1, POINTS)
    loss[AT : AT + width] += 12.0
    measure = Measure.NLL if margin == "algebra" else Measure.VALUE
    series = (
        Series("loss", Role.LOSS, steps, loss, steps, measure=measure, reduction=Reduction.SUM),
        Series(
            "mse", Role.COMPANION, steps, error, steps, measure=Measure.SQUARED_ERROR, reduction=Reduction.SUM
        ),
    )
    run = Run("r", "r", {s.tag: s for s in series}, {"action_dim": Fact("action_dim", 7, "here")})
    spike = Spike(
        "loss", Kind.TRANSIENT, AT, AT + width, AT, 10 * AT, 10 * AT, None, -15, -3, 12, 0.6, 20, 1e-6
    )
    return couple(spike, run)


def measure() -> list[Row]:
    rows = []
    for margin in MARGINS:
        for name, noise in NOISES.items():
            for width in WIDTHS:
                rng = np.random.default_rng([MARGINS.index(margin), list(NOISES).index(name), width])
                outcomes = np.array([trial(margin, noise, width, rng) for _ in range(TRIALS)])
                rows.append(Row(margin, name, width, *outcomes.mean(0).tolist()))
                print(rows[-1], flush=True)
    return rows


def table(rows: list[Row]) -> str:
    lines = [
        "| margin | noise | points | wrong at the margin | decoupled when still | coupled at 3 margins |",
        "|---|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r.margin} | {r.noise} | {r.width} | {r.wrong:.3f} | {r.power:.2f} | {r.seen:.2f} |" for r in rows
    ]
    worst = max(rows, key=lambda r: r.wrong)
    mean = np.mean([r.wrong for r in rows])
    lines += [
        "",
        f"{TRIALS} trials a row. Wrong at the margin: {mean:.3f} on average, at most {worst.wrong:.3f}.",
    ]
    return "\n".join(lines)


def main() -> None:
    rows = measure()
    with (HERE / "coupling.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row.__dataclass_fields__)
        writer.writerows([r.margin, r.noise, r.width, r.wrong, r.power, r.seen] for r in rows)
    readme = HERE / "README.md"
    head, _, rest = readme.read_text(encoding="utf-8").partition("<!-- table -->")
    tail = rest.partition("<!-- end -->")[2]
    readme.write_text(f"{head}<!-- table -->\n{table(rows)}\n<!-- end -->{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
