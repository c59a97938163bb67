"""The axis on which two trainings are laid side by side: steps, or passes over the data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikediag.errors import UsageError
from spikediag.model import FactName, FloatArray, IntArray, Run

AXES = ("step", "pass")


@dataclass(frozen=True)
class Axis:
    """A common axis and the window on it that all trainings cover."""

    unit: str
    start: float
    end: float

    def of(self, run: Run, steps: IntArray) -> FloatArray:
        """Steps (n,) of a run on this axis."""
        return steps.astype(np.float64) * _scale(run, self.unit)


def common_axis(runs: Sequence[Run], tag: str, unit: str) -> Axis:
    """The axis in this unit, cut to what every run's `tag` covers.

    Raises:
        UsageError: the unit is unknown, passes cannot be computed, or the runs share nothing.
    """
    if unit not in AXES:
        raise UsageError(f"runs are compared by {' or '.join(AXES)}, not by {unit!r}.")
    firsts = [float(run.series[tag].steps[0]) * _scale(run, unit) for run in runs]
    lasts = [float(run.series[tag].steps[-1]) * _scale(run, unit) for run in runs]
    if not min(lasts) > max(firsts):
        raise UsageError(f"the runs have no {unit} in common: one ends before another begins.")
    return Axis(unit, max(firsts), min(lasts))


def _scale(run: Run, unit: str) -> float:
    if unit == "step":
        return 1.0
    if run.step_unit != "step":
        raise UsageError(f"{run.name} counts {run.step_unit}s, not steps; compare by step.")
    batch = run.fact(FactName.EFFECTIVE_BATCH_SIZE).number or run.fact(FactName.BATCH_SIZE).number
    dataset = run.fact(FactName.DATASET_SIZE).number
    if not batch or not dataset:
        missing = "dataset_size" if batch else "batch_size"
        raise UsageError(
            f"{run.name}: passes over the data need its {missing}; state it under [facts] in a "
            f"spikediag.toml beside the run, or compare by step."
        )
    return batch / dataset
