"""Fault kinds: what each injected fault looks like for one seed."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.interventions.corrupted_labels import CorruptedLabels
from sample_runs.lab.interventions.epoch_boundary import EpochBoundary
from sample_runs.lab.interventions.grad_explosion import GradExplosion
from sample_runs.lab.interventions.hard_batch import HardBatch
from sample_runs.lab.interventions.log_std_drop import LogStdDrop
from sample_runs.lab.interventions.log_std_ramp import LogStdRamp
from sample_runs.lab.interventions.logging_change import LoggingChange
from sample_runs.lab.interventions.loss_scale import LossScale
from sample_runs.lab.interventions.lr_step import LrStep
from sample_runs.lab.interventions.lr_warm_restart import LrWarmRestart
from sample_runs.lab.interventions.non_finite import NonFinite
from sample_runs.lab.interventions.remedy import Remedy
from sample_runs.lab.interventions.resume import Resume
from sample_runs.lab.recipe import Recipe
from sample_runs.lab.truth import Truth

POINTS = 600  # logged points of a short training
Draw = np.random.Generator
Fault = Callable[[Recipe, Draw], tuple[Recipe, Intervention]]


def _late(recipe: Recipe, draw: Draw) -> int:
    """A logged step in the second part of the training."""
    return int(draw.uniform(0.45, 0.8) * POINTS) * recipe.log_period


def _calm(recipe: Recipe, _draw: Draw) -> tuple[Recipe, Intervention]:
    recipe = replace(recipe, std_min=0.03, learning_rate=3e-4)
    return recipe, Remedy(Truth("None.", "Nothing is disturbed, the batch is small and sigma has a floor."))


def _lr_step(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    return recipe, LrStep(_late(recipe, draw), float(draw.uniform(6, 20)))


def _lr_warm_restart(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    return recipe, LrWarmRestart(_late(recipe, draw), float(draw.uniform(3e-3, 8e-3)))


def _log_std_drop(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    return recipe, LogStdDrop(_late(recipe, draw), float(draw.uniform(0.6, 1.5)))


def _log_std_ramp(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    step = _late(recipe, draw) * 2 // 3
    return recipe, LogStdRamp(step, int(recipe.train_steps * 0.95), float(draw.uniform(4, 10)))


def _hard_batch(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    count = int(draw.integers(1, 4))
    first = _late(recipe, draw)
    steps = tuple(first + 17 * recipe.log_period * number for number in range(count))
    return recipe, HardBatch(steps, int(draw.integers(2, 6)), float(draw.uniform(0.8, 2.0)))


def _resume(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    """The second update after the restart, the worst, is a logged one."""
    step = _late(recipe, draw) - 1
    return replace(recipe, learning_rate=float(draw.uniform(2e-3, 4e-3))), Resume(
        step, step + int(draw.integers(5, 40)) * recipe.log_period
    )


def _corrupted_labels(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    return recipe, CorruptedLabels(_late(recipe, draw), float(draw.uniform(0.1, 0.4)))


def _non_finite(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    return recipe, NonFinite(_late(recipe, draw))


def _loss_scale(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    return recipe, LossScale(_late(recipe, draw), backoff=2.0 ** -int(draw.integers(9, 13)))


def _grad_explosion(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    return recipe, GradExplosion(_late(recipe, draw), float(10 ** draw.uniform(2, 3)))


def _logging_change(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    return recipe, LoggingChange(_late(recipe, draw), int(draw.choice([4, 6, 8, 16])))


def _epoch_boundary(recipe: Recipe, draw: Draw) -> tuple[Recipe, Intervention]:
    """Epochs whose length shares no factor with the log period, so that each phase is logged."""
    updates = next(n for n in range(int(draw.integers(25, 50)), 60) if math.gcd(n, recipe.log_period) == 1)
    size = (updates - 1) * recipe.batch_size + 1
    task = replace(recipe.task, tremor=0.03, jerk=float(draw.uniform(0.5, 0.8)))
    recipe = replace(recipe, transitions=size, sampling="epochs", std_min=0.01, task=task)
    return recipe, EpochBoundary(1, updates)


FAULTS: tuple[Fault, ...] = (
    _calm,
    _lr_step,
    _lr_warm_restart,
    _log_std_drop,
    _log_std_ramp,
    _hard_batch,
    _resume,
    _corrupted_labels,
    _non_finite,
    _loss_scale,
    _grad_explosion,
    _logging_change,
    _epoch_boundary,
)
