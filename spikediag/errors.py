"""Every error a user can meet: one sentence that names the way out."""


class SpikediagError(Exception):
    """Base of every error that spikediag raises on purpose."""


class UsageError(SpikediagError):
    """An option, a setting or a fact that cannot be used as given."""


class UnreadableRunError(SpikediagError):
    """Nothing could be read where a run was expected."""


class RunNotFoundError(UnreadableRunError):
    """The path does not exist."""


class NoEventsError(UnreadableRunError):
    """The path holds no TensorBoard event file, or event files without any scalar."""


class NoLossError(SpikediagError):
    """The run has scalars, but none that is understood as a loss."""


class ReportExistsError(SpikediagError):
    """The output folder holds something that spikediag did not write."""


class CannotWriteError(SpikediagError):
    """The file system refused to take a report."""
