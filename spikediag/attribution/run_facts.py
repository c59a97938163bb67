"""What the configuration says, asked by meaning: dimensions, batch and dataset, optimizer, schedule."""

import math

from spikediag.model import Batch, Fact, FactName, Role, Run, Series, Text, say
from spikediag.stats.sampling import RECOMMENDED, Sampling

DEFAULT_BETA2 = 0.999  # of Adam in every library
MANY_PASSES = 1000.0  # a convention: in the study small batches and large datasets spiked after 200
FEW_PASSES = 100.0
STUDIED_RATIO = 256 / 418  # of the study's reference; a batch of 15 % spiked less
SMALL_SHARE = 0.2  # below, a share is given with a decimal
_EVEN = {"uniform", "random", "replacement", "without_replacement", "shuffle", "sequential"}
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


def large(batch: Batch) -> float:
    """How large a part of the dataset a batch is: 0 as recommended, 1 as in the study, by the logarithm."""
    return _between(batch.ratio, RECOMMENDED[1], STUDIED_RATIO)


def many(passes: float | None) -> float:
    """How far so many passes are enough for memorising: 0 at a hundred, 1 at a thousand or where unknown."""
    return 1.0 if passes is None else _between(passes, FEW_PASSES, MANY_PASSES)


def _between(value: float, low: float, high: float) -> float:
    return min(max(math.log(max(value, 1e-9) / low) / math.log(high / low), 0.0), 1.0)


def no_likelihood(loss: Series) -> Text:
    """Why nothing is said that holds for likelihoods only."""
    return say("{tag} is not known to be a negative log-likelihood: this does not apply to it.", tag=loss.tag)


def sampled_evenly(run: Run) -> bool:
    """Whether every sample is drawn as often as any other, as far as the configuration says."""
    stated = run.fact(FactName.SAMPLING).value
    return stated is None or str(stated).lower() in _EVEN


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


def squashed(run: Run) -> bool | None:
    """Whether the policy squashes its actions by tanh; None where nothing states it."""
    stated = run.fact(FactName.TANH_SQUASH).value
    return None if stated is None else str(stated).lower() not in {"false", "0", "none", "no"}


def beta2(run: Run) -> float:
    """Adam's second decay, its default when it is not stated."""
    number = run.fact(FactName.BETA2).number
    return number if number is not None and 0 < number < 1 else DEFAULT_BETA2


def constant_rate_stated(run: Run) -> Fact | None:
    """The fact that states a constant learning rate, if there is one."""
    fact = run.fact(FactName.LR_SCHEDULE)
    stated = isinstance(fact.value, str) and fact.value.strip().lower() in _NO_SCHEDULE
    return fact if stated else None


def highest_rate(run: Run) -> float | None:
    """The highest learning rate that is logged, else the one that is stated."""
    logged = (s.values[s.finite] for s in run.having(Role.LEARNING_RATE) if s.finite.any())
    highest = max((float(values.max()) for values in logged), default=None)
    return run.fact(FactName.LEARNING_RATE).number if highest is None else highest
