"""What the configuration says, asked by meaning: dimensions, batches drawn, optimizer, schedule."""

from spikediag.model import Fact, FactName, Run
from spikediag.stats.sampling import Sampling

DEFAULT_BETA2 = 0.999  # of Adam in every library
_NO_SCHEDULE = {"constant", "none", "fixed", "false"}


def dims(run: Run) -> int | None:
    """Action dimensions, None when unknown."""
    number = run.fact(FactName.ACTION_DIM).number
    return int(number) if number is not None and number >= 1 else None


def sampling(run: Run, step: float | None = None) -> Sampling | None:
    """Batches drawn up to `step`, or in the whole log; None when batch, dataset or updates are unknown."""
    updates = run.updates(step)
    if run.batch is None or updates is None or updates <= 0:
        return None
    return Sampling(run.batch, updates)


def beta2(run: Run) -> float:
    """Adam's second decay, its default when it is not stated."""
    number = run.fact(FactName.BETA2).number
    return number if number is not None and 0 < number < 1 else DEFAULT_BETA2


def constant_rate_stated(run: Run) -> Fact | None:
    """The fact that states a constant learning rate, if there is one."""
    fact = run.fact(FactName.LR_SCHEDULE)
    stated = isinstance(fact.value, str) and fact.value.strip().lower() in _NO_SCHEDULE
    return fact if stated else None
