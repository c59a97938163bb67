"""Case -> one verdict per cause, the primary cause, the conditions of the run and the overall verdict."""

from collections.abc import Mapping

from spikediag.attribution.announced import announced
from spikediag.attribution.case import Case
from spikediag.attribution.conditions import conditions
from spikediag.attribution.nll_algebra import algebra, components
from spikediag.attribution.overall import conclude
from spikediag.attribution.protocol import Cause, Judgement, applies, registry, weigh
from spikediag.attribution.remedies import foresee
from spikediag.attribution.scoring import primary_cause, verdicts
from spikediag.model import Explanation, Role, Run, Series, say

__all__ = ["Case", "announced", "applicable", "conclude", "conditions", "explain", "foresee", "registry"]


def explain(case: Case) -> Explanation:
    """Judge every cause that applies to the loss of a case and say which of them answers 'why'.

    Args:
        case: The run, one spike of one of its losses, its coupling and every spike of every series.
    """
    causes = case.run.once(_causes_of, case.loss)
    judgements = {id_: _judged(cause, case) for id_, cause in causes.items()}
    judged = verdicts(causes, judgements, case.run.loss_kind(case.loss), case.loss.tag)
    return Explanation(
        verdicts=judged,
        primary_cause=primary_cause(judged),
        components=components(case),
        algebra=algebra(case),
        recorded=tuple(case.recorded.readings) if case.recorded is not None else (),
    )


def applicable(run: Run) -> tuple[str, ...]:
    """The causes that can make some loss of a run jump."""
    of_any = {id_ for loss in run.having(Role.LOSS) for id_ in run.once(_causes_of, loss)}
    return tuple(id_ for id_ in registry.load() if id_ in of_any)


def _causes_of(run: Run, loss: Series) -> Mapping[str, Cause]:
    return {id_: cause for id_, cause in registry.load().items() if applies(cause, run, loss)}


def _judged(cause: Cause, case: Case) -> Judgement:
    """What a cause says of a case; one that makes a loss rise says nothing of a fall."""
    judgement = cause.judge(case)
    if not case.spike.is_fall or cause.of_falls:
        return judgement
    reading = say("{tag} fell; this cause makes a loss rise.", tag=case.spike.tag)
    fell = weigh("fell", -1.0, observed=case.spike.height, reference=0.0, reading=reading)
    return Judgement(judgement.tier, (fell,), ruled_out=True)
