"""Study: how many spikes a training has, against one setting at a time; three seeds a row."""

import csv
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.recipe import Recipe
from sample_runs.lab.spikes import count
from spikediag.study import Row, read

SEEDS = (0, 1, 2)

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
