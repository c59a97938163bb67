"""What to log, which facts to give, and how to verify: in the code of the run's own library."""

import shlex
from string import Template

from spikediag.model import REINFORCED, Advice, FactName, Role, Run, Series, say

AFTER_REMEDIES = 11  # the rank of what comes after every remedy


def verify(run: Run) -> Advice:
    """Train again with one change and compare."""
    return Advice(
        say(
            "Verify by training again with one change: the same code spikes with some seeds and not with "
            "others."
        ),
        f"spikediag compare {shlex.quote(run.path)} RUN_AFTER",
        AFTER_REMEDIES,
    )


def line(run: Run, remedy: str, **values: float | str) -> str | None:
    """The code of a remedy in the library of the run; None where it is not known there."""
    known = run.remedy_lines.get(remedy)
    shown = {n: value if isinstance(value, str) else f"{value:.10g}" for n, value in values.items()}
    return None if known is None else Template(known).safe_substitute(shown)


def log_line(run: Run, role: Role) -> Advice:
    """How to log a role in this run: as its library does where that is known, else plain TensorBoard."""
    return Advice(_TEXTS[role], run.log_lines.get(role), logs=role)


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
