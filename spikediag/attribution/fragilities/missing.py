"""companion, log-std: what was not logged and would decide."""

from spikediag.attribution.loglines import log_line
from spikediag.model import Condition, Role, Run, Status, say


def no_companion(run: Run) -> Condition:
    """Whether an error metric is logged beside the losses."""
    tags = [s.tag for s in run.having(Role.COMPANION)]
    if tags:
        reading = say("Error metrics are logged: {tags}.", tags=", ".join(tags))
        return Condition("companion", Status.RULED_OUT, reading, len(tags))
    return Condition(
        "companion",
        Status.SUPPORTED,
        say("No error metric is logged: a jump of the loss cannot be told from a policy that got worse."),
        0,
        (log_line(run, Role.COMPANION),),
    )


def no_log_std(run: Run) -> Condition | None:
    """Whether sigma is logged, for runs whose loss is a likelihood."""
    if not any(run.is_likelihood(s) for s in run.having(Role.LOSS)):
        return None
    tags = [s.tag for s in (*run.having(Role.LOG_STD), *run.having(Role.ENTROPY))]
    if tags:
        return Condition(
            "log-std", Status.RULED_OUT, say("Sigma is logged: {tags}.", tags=", ".join(tags)), len(tags)
        )
    return Condition(
        "log-std",
        Status.SUPPORTED,
        say("Neither log-std nor entropy is logged: a jump cannot be split into sigma and error."),
        0,
        (log_line(run, Role.LOG_STD),),
    )
