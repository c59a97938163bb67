"""Which losses are negative log-likelihoods of actions, from their tag or from what they do."""

import numpy as np

from spikediag.model import Measure, Role, Run, Series

_OPEN = {Measure.UNKNOWN, Measure.POLICY, Measure.SQUARED_ERROR}  # a name that does not settle it


def is_likelihood(loss: Series, run: Run) -> bool:
    """Whether a loss is a negative log-likelihood.

    Its tag says so; or it settles below zero, which no squared or absolute error can, and the error of the
    same actions is logged beside it, in the same group of tags.
    """
    if loss.measure is Measure.NLL:
        return True
    if loss.measure not in _OPEN:
        return False
    late = loss.values[len(loss) // 2 :]
    late = late[np.isfinite(late)]
    if not len(late) or float(np.median(late)) >= 0:
        return False
    group = loss.tag.rpartition("/")[0]
    errors = (s for s in run.having(Role.COMPANION) if s.measure is Measure.SQUARED_ERROR)
    return any(s.tag.rpartition("/")[0] == group for s in errors)
