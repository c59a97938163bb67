"""What the configuration says, asked by meaning: dimensions, batch and dataset, optimizer, schedule."""

from spikediag.model import Batch, Fact, FactName, Run, Text, say
from spikediag.stats.sampling import Sampling

DEFAULT_BETA2 = 0.999  # of Adam in every library
SMALL_SHARE = 0.2  # below, a share is given with a decimal
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


def batch_share(batch: Batch) -> Text:
    """The batch of one update as a share of the dataset, and where both were read."""
    if batch.ratio < SMALL_SHARE:
        return say(
            "Batch {batch:.0f} of {dataset:.0f} samples is {ratio:.1%} ({batch_source}; {dataset_source})",
            batch=batch.samples,
            dataset=batch.dataset,
            ratio=batch.ratio,
            batch_source=batch.samples_source,
            dataset_source=batch.dataset_source,
        )
    return say(
        "Batch {batch:.0f} of {dataset:.0f} samples is {ratio:.0%} ({batch_source}; {dataset_source})",
        batch=batch.samples,
        dataset=batch.dataset,
        ratio=batch.ratio,
        batch_source=batch.samples_source,
        dataset_source=batch.dataset_source,
    )


def beta2(run: Run) -> float:
    """Adam's second decay, its default when it is not stated."""
    number = run.fact(FactName.BETA2).number
    return number if number is not None and 0 < number < 1 else DEFAULT_BETA2


def constant_rate_stated(run: Run) -> Fact | None:
    """The fact that states a constant learning rate, if there is one."""
    fact = run.fact(FactName.LR_SCHEDULE)
    stated = isinstance(fact.value, str) and fact.value.strip().lower() in _NO_SCHEDULE
    return fact if stated else None
