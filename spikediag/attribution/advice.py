"""What to do and what to log, with this run's numbers; remedies in the order of their measured effect."""

import math
import shlex
from dataclasses import replace

from spikediag.attribution.run_facts import beta2
from spikediag.model import Advice, Batch, FactName, Role, Run, say
from spikediag.stats.sampling import RECOMMENDED, recommended_batch
from spikediag.study import Remedy, effect, rank

USUAL_STEPS = 20_000  # for a run whose length is not known
_JAX = {"hil-serl", "serl", "ogbench", "openpi"}  # libraries that train with optax


def measured(remedy: Remedy, advice: Advice) -> Advice:
    """The advice with what this remedy did in the study, for a run that is like it."""
    return replace(advice, measured=effect(remedy))


def smaller_batch(run: Run, batch: Batch) -> Advice:
    """A batch of 10 to 20 % of the dataset; accumulation and workers stay as they are."""
    span = recommended_batch(batch.dataset)
    size = span.power_of_two or span.high
    parts = max(1, round(batch.samples / (run.fact(FactName.BATCH_SIZE).number or batch.samples)))
    code = (
        f"batch_size = {size}" if parts == 1 else f"batch_size = {max(1, size // parts)}  # of {parts} parts"
    )
    return Advice(
        say(
            "Use a batch of {low} to {high} (10 to 20 % of {dataset:.0f} samples; {size} is {ratio:.0%}) "
            "instead of {batch:.0f}: at the same number of steps every sample is used {fewer:.1f} times "
            "less.",
            low=span.low,
            high=span.high,
            dataset=batch.dataset,
            size=size,
            ratio=size / batch.dataset,
            batch=batch.samples,
            fewer=batch.samples / size,
        ),
        code,
        rank(Remedy.SMALL_BATCH),
    )


def sigma_floor(run: Run, mse: float | None, dims: int | None) -> Advice:
    """A floor under sigma, at half the error per dimension where that is known.

    Args:
        run: The run.
        mse: Squared error summed over dimensions.
        dims: Action dimensions.
    """
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
        rank(Remedy.FLOOR),
    )


def decay_rate(run: Run) -> Advice:
    """A learning-rate decay to zero over the length of this run."""
    steps = int(run.last_step or USUAL_STEPS)
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
        rank(Remedy.DECAY),
    )


def lower_beta2(run: Run) -> Advice:
    """A shorter memory of Adam's second moment."""
    decay = beta2(run)
    return Advice(
        say(
            "Lower Adam's beta2 from {beta2:g} to 0.95: its step size then follows a sudden gradient within "
            "20 steps instead of {memory:,.0f}.",
            beta2=decay,
            memory=1 / (1 - decay),
        ),
        "optax.adam(learning_rate, b2=0.95)" if run.library in _JAX else "betas=(0.9, 0.95)",
        rank(Remedy.BETA2),
    )


def clip_gradients(run: Run, limit: float | None) -> Advice:
    """Gradient clipping at a norm this run shows in calm times, where it is logged."""
    norm = _one_digit(limit) if limit and limit > 0 else 1.0
    return Advice(
        say("Clip the gradient norm at {norm:g}, so that one batch cannot throw the weights far.", norm=norm),
        f"optax.chain(optax.clip_by_global_norm({norm:g}), optimizer)"
        if run.library in _JAX
        else f"torch.nn.utils.clip_grad_norm_(model.parameters(), {norm:g})",
        rank(Remedy.CLIP),
    )


def more_samples(batch: Batch) -> Advice:
    """Enough data for this batch to be a fifth of it."""
    needed = batch.samples / RECOMMENDED[1]
    return Advice(
        say(
            "Collect more data: {needed:,.0f} samples make batch {batch:.0f} a fifth of the dataset "
            "({times:.1f} times today's {dataset:.0f}). Good for the policy, but no cure.",
            needed=needed,
            batch=batch.samples,
            times=needed / batch.dataset,
            dataset=batch.dataset,
        ),
        None,
        rank(Remedy.MORE_SAMPLES),
    )


def weighted_sampling() -> Advice:
    """Sampling by error; it does not touch what makes the loss sharp."""
    return Advice(
        say(
            "Weight the sampling by each sample's error, if a few samples are much harder than the rest; try "
            "it after the others."
        ),
        "sampler = torch.utils.data.WeightedRandomSampler(weights, num_samples=len(weights))",
        rank(Remedy.WEIGHTED),
    )


def verify(run: Run) -> Advice:
    """Train again with one change and compare."""
    return Advice(
        say(
            "Verify by training again with one change: the same code spikes with some seeds and not with "
            "others."
        ),
        f"spikediag compare {shlex.quote(run.path)} RUN_AFTER",
        len(Remedy) + 1,
    )


def _one_digit(value: float) -> float:
    return float(f"{value:.1g}")


def log_line(run: Run, role: Role) -> Advice:
    """How to log a role in this run: as its library does where that is known, else plain TensorBoard."""
    return Advice(_TEXTS[role], run.log_lines.get(role))


_TEXTS = {
    Role.LOG_STD: say(
        "Log the mean and the smallest log-std of the batch: they split the jump into sigma, error and "
        "concentration."
    ),
    Role.LEARNING_RATE: say("Log the learning rate: without it no change of it can be seen or ruled out."),
    Role.GRAD_NORM: say("Log the gradient norm before clipping: it shows whether the gradients rose first."),
    Role.COMPANION: say(
        "Log an error metric of the same batch: without it nobody can tell whether the policy got worse."
    ),
    Role.LOSS_SCALE: say("Log the loss scale: a halving at the jump means an overflow in half precision."),
    Role.EPOCH: say("Log the epoch: without it the boundaries of a pass over the dataset are not known."),
}


def give_facts(run: Run, *names: FactName) -> Advice:
    """How to state facts that were not found beside the run."""
    return Advice(
        say(
            "{names} unknown: to be given on the command line or in spikediag.toml.",
            names=" and ".join(names),
        ),
        f"spikediag analyze {shlex.quote(run.path)} "
        + " ".join(f"--{name.replace('_', '-')} N" for name in names),
    )
