"""kl-term: what rose is the KL penalty, which has become the loss."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from spikediag import phrases
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import Quantity, measuring
from spikediag.model import Advice, Copy, Evidence, LossKind, Run, Series, Tier, say

LARGEST_FACTOR = 10.0  # a penalty weighs less


@registry.register
@dataclass(frozen=True)
class KlTerm:
    """The loss is its KL penalty: the policy moves away from its reference, and that is all that rises.

    What it means:
        In GRPO, DPO with a penalty, and other KL-regularised training the advantages are centred, so the
        policy term lies around zero and the loss that is logged is beta times the divergence from the
        reference. It rises because the policy learns, or because it leaves the reference for good: the
        reward tells which.

    Evidence for:
        The loss is a constant multiple of a logged KL, all along or for as long as it stands high.

    Evidence against:
        A logged KL that is no multiple of the loss. Blind spot: a coefficient that adapts.

    What to do:
        Look at the reward and the KL, not at the loss. Where the reward does not rise with it, raise beta,
        lower the learning rate, or update the reference.
    """

    id: str = "kl-term"
    prior: float = 0.05
    of_falls: bool = True
    calibrated: frozenset[LossKind] = frozenset({LossKind.KL_REGULARISED})

    def applies(self, run: Run, loss: Series) -> bool:
        """To a loss that is held near a reference, and to any unknown one beside which a KL is logged."""
        kind = run.loss_kind(loss)
        unsure = kind in {LossKind.UNKNOWN, LossKind.POLICY_GRADIENT, LossKind.CROSS_ENTROPY}
        return kind is LossKind.KL_REGULARISED or (unsure and bool(measuring(run, Quantity.KL)))

    def judge(self, case: Case) -> Judgement:
        """Is the loss a multiple of a logged KL?"""
        logged = measuring(case.run, Quantity.KL)
        if not logged:
            return Judgement(Tier.MECHANISM, checkable=False, missing=(_log(),))
        tags = {series.tag for series in logged}
        found = [c for c in case.witnesses.copies if c.tag in tags and c.is_multiple]
        terms = [c for c in found if 0 < c.factor <= LARGEST_FACTOR]
        if not terms:
            return Judgement(Tier.MECHANISM, tuple(_no_multiple(case, logged)))
        term = terms[0]
        return Judgement(
            Tier.MECHANISM,
            (_multiple(case, term), *_round(term)),
            decisive=True,
            identity=True,
            harmless=True,
            advice=(_advice(term),),
            mechanism=say(
                "{loss} is {factor:.3g} times {tag}: it rises as the policy leaves its reference.",
                loss=case.spike.tag,
                factor=term.factor,
                tag=term.tag,
            ),
        )


def _multiple(case: Case, term: Copy) -> Evidence:
    reading = phrases.copy_of(case.spike.tag, term)
    return weigh("multiple-of-kl", 2.0, observed=term.factor, reading=reading)


def _round(term: Copy) -> Iterator[Evidence]:
    """A coefficient that a person would write has one or two digits."""
    written = float(f"{term.factor:.1g}")
    if math.isclose(term.factor, written, rel_tol=0.02):
        reading = say("{factor:.3g} is as round as a coefficient that a person writes.", factor=written)
        yield weigh("round-factor", 0.3, observed=term.factor, reference=written, reading=reading)


def _no_multiple(case: Case, logged: tuple[Series, ...]) -> Iterator[Evidence]:
    seen = case.first_seen(logged)
    if seen is not None:
        reading = say("{loss} is no multiple of {tag}.", loss=case.spike.tag, tag=seen.tag)
        yield weigh("no-multiple", -1.5, reading=reading)


def _log() -> Advice:
    return Advice(say("Log the KL to the reference: it tells whether the loss is anything else."))


def _advice(term: Copy) -> Advice:
    return Advice(
        say(
            "Judge this run by its reward and by {tag}, not by the loss; where the reward does not rise "
            "with it, raise beta above {factor:.3g} or lower the learning rate.",
            tag=term.tag,
            factor=term.factor,
        ),
        None,
        1,
    )
