"""The line of code that logs what was missing, for the library that wrote the run where it is known."""

from collections.abc import Mapping

from spikediag.model import Advice, Role, Run, say

_GENERIC: Mapping[Role, str] = {
    Role.LOG_STD: 'writer.add_scalar("train/log_std_mean", log_std.mean(), step); '
    'writer.add_scalar("train/log_std_min", log_std.min(), step)',
    Role.LEARNING_RATE: 'writer.add_scalar("train/learning_rate", optimizer.param_groups[0]["lr"], step)',
    Role.GRAD_NORM: 'writer.add_scalar("train/grad_norm", '
    'torch.nn.utils.clip_grad_norm_(model.parameters(), float("inf")), step)',
    Role.COMPANION: 'writer.add_scalar("train/mse", ((mean - action) ** 2).sum(-1).mean(), step)',
    Role.LOSS_SCALE: 'writer.add_scalar("train/loss_scale", scaler.get_scale(), step)',
    Role.EPOCH: 'writer.add_scalar("train/epoch", epoch, step)',
}


def log_line(run: Run, role: Role) -> Advice:
    """How to log a role in this run: as its library does where that is known, else plain TensorBoard."""
    lines: Mapping[str, str] = run.log_lines
    code = lines.get(role.value) or _GENERIC[role]
    return Advice(_TEXTS[role], code)


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
