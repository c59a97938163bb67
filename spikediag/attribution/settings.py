"""What the configuration says, asked by meaning: batch, dataset, steps, dimensions, optimizer."""

import numpy as np

from spikediag.model import Fact, FactName, Role, Run, Series
from spikediag.stats.sampling import Sampling

DEFAULT_BETA2 = 0.999  # of Adam in every library
_NO_SCHEDULE = {"constant", "none", "fixed", "false"}


def dims(run: Run) -> int | None:
    """Action dimensions, None when unknown."""
    number = run.fact(FactName.ACTION_DIM).number
    return int(number) if number is not None and number >= 1 else None


def batch_and_dataset(run: Run) -> tuple[Fact, Fact] | None:
    """Both facts when both are positive numbers."""
    whole = run.fact(FactName.EFFECTIVE_BATCH_SIZE)  # accumulation and workers counted in
    batch = whole if (whole.number or 0) > 0 else run.fact(FactName.BATCH_SIZE)
    dataset = run.fact(FactName.DATASET_SIZE)
    known = (batch.number or 0) > 0 and (dataset.number or 0) > 0
    return (batch, dataset) if known else None


def updates(run: Run, step: float | None = None) -> float | None:
    """Optimizer steps up to `step` of the x-axis, or in the whole log; None where the axis cannot tell."""
    both = batch_and_dataset(run)
    if step is None:
        step = last_step(run)
    if step is None or run.step_unit == "step":
        return step
    if both is None:
        return None
    batch, dataset = both[0].number or 1.0, both[1].number or 1.0
    return {"epoch": step * dataset / batch, "sample": step / batch}.get(run.step_unit)


def last_step(run: Run) -> float | None:
    """One logging interval past the last step of the losses: the length of the training, in x-axis units."""
    ends = [float(s.steps[-1]) + interval(s) for s in run.having(Role.LOSS) if len(s) > 1]
    return max(ends, default=None)


def sampling(run: Run, step: float | None = None) -> Sampling | None:
    """Batches drawn up to `step`; None when batch, dataset or steps are unknown."""
    both, steps = batch_and_dataset(run), updates(run, step)
    if both is None or steps is None:
        return None
    return Sampling(batch=both[0].number or 1.0, dataset=both[1].number or 1.0, steps=steps)


def interval(series: Series) -> float:
    """Median distance of two logged points, in steps."""
    return float(np.median(np.diff(series.steps))) if len(series) > 1 else 1.0


def constant_rate_stated(run: Run) -> Fact | None:
    """The fact that states a constant learning rate, if there is one."""
    fact = run.fact(FactName.LR_SCHEDULE)
    stated = isinstance(fact.value, str) and fact.value.strip().lower() in _NO_SCHEDULE
    return fact if stated else None


def beta2(run: Run) -> float:
    """Adam's second decay, its default when it is not stated."""
    number = run.fact(FactName.BETA2).number
    return number if number is not None and 0 < number < 1 else DEFAULT_BETA2
