"""What to do, with this run's numbers; ranked by the effect each had in the measured study."""

import math
import shlex

from spikediag.attribution import study
from spikediag.attribution.settings import last_step
from spikediag.model import Advice, FactName, Run, say
from spikediag.stats.sampling import recommended_batch

SAFE_RATIO = 0.20  # upper end of the recommended batch/dataset ratio
_JAX = {"hil-serl", "serl", "ogbench", "openpi"}  # libraries that train with optax


def smaller_batch(batch: float, dataset: float) -> Advice:
    """A batch of 10 to 20 % of the dataset."""
    span = recommended_batch(dataset)
    size = span.power_of_two or span.high
    return Advice(
        say(
            "Use a batch of {low} to {high} (10 to 20 % of {dataset:.0f} samples; {size} is {ratio:.0%}) "
            "instead of {batch:.0f}: at the same number of steps every sample is used {fewer:.1f} times "
            "less.",
            low=span.low,
            high=span.high,
            dataset=dataset,
            size=size,
            ratio=size / dataset,
            batch=batch,
            fewer=batch / size,
        ),
        f"batch_size = {size}",
        study.rank(study.SMALL_BATCH),
    )


def sigma_floor(run: Run, mse: float | None, dims: int | None) -> Advice:
    """A floor under sigma, at half the error per dimension where that is known."""
    floor = _one_digit(0.5 * math.sqrt(mse / dims)) if mse and dims and mse > 0 else 0.05
    return Advice(
        say(
            "Bound sigma from below, at {floor:g}: an error of e then costs at most e^2 / (2 x {floor:g}^2) "
            "nats per dimension, and sharpening further earns nothing.",
            floor=floor,
        ),
        f"log_std = jnp.maximum(log_std, jnp.log({floor:g}))"
        if run.library in _JAX
        else f"log_std = log_std.clamp(min=math.log({floor:g}))",
        study.rank(study.FLOOR),
    )


def decay_rate(run: Run) -> Advice:
    """A learning-rate decay to zero over the length of this run."""
    steps = int(last_step(run) or 20_000)
    rate = run.fact(FactName.LEARNING_RATE).number
    if run.library in _JAX:
        code = f"optax.adam(optax.cosine_decay_schedule({rate or 3e-4:g}, {steps}))"
    else:
        code = f"scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max={steps})"
    return Advice(
        say(
            "Let the learning rate decay to zero over the {steps:,} steps: late steps then cannot overshoot.",
            steps=steps,
        ),
        code,
        study.rank(study.DECAY),
    )


def lower_beta2(run: Run, beta2: float) -> Advice:
    """A shorter memory of Adam's second moment."""
    return Advice(
        say(
            "Lower Adam's beta2 from {beta2:g} to 0.95: its step size then follows a sudden gradient within "
            "20 steps instead of {memory:,.0f}.",
            beta2=beta2,
            memory=1 / (1 - beta2),
        ),
        "optax.adam(learning_rate, b2=0.95)" if run.library in _JAX else "betas=(0.9, 0.95)",
        study.rank(study.BETA2),
    )


def clip_gradients(run: Run, limit: float | None) -> Advice:
    """Gradient clipping at a norm this run shows in calm times, where it is logged."""
    norm = _one_digit(limit) if limit and limit > 0 else 1.0
    return Advice(
        say("Clip the gradient norm at {norm:g}, so that one batch cannot throw the weights far.", norm=norm),
        f"optax.chain(optax.clip_by_global_norm({norm:g}), optimizer)"
        if run.library in _JAX
        else f"torch.nn.utils.clip_grad_norm_(model.parameters(), {norm:g})",
        study.rank(study.CLIP),
    )


def more_samples(batch: float, dataset: float) -> Advice:
    """Enough data for this batch to be a fifth of it."""
    return Advice(
        say(
            "Collect more data: {needed:,.0f} samples make batch {batch:.0f} a fifth of the dataset "
            "({times:.1f} times today's {dataset:.0f}). Good for the policy, but no cure: in the measured "
            "study five times the data at the same batch meant {spikes:.0f} spikes a training instead of "
            "{reference:.0f}.",
            needed=batch / SAFE_RATIO,
            batch=batch,
            times=batch / SAFE_RATIO / dataset,
            dataset=dataset,
            spikes=study.SPIKES[study.MORE_SAMPLES],
            reference=study.SPIKES[study.REFERENCE],
        ),
        None,
        study.rank(study.MORE_SAMPLES),
    )


def weighted_sampling() -> Advice:
    """Sampling by error; it does not touch what makes the loss sharp."""
    return Advice(
        say(
            "Weight the sampling by each sample's error, if a few samples are much harder than the rest. In "
            "the measured study this meant {spikes:.0f} spikes a training instead of {reference:.0f}: try it "
            "after the others.",
            spikes=study.SPIKES[study.WEIGHTED],
            reference=study.SPIKES[study.REFERENCE],
        ),
        "sampler = torch.utils.data.WeightedRandomSampler(weights, num_samples=len(weights))",
        study.rank(study.WEIGHTED),
    )


def verify(run: Run) -> Advice:
    """Train again with one change and compare."""
    return Advice(
        say(
            "Verify by training again with one change: the same code spikes with some seeds and not with "
            "others."
        ),
        f"spikediag compare {shlex.quote(run.path)} RUN_AFTER",
        len(study.SPIKES) + 1,
    )


def _one_digit(value: float) -> float:
    return float(f"{value:.1g}")
