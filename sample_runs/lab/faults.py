"""Faults: many short trainings with one injected fault each, to calibrate a diagnosis on.

Every seed draws a network, a task, a dataset, a dialect and a place for the configuration, so that no
threshold can be fitted to the collection. The folders are written like sample runs, with `truth.json`.
"""

from collections.abc import Iterator

import numpy as np

from sample_runs.lab import configuration_places, dialects
from sample_runs.lab.demonstrations import Task
from sample_runs.lab.fault_kinds import FAULTS, POINTS, Draw
from sample_runs.lab.recipe import Recipe
from sample_runs.lab.sample_run import SampleRun


def faults(seeds: range) -> Iterator[SampleRun]:
    """One sample run per fault and seed, all faults of a seed before the next seed."""
    for seed in seeds:
        for number, fault in enumerate(FAULTS):
            draw = np.random.default_rng([seed, number])
            name = fault.__name__.lstrip("_")
            recipe, intervention = fault(_recipe(draw, seed * len(FAULTS) + number), draw)
            dialect = DIALECTS[int(draw.integers(len(DIALECTS)))]
            if name == "loss_scale":
                dialect |= {"loss_scale": "train/loss_scale"}
            place = PLACES[int(draw.integers(len(PLACES)))]
            yield SampleRun(f"{name}_{seed:03}", recipe, intervention, dialect, place, by_hand=True)


def _recipe(draw: Draw, seed: int) -> Recipe:
    """A calm base: small batches, a small network, a task of its own."""
    period = int(draw.integers(5, 11))
    task = Task(
        seed=int(draw.integers(1_000_000)),
        smooth_actions=int(draw.integers(2, 9)),
        tremor=float(draw.uniform(0.05, 0.12)),
        jerk=float(draw.uniform(0.1, 0.25)),
    )
    return Recipe(
        seed=seed,
        batch_size=int(draw.choice([16, 24, 32, 48])),
        transitions=int(draw.integers(300, 900)),
        train_steps=POINTS * period,
        learning_rate=float(draw.choice([3e-4, 5e-4, 1e-3])),
        hidden=int(draw.choice([64, 96, 128])),
        log_period=period,
        task=task,
    )


DIALECTS = (
    dialects.HIL_SERL_FULL,
    dialects.HIL_SERL_TF2,
    dialects.IMITATION,
    dialects.CLEANRL,
    dialects.RSL_RL,
    dialects.SB3,
)
PLACES = (
    configuration_places.config_yaml,
    configuration_places.hparams_yaml,
    configuration_places.hydra,
    configuration_places.text_table,
    configuration_places.text_args,
    configuration_places.hparams_plugin,
)
