"""The line of code that logs what was missing, for the library that wrote the run where it is known."""

from spikediag.model import Advice, Role, Run, say


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
