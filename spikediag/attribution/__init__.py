"""Case -> one verdict per cause, the primary cause, the conditions of the run and the overall verdict."""

from spikediag.attribution.case import Case
from spikediag.attribution.conditions import conditions
from spikediag.attribution.nll_algebra import algebra, components
from spikediag.attribution.overall import conclude
from spikediag.attribution.protocol import Cause, Judgement, registry, weigh
from spikediag.attribution.scoring import primary_cause, verdicts
from spikediag.model import Explanation, Text, say

__all__ = ["Case", "conclude", "conditions", "explain", "registry"]


def explain(case: Case) -> Explanation:
    """Judge every registered cause for one case and say which of them answers 'why'.

    Args:
        case: The run, one spike of one of its losses, its coupling and every spike of every series.
    """
    causes = registry.load()
    judged = verdicts(causes, {id_: _judged(cause, case) for id_, cause in causes.items()}, _foreign(case))
    return Explanation(
        verdicts=judged,
        primary_cause=primary_cause(judged),
        components=components(case),
        algebra=algebra(case),
    )


def _foreign(case: Case) -> Text | None:
    """Why no probability can be answered for of this loss; None where the labelled trainings are like it."""
    if case.run.is_likelihood(case.loss):
        return None
    return say(
        "The labelled trainings have likelihood losses; {tag} is not known to be one.", tag=case.loss.tag
    )


def _judged(cause: Cause, case: Case) -> Judgement:
    """What a cause says of a case; one that makes a loss rise says nothing of a fall."""
    judgement = cause.judge(case)
    if not case.spike.is_fall or cause.of_falls:
        return judgement
    reading = say("{tag} fell; this cause makes a loss rise.", tag=case.spike.tag)
    fell = weigh("fell", -1.0, observed=case.spike.height, reference=0.0, reading=reading)
    return Judgement(judgement.tier, (fell,), ruled_out=True)
