"""Which verdict answers 'why': a trigger, else a condition, else a mechanism, else nothing does."""

from spikediag.attribution.scoring import UNEXPLAINED
from spikediag.model import CauseVerdict, Status, Tier

CONDITION_FROM = 0.5  # a condition answers from here on: more likely than everything else together


def primary_cause(verdicts: tuple[CauseVerdict, ...]) -> str:
    """The id of the primary cause, or `unexplained`.

    Args:
        verdicts: Of one finding, strongest first.
    """
    for tier, accepted in (
        (Tier.TRIGGER, _supported),
        (Tier.CONDITION, _likely),
        (Tier.MECHANISM, _supported),
    ):
        found = next((v for v in verdicts if v.tier is tier and v.cause != UNEXPLAINED and accepted(v)), None)
        if found is not None:
            return found.cause
    return UNEXPLAINED


def _supported(verdict: CauseVerdict) -> bool:
    return verdict.status is Status.SUPPORTED


def _likely(verdict: CauseVerdict) -> bool:
    held = verdict.status in {Status.SUPPORTED, Status.PLAUSIBLE}
    return held and verdict.probability >= CONDITION_FROM
