"""From evidence to the answer: bans are added, causes compete, and one of them answers 'why'."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spikediag.attribution.protocol import Cause, Judgement
from spikediag.model import UNEXPLAINED, CauseVerdict, LossKind, Status, Text, Tier, say

LARGEST_WEIGHT = 2.0  # bans; no single check may decide alone
TEMPERATURE = 0.83  # fitted on the calibration split of benchmarks/attribution
SUPPORTED_FROM = 0.8
PLAUSIBLE_FROM = 0.1  # below, and with strong evidence against it: ruled out
REFUTED = -1.0  # bans
CONDITION_FROM = 0.5  # a condition answers from here on: it weighs more than everything else together


def verdicts(
    causes: Mapping[str, Cause], judgements: Mapping[str, Judgement], kind: LossKind, tag: str
) -> tuple[CauseVerdict, ...]:
    """Weigh every judgement against the others; strongest first, ties in order of id.

    Triggers and mechanisms say what happened: they compete, and their shares sum to one. A condition says
    what made the run fragile. It takes nothing from them, but must outweigh them to be called supported,
    except for the mechanisms that it brings about. A mechanism that was measured at the spike says where it
    lay and the others how it came about: it competes with triggers only.

    Args:
        causes: By id.
        judgements: Of every cause.
        kind: Of the loss that jumped; a probability is given where labelled trainings have that too.
        tag: Of that loss.
    """
    where = {id_: j for id_, j in judgements.items() if j.measured}
    events = {id_: j for id_, j in judgements.items() if j.tier is not Tier.CONDITION and not j.measured}
    rivals = {id_: j for id_, j in judgements.items() if not j.of_condition}
    shares = {**_shares(causes, rivals), **_shares(causes, events)}
    triggers = {id_: j for id_, j in events.items() if j.tier is not Tier.MECHANISM or id_ == UNEXPLAINED}
    shares |= {id_: _shares(causes, {**triggers, id_: j})[id_] for id_, j in where.items()}
    found = []
    for id_, judgement in judgements.items():
        found.append(_verdict(causes[id_], judgement, shares[id_], kind, tag))
    return tuple(sorted(found, key=lambda verdict: (-verdict.share, verdict.cause)))


def _shares(causes: Mapping[str, Cause], judgements: Mapping[str, Judgement]) -> dict[str, float]:
    """Each cause's share of the weight of all, by id."""
    ids = list(judgements)
    heard = _without_echo(judgements)
    scores = np.array([score(causes[id_].prior, heard[id_]) for id_ in ids])
    shares = _under_ceilings(ids, judgements, _softmax(scores / TEMPERATURE))
    return dict(zip(ids, shares.tolist(), strict=True))


def score(prior: float, judgement: Judgement) -> float:
    """Log10 of prior times likelihood ratios; evidence of weight 0 is told but does not count."""
    weights = (e.weight for e in judgement.evidence)
    return math.log10(prior) + sum(min(max(w, -LARGEST_WEIGHT), LARGEST_WEIGHT) for w in weights)


def _without_echo(judgements: Mapping[str, Judgement]) -> Mapping[str, Judgement]:
    """A mechanism that a trigger sets off is as likely under the trigger: its evidence tells nothing.

    Where the loss is another quantity, all others can only have moved that one: theirs tells nothing.
    """
    if any(j.decisive and j.identity for j in judgements.values()):
        return {id_: j if j.identity else _unsupported(j) for id_, j in judgements.items()}
    if any(j.decisive and j.tier is Tier.TRIGGER for j in judgements.values()):
        mechanisms = {id_: _unsupported(j) for id_, j in judgements.items() if j.tier is Tier.MECHANISM}
        return {**judgements, **mechanisms}
    return judgements


def _unsupported(judgement: Judgement) -> Judgement:
    return replace(judgement, evidence=tuple(e for e in judgement.evidence if not e.supports))


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


def _verdict(cause: Cause, judgement: Judgement, share: float, kind: LossKind, tag: str) -> CauseVerdict:
    status = _status(cause.id, judgement, share)
    held = status is not Status.RULED_OUT  # nobody acts on a cause that is ruled out
    return CauseVerdict(
        cause=cause.id,
        tier=judgement.tier,
        status=status,
        share=share,
        evidence=tuple(sorted(judgement.evidence, key=lambda e: -abs(e.weight))),
        missing=judgement.missing,
        advice=tuple(sorted(judgement.advice, key=lambda a: a.rank)) if held else (),
        mechanism=judgement.mechanism if status in {Status.SUPPORTED, Status.PLAUSIBLE} else None,
        harmless=judgement.harmless,
        measured=judgement.measured,
        uncalibrated=_uncalibrated(cause, judgement.tier, status, kind, tag),
    )


def _uncalibrated(cause: Cause, tier: Tier, status: Status, kind: LossKind, tag: str) -> Text | None:
    """Why no probability can be answered for; None where labelled trainings stand behind it."""
    if cause.id == UNEXPLAINED:
        return say("It is no cause: it stands for all that are not on the list.")
    if tier is Tier.CONDITION:
        return say("A condition makes a run fragile; it does not compete with what happened.")
    if status is Status.NOT_CHECKABLE:
        return say("What decides it was not logged.")
    if not cause.calibrated:
        return say("No labelled training contains it.")
    if kind not in cause.calibrated:
        return say("The labelled trainings that contain it have other kinds of loss than {tag}.", tag=tag)
    return None


def _status(id_: str, judgement: Judgement, share: float) -> Status:
    """Ruled out is only what lacks an effect it must have, or has strong evidence against it."""
    if judgement.ruled_out:
        return Status.RULED_OUT
    if id_ == UNEXPLAINED:
        return Status.PLAUSIBLE
    if not judgement.checkable:
        return Status.NOT_CHECKABLE
    if share >= SUPPORTED_FROM and judgement.decisive:
        return Status.SUPPORTED
    return Status.RULED_OUT if share < PLAUSIBLE_FROM and judgement.bans <= REFUTED else Status.PLAUSIBLE


def primary_cause(verdicts: tuple[CauseVerdict, ...]) -> str:
    """The cause that answers 'why': a trigger, what was measured at the spike, a condition, a mechanism.

    Else it is `unexplained`.

    Args:
        verdicts: Of one finding, strongest first.
    """
    for tier, accepted in (
        (Tier.TRIGGER, _supported),
        (Tier.MECHANISM, _measured),
        (Tier.CONDITION, _likely),
        (Tier.MECHANISM, _supported),
    ):
        found = next((v for v in verdicts if v.tier is tier and v.cause != UNEXPLAINED and accepted(v)), None)
        if found is not None:
            return found.cause
    return UNEXPLAINED


def _supported(verdict: CauseVerdict) -> bool:
    return verdict.status is Status.SUPPORTED


def _measured(verdict: CauseVerdict) -> bool:
    return verdict.measured and _supported(verdict)


def _likely(verdict: CauseVerdict) -> bool:
    held = verdict.status in {Status.SUPPORTED, Status.PLAUSIBLE}
    return held and verdict.share >= CONDITION_FROM
