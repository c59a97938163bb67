"""From evidence to the answer: bans are added, causes compete, and one of them answers 'why'."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spikediag.attribution.protocol import Cause, Judgement
from spikediag.model import CauseVerdict, Status, Tier

LARGEST_WEIGHT = 2.0  # bans; no single check may decide alone
TEMPERATURE = 1.1  # fitted on the calibration split of benchmarks/attribution
SUPPORTED_FROM = 0.8
PLAUSIBLE_FROM = 0.1  # below, and with the evidence against it: ruled out
NEGLIGIBLE = 0.02  # below: ruled out by the others
UNEXPLAINED = "unexplained"
CONDITION_FROM = 0.5  # a condition answers from here on: more likely than everything else together


def verdicts(causes: Mapping[str, Cause], judgements: Mapping[str, Judgement]) -> tuple[CauseVerdict, ...]:
    """Weigh every judgement against the others; strongest first, ties in order of id."""
    ids = list(judgements)
    heard = _without_echo(judgements)
    scores = np.array([score(causes[id_].prior, heard[id_]) for id_ in ids])
    shares = _under_ceilings(ids, judgements, _softmax(scores / TEMPERATURE))
    found = [_verdict(id_, judgements[id_], float(share)) for id_, share in zip(ids, shares, strict=True)]
    return tuple(sorted(found, key=lambda verdict: (-verdict.probability, verdict.cause)))


def score(prior: float, judgement: Judgement) -> float:
    """Log10 of prior times likelihood ratios; evidence of weight 0 is told but does not count."""
    weights = (e.weight for e in judgement.evidence)
    return float(np.log10(prior) + sum(float(np.clip(w, -LARGEST_WEIGHT, LARGEST_WEIGHT)) for w in weights))


def _without_echo(judgements: Mapping[str, Judgement]) -> Mapping[str, Judgement]:
    """A mechanism that a trigger sets off is as likely under the trigger: its evidence tells nothing."""
    if not any(j.decisive and j.tier is Tier.TRIGGER for j in judgements.values()):
        return judgements
    return {
        id_: replace(j, evidence=tuple(e for e in j.evidence if not e.supports))
        if j.tier is Tier.MECHANISM
        else j
        for id_, j in judgements.items()
    }


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.power(10.0, scores - np.max(scores))
    return np.asarray(powers / np.sum(powers))


def _under_ceilings(ids: list[str], judgements: Mapping[str, Judgement], shares: np.ndarray) -> np.ndarray:
    """Shares (c,) with what lies above each ceiling given to `unexplained`."""
    if UNEXPLAINED not in ids:
        return shares
    kept = np.minimum(shares, [judgements[id_].ceiling for id_ in ids])
    kept[ids.index(UNEXPLAINED)] += shares.sum() - kept.sum()
    return np.asarray(kept)


def _verdict(id_: str, judgement: Judgement, probability: float) -> CauseVerdict:
    status = _status(id_, judgement, probability)
    held = status is not Status.RULED_OUT  # nobody acts on a cause that is ruled out
    return CauseVerdict(
        cause=id_,
        tier=judgement.tier,
        status=status,
        probability=probability,
        evidence=tuple(sorted(judgement.evidence, key=lambda e: -abs(e.weight))),
        missing=judgement.missing,
        advice=tuple(sorted(judgement.advice, key=lambda a: a.rank)) if held else (),
        mechanism=judgement.mechanism if status in {Status.SUPPORTED, Status.PLAUSIBLE} else None,
    )


def _status(id_: str, judgement: Judgement, probability: float) -> Status:
    if judgement.ruled_out:
        return Status.RULED_OUT
    if id_ == UNEXPLAINED:
        return Status.PLAUSIBLE
    if not judgement.checkable:
        return Status.NOT_CHECKABLE
    if probability >= SUPPORTED_FROM and judgement.decisive:
        return Status.SUPPORTED
    improbable = probability < NEGLIGIBLE or (probability < PLAUSIBLE_FROM and judgement.bans <= 0)
    return Status.RULED_OUT if improbable else Status.PLAUSIBLE


def primary_cause(verdicts: tuple[CauseVerdict, ...]) -> str:
    """The cause that answers 'why': a trigger, else a condition, else a mechanism, else `unexplained`.

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
