"""Study: what one change at a time did to the spikes of the reference training; three seeds a row.

One recipe: it says what this recipe does, and checks what the randomised study foretells of one outside it.
"""

import csv
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.recipe import Recipe
from sample_runs.lab.spikes import count
from spikediag.stats.rates import Counts, Ratio, holm, largest_dispersion, rate_ratio

SEEDS = (0, 1, 2)
FILE = Path(__file__).with_suffix(".csv")
REFERENCE = "reference"
SURE = 0.05  # of one false verdict in the whole table
COLUMNS = "spikes in three trainings | rate ratio (95 %) | largest jump | final loss | final error | verdict"

SETTINGS: dict[str, Recipe] = {
    "reference": Recipe(),
    "batch 128": Recipe(batch_size=128),
    "batch 64": Recipe(batch_size=64),
    "batch 32": Recipe(batch_size=32),
    "320 transitions": Recipe(transitions=320),
    "490 transitions": Recipe(transitions=490),
    "5 trajectories": Recipe(trajectories=5),
    "cosine decay to 0": Recipe(schedule="cosine"),
    "sigma floor 0.05": Recipe(std_min=0.05),
    "weighted sampling": Recipe(sampling="weighted"),
    "gradient norm clipped at 1": Recipe(max_grad_norm=1.0),
    "beta2 0.99": Recipe(beta2=0.99),
    "beta2 0.95": Recipe(beta2=0.95),
}

REMEDIES = {
    "sigma-floor": "sigma floor 0.05",
    "grad-clip": "gradient norm clipped at 1",
    "beta2": "beta2 0.95",
    "smaller-batch": "batch 64",
    "lr-decay": "cosine decay to 0",
    "weighted-sampling": "weighted sampling",
    "more-data": "5 trajectories",
}
OF_DOSES = ("320 transitions", "490 transitions", "beta2 0.99")  # on nobody's list of remedies


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes:
        spikes: Distinct spikes in 20,000 updates.
        largest: The largest jump, nats.
        noise: Robust sigma of the logged loss between spikes, nats.
        loss: Median of the last tenth, nats.
        mse: Median of the last tenth.
        log_std_min: Median of the last tenth.
    """

    setting: str
    seed: int
    dataset_size: int
    batch_size: int
    spikes: int
    largest: float
    noise: float
    loss: float
    mse: float
    log_std_min: float


def read(path: Path = FILE) -> list[Row]:
    """The trainings of a file; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(**{name: kind(line[name]) for name, kind in Row.__annotations__.items()})
            for line in csv.DictReader(file)
        ]


@cache
def trainings(setting: str) -> tuple[Row, ...]:
    """The trainings of one setting, by seed."""
    return tuple(row for row in read() if row.setting == setting)


@cache
def dispersion() -> float:
    """How much more than chance the counts of seeds may vary: the upper 95 % bound over all settings."""
    return largest_dispersion([_counts(setting) for setting in SETTINGS])


def ratio(setting: str) -> Ratio:
    """The rate of spikes over that of the reference, with its 95 % interval."""
    return rate_ratio(_counts(REFERENCE), _counts(setting), spread=dispersion())


def table() -> str:
    """What each change did, in Markdown, the best first; verdicts hold for the whole table (Holm)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f"| what was changed | {COLUMNS} |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    yield f"| {REFERENCE} | {_said(REFERENCE)} | 1 | {_ends(REFERENCE)} | |"
    tried = [name for name in SETTINGS if name not in {REFERENCE, *OF_DOSES}]
    tried.sort(key=lambda name: _counts(name).rate)
    ratios = [ratio(name) for name in tried]
    for name, measured, p in zip(tried, ratios, holm([r.p for r in ratios]), strict=True):
        interval = f"{measured.value:.2g} ({measured.low:.2g} to {measured.high:.2g})"
        verdict = "no detectable change" if p > SURE else "worse" if measured.value > 1 else "improved"
        yield f"| {name} | {_said(name)} | {interval} | {_ends(name)} | {verdict} |"


def _ends(setting: str) -> str:
    rows = trainings(setting)
    largest = max(row.largest for row in rows)
    jump = f"{largest:.0f}" if largest else "none"
    return f"{jump} | {median(row.loss for row in rows):.1f} | {median(row.mse for row in rows):.3f}"


def _said(setting: str) -> str:
    return ", ".join(str(row.spikes) for row in trainings(setting))


def _counts(setting: str) -> Counts:
    rows = trainings(setting)
    return Counts(tuple(row.spikes for row in rows), (1.0,) * len(rows))


def measure(setting: str, seed: int) -> Row:
    """Train one setting with one seed and measure it."""
    from sample_runs.lab.fast_training import FastTraining  # noqa: PLC0415  (torch is needed here only)
    from sample_runs.lab.training import Training  # noqa: PLC0415

    recipe = replace(SETTINGS[setting], seed=seed)
    log = FastTraining(Training(recipe, Intervention())).run()
    counted = count(log.column("actor_loss"))
    last = recipe.train_steps // recipe.log_period // 10
    ends = [float(np.median(log.column(name)[-last:])) for name in ("actor_loss", "mse", "log_std_min")]
    figures = [round(x, 4) for x in (counted.largest, counted.noise, *ends)]
    return Row(setting, seed, recipe.dataset_size, recipe.batch_size, counted.spikes, *figures)


def run(path: Path, seeds: Sequence[int], workers: int) -> Iterator[Row]:
    """Measure every training that `path` does not have yet, and keep the file in the order of `SETTINGS`."""
    known = {(row.setting, row.seed) for row in read(path)}
    missing = [(name, seed) for seed in seeds for name in SETTINGS if (name, seed) not in known]
    with ProcessPoolExecutor(workers) as pool:
        for row in pool.map(_measure, missing):
            rows = {(each.setting, each.seed): each for each in [*read(path), row]}
            ordered = [rows[name, seed] for name in SETTINGS for seed in SEEDS if (name, seed) in rows]
            _write(path, ordered)
            yield row


def _measure(which: tuple[str, int]) -> Row:
    return measure(*which)


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Row.__annotations__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
