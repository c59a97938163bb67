"""unexplained: nothing that was logged tells this jump from another."""

from dataclasses import dataclass

from spikediag.attribution.advice import to_log
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry
from spikediag.model import Advice, LossKind, Role, Tier

_DECIDING = (Role.LOG_STD, Role.GRAD_NORM, Role.LEARNING_RATE, Role.COMPANION)


@registry.register
@dataclass(frozen=True)
class Unexplained:
    """The jump is real, and no cause that spikediag knows is supported by what this run logged.

    What it means:
        An answer, not a failure: a wrong cause would cost more than none. Either the deciding
        quantity was not logged, or several causes fit equally well, or it is a cause not on the list.

    Evidence for:
        None of its own. It takes the share of the probability that no other cause earns.

    Evidence against:
        Any cause with evidence of its own.

    What to do:
        Log the quantities that are named, train again, and look at the batch, the code and the
        machine at the step of the jump.
    """

    id: str = "unexplained"
    prior: float = 0.1
    of_falls: bool = True
    calibrated: frozenset[LossKind] = frozenset()

    def judge(self, case: Case) -> Judgement:
        """Name what the run did not log."""
        return Judgement(tier=Tier.MECHANISM, missing=_not_logged(case))


def _not_logged(case: Case) -> tuple[Advice, ...]:
    return to_log(case.run, case.loss, *(role for role in _DECIDING if not any(case.run.having(role))))
