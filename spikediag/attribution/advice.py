"""What to do and what to log, with this run's numbers; remedies in the order of their measured effect."""

import math
import shlex
from dataclasses import replace
from string import Template

import numpy as np

from spikediag.attribution.run_facts import beta2
from spikediag.model import REINFORCED, Advice, Batch, FactName, Role, Run, Series, say
from spikediag.stats.sampling import RECOMMENDED, recommended_batch
from spikediag.study import Remedy, effect, rank

USUAL_STEPS = 20_000  # for a run whose length is not known


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
        remedy=Remedy.SMALL_BATCH,
        setting=(FactName.BATCH_SIZE, max(1, size // parts)),
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
        line(run, "sigma_floor", floor=floor),
        rank(Remedy.FLOOR),
        remedy=Remedy.FLOOR,
        setting=_sigma_setting(run, floor),
    )


def _sigma_setting(run: Run, floor: float) -> tuple[FactName, float]:
    """The floor as the run states it: of sigma itself, or of its logarithm."""
    if run.fact(FactName.SIGMA_MIN).number is None and run.fact(FactName.LOG_STD_MIN).number is not None:
        return FactName.LOG_STD_MIN, float(f"{math.log(floor):.2g}")
    return FactName.SIGMA_MIN, floor


def decay_rate(run: Run) -> Advice:
    """A learning-rate decay to zero over the length of this run."""
    steps = int(run.last_step or USUAL_STEPS)
    return Advice(
        say(
            "Let the learning rate decay to zero over the {steps:,} steps: late steps then cannot overshoot.",
            steps=steps,
        ),
        line(run, "decay_rate", rate=_rate(run), steps=steps),
        rank(Remedy.DECAY),
        remedy=Remedy.DECAY,
        setting=(FactName.LR_SCHEDULE, "cosine"),
    )


def lower_beta2(run: Run) -> Advice:
    """A shorter memory of Adam's second moment."""
    decay = beta2(run)
    stated = run.fact(FactName.BETA2).number == decay
    known = say("{beta2:g}", beta2=decay) if stated else say("{beta2:g} (assumed)", beta2=decay)
    return Advice(
        say(
            "Lower Adam's beta2 from {beta2} to 0.95: its step size then follows a sudden gradient within "
            "20 steps instead of {memory:,.0f}.",
            beta2=known,
            memory=1 / (1 - decay),
        ),
        line(run, "lower_beta2"),
        rank(Remedy.BETA2),
        remedy=Remedy.BETA2,
        setting=(FactName.BETA2, 0.95),
    )


def clip_gradients(run: Run, limit: float | None) -> Advice:
    """Gradient clipping at a norm this run shows in calm times, where it is logged."""
    norm = _one_digit(limit) if limit and limit > 0 else 1.0
    return Advice(
        say("Clip the gradient norm at {norm:g}, so that one batch cannot throw the weights far.", norm=norm),
        line(run, "clip_gradients", norm=norm),
        rank(Remedy.CLIP),
        remedy=Remedy.CLIP,
        setting=(FactName.GRAD_CLIP, norm),
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
        remedy=Remedy.MORE_SAMPLES,
    )


def weighted_sampling(run: Run) -> Advice:
    """Sampling by error; it does not touch what makes the loss sharp."""
    return Advice(
        say(
            "Weight the sampling by each sample's error, if a few samples are much harder than the rest; try "
            "it after the others."
        ),
        line(run, "weighted_sampling"),
        rank(Remedy.WEIGHTED),
        remedy=Remedy.WEIGHTED,
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


def _rate(run: Run) -> float | str:
    """The learning rate as it is stated, else the highest that was logged, else its name."""
    stated = run.fact(FactName.LEARNING_RATE).number
    logged = (float(np.max(s.values[s.finite])) for s in run.having(Role.LEARNING_RATE) if s.finite.any())
    return stated or next(logged, None) or "learning_rate"


def line(run: Run, remedy: str, **values: float | str) -> str | None:
    """The code of a remedy in the library of the run; None where it is not known there."""
    known = run.remedy_lines.get(remedy)
    shown = {n: value if isinstance(value, str) else f"{value:.10g}" for n, value in values.items()}
    return None if known is None else Template(known).safe_substitute(shown)


def _one_digit(value: float) -> float:
    return float(f"{value:.1g}")


def log_line(run: Run, role: Role) -> Advice:
    """How to log a role in this run: as its library does where that is known, else plain TensorBoard."""
    return Advice(_TEXTS[role], run.log_lines.get(role))


def to_log(run: Run, loss: Series, *roles: Role) -> tuple[Advice, ...]:
    """How to log those roles that would tell something of this kind of loss.

    Sigma is asked for where there is one; an error of actions or a pass over a dataset is not, where the
    data are collected on the way.
    """
    idle = set() if run.has_sigma(loss) else {Role.LOG_STD}
    if run.loss_kind(loss) in REINFORCED:
        idle |= {Role.COMPANION, Role.EPOCH}
    return tuple(log_line(run, role) for role in roles if role not in idle)


_TEXTS = {
    Role.LOG_STD: say(
        "Log the mean and the smallest log-std of the batch: they split the jump into sigma, error and "
        "concentration."
    ),
    Role.LEARNING_RATE: say("Log the learning rate: without it no change of it can be seen or ruled out."),
    Role.GRAD_NORM: say("Log the gradient norm before clipping: it shows whether the gradients rose first."),
    Role.COMPANION: say(
        "Log an error metric of the same batch: without it nobody can tell whether the model got worse."
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
