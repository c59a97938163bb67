"""How a large batch makes a loss leap, and what to do about it, in this run's numbers."""

from spikediag.attribution import remedies
from spikediag.attribution.algebra import drivers
from spikediag.attribution.likelihood import likelihood
from spikediag.attribution.settings import beta2
from spikediag.model import Advice, Case, Text, say
from spikediag.stats.sampling import Sampling


def memorisation(case: Case, drawn: Sampling | None) -> Text:
    """The mechanism: passes, a shrinking sigma, and where the errors landed if that can be told."""
    if drawn is None:
        return say(
            "A large batch at a fixed number of steps means many passes, memorised samples and a tiny sigma."
        )
    split = drivers(case)
    if split is not None and split.error is not None and split.concentration > 0.5 * split.total:
        return say(
            "{passes:,.0f} passes over {dataset:.0f} samples let the policy memorise them and sigma shrink "
            "around them. Of the {height:.1f} nats, {focus:.1f} came from errors that landed where sigma is "
            "smallest; their size made {error:.1f}, sigma itself {sigma:.1f}.",
            passes=drawn.passes,
            dataset=drawn.dataset,
            height=split.total,
            focus=split.concentration,
            error=split.error,
            sigma=split.sigma,
        )
    return say(
        "{passes:,.0f} passes over {dataset:.0f} samples let the policy memorise them; sigma then shrinks "
        "around the memorised actions, and 1 / (2 sigma^2) turns an error too small to see into {height:.1f} "
        "nats.",
        passes=drawn.passes,
        dataset=drawn.dataset,
        height=case.spike.height,
    )


def against_memorisation(case: Case, batch: float, dataset: float) -> tuple[Advice, ...]:
    """Every remedy of the measured study."""
    known = likelihood(case)
    mse, dims = (known.mse, known.dims) if known is not None else (None, None)
    return (
        remedies.smaller_batch(batch, dataset),
        remedies.sigma_floor(case.run, mse, dims),
        remedies.decay_rate(case.run),
        remedies.lower_beta2(case.run, beta2(case.run)),
        remedies.clip_gradients(case.run, None),
        remedies.more_samples(batch, dataset),
        remedies.weighted_sampling(),
        remedies.verify(case.run),
    )
