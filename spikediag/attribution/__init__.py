"""Case -> one verdict per cause, the primary cause, the conditions of the run and the overall verdict."""

from spikediag.attribution.case import Case
from spikediag.attribution.conditions import conditions
from spikediag.attribution.nll_algebra import algebra, components
from spikediag.attribution.overall import conclude
from spikediag.attribution.protocol import registry
from spikediag.attribution.scoring import primary_cause, verdicts
from spikediag.model import Explanation

__all__ = ["Case", "conclude", "conditions", "explain", "registry"]


def explain(case: Case) -> Explanation:
    """Judge every registered cause for one case and say which of them answers 'why'.

    Args:
        case: The run, one spike of one of its losses, its coupling and every spike of every series.
    """
    causes = registry.load()
    judged = verdicts(causes, {id_: cause.judge(case) for id_, cause in causes.items()})
    return Explanation(
        verdicts=judged,
        primary_cause=primary_cause(judged),
        components=components(case),
        algebra=algebra(case),
    )
