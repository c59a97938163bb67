"""heavy-tail: the loss throws bursts all along, as a mean does that a few samples rule."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.attribution.advice import line
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import Advice, Evidence, FactName, Kind, LossKind, Role, Run, Series, Text, Tier, say

FAR = 10.0  # times the median of a loss without negative values: points above are far
FEWEST_FAR = 3
FEWEST_BURSTS = 5  # fewer foretell no tail
PART = 0.35  # of the log at either end, in which a habit shows too
REFUTES = -1.0  # bans
FOLLOW = frozenset({Role.LOSS, Role.COMPANION, Role.GRAD_NORM})  # tall where a loss is, whatever the reason
UNUSUAL_FOR = frozenset({LossKind.LIKELIHOOD, LossKind.CROSS_ENTROPY, LossKind.KL_REGULARISED})


@registry.register
@dataclass(frozen=True)
class HeavyTail:
    """The loss is heavy-tailed: it throws such bursts all along, and this is the tallest of them.

    What it means:
        A mechanism, and no alarm. A squared TD error, or a mean over few samples of which one may be huge,
        has a distribution whose logarithm looks like noise. The longer the log, the taller its tallest
        burst; no step of the training made it.

    Evidence for:
        Bursts from the first part of the log to the last, no taller than the tail of the others foretells;
        many points far above the median.

    Evidence against:
        A burst that stands apart from all others of the loss, or with which something else moved that is no
        error and no gradient; a loss that stays up, or diverges in the same log. Blind spot: a
        training that has been ill since its first steps bursts all along as well.

    What to do:
        Judge the loss by its running median or its logarithm, not by its mean. Where bursts hurt, use a
        Huber loss or clip the gradient.
    """

    id: str = "heavy-tail"
    prior: float = 0.02
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset()

    def applies(self, run: Run, loss: Series) -> bool:
        """To all but means of logarithms, whose tails are light while the training is well."""
        return run.loss_kind(loss) not in UNUSUAL_FOR

    def judge(self, case: Case) -> Judgement:
        """Does the loss do this all along?"""
        if not case.spike.usual:
            apart = _apart(case)
            return Judgement(Tier.MECHANISM, (apart,), ruled_out=apart.weight < REFUTES)
        if case.spike.count < FEWEST_BURSTS:
            return Judgement(Tier.MECHANISM, (_few(case),))
        if not _spans(case):
            return Judgement(Tier.MECHANISM, (_since(case),), ruled_out=True)
        return Judgement(
            Tier.MECHANISM,
            (_all_along(case), *_far_points(case), *_something_else(case), *_lost_later(case)),
            decisive=True,
            advice=(_advice(case.run),),
            mechanism=say(
                "{tag} throws such bursts early and late in the log, as a mean does that a few samples rule: "
                "the longer the log, the taller the tallest.",
                tag=case.spike.tag,
            ),
        )


def _apart(case: Case) -> Evidence:
    if not case.is_burst:
        return weigh("lasting", -2.0, reading=say("The loss stays up; a burst of a heavy tail does not."))
    usual = next((s.count for s in case.loss_spikes if s.usual), None)
    if usual is not None:
        reading = say("It is taller than the tail of {count:,} other bursts foretells.", count=usual)
        return weigh("taller", -0.5, observed=case.spike.sigmas, reading=reading)
    reading = say(
        "The jump stands apart from all others of {tag}: no habit of this loss.", tag=case.spike.tag
    )
    return weigh("stands-apart", -2.0, observed=case.spike.sigmas, reading=reading)


def _few(case: Case) -> Evidence:
    reading = say(
        "{count:,} bursts are too few to foretell how tall the next may be.", count=case.spike.count
    )
    return weigh("few", 0.0, observed=case.spike.count, reference=FEWEST_BURSTS, reading=reading)


def _spans(case: Case) -> bool:
    """Whether the bursts begin in the first part of the log and go on to the last."""
    steps = case.loss.steps[[one.start for one in case.spike.excursions]]
    early = float(steps[0] - case.loss.steps[0]) <= PART * case.length
    return early and float(case.loss.steps[-1] - steps[-1]) <= PART * case.length


def _since(case: Case) -> Evidence:
    steps = case.loss.steps[[one.start for one in case.spike.excursions]]
    reading = say(
        "The bursts lie between steps {first:,} and {last:,} of {length:,.0f}: that is no habit of {tag}.",
        first=int(steps[0]),
        last=int(steps[-1]),
        length=case.length,
        tag=case.spike.tag,
    )
    return weigh("not-all-along", -2.0, observed=int(steps[0]), reading=reading)


def _all_along(case: Case) -> Evidence:
    steps = case.loss.steps[[one.start for one in case.spike.excursions]]
    reading = say(
        "{count:,} bursts in {points:,} logged points, from step {first:,} to {last:,}: none is taller than "
        "the tail of the others foretells.",
        count=case.spike.count,
        points=len(case.loss),
        first=int(steps[0]),
        last=int(steps[-1]),
    )
    return weigh("all-along", 2.0, observed=case.spike.count, reading=reading)


def _far_points(case: Case) -> Iterator[Evidence]:
    """How many points stand far above the median, where the loss has a zero."""
    _, values = case.loss.numbers
    level = float(np.median(values))
    far = int(np.count_nonzero(values > FAR * level))
    if level > 0 and float(values.min()) >= 0 and far >= FEWEST_FAR:
        reading = say(
            "{far:,} of {points:,} points of {tag} stand above {times:g} times its median of {level:.3g}.",
            far=far,
            points=len(values),
            tag=case.spike.tag,
            times=FAR,
            level=level,
        )
        yield weigh("far-points", 0.5, observed=far, reference=FEWEST_FAR, reading=reading)


def _something_else(case: Case) -> Iterator[Evidence]:
    """What is neither an error nor a gradient moved with the tallest burst: then something happened there."""
    beside = [w for w in case.witnesses.moved if w.role not in FOLLOW and not w.lag.follows]
    if beside:
        reading = phrases.moved_with(beside[0])
        yield weigh("something-else", -1.5, observed=beside[0].at, reading=reading)


def _lost_later(case: Case) -> Iterator[Evidence]:
    """A loss that ran away in the same log was not well while it burst."""
    lost = [s for s in case.loss_spikes if s.kind is Kind.DIVERGENCE and not s.recovered]
    if lost:
        reading = say("{tag} diverges from step {step:,} on.", tag=case.spike.tag, step=lost[0].onset_step)
        yield weigh("diverges", -1.5, observed=lost[0].onset_step, reading=reading)


def _advice(run: Run) -> Advice:
    limit = run.fact(FactName.GRAD_CLIP).number
    text: Text = say(
        "Judge the loss by its running median, not by its mean; where bursts hurt, use a Huber loss or clip "
        "the gradient."
    )
    if limit is not None:
        text = say(
            "Judge the loss by its running median, not by its mean; the gradient is clipped at {limit:g} "
            "already, so that a burst moves the weights no farther than any other batch.",
            limit=limit,
        )
    return Advice(text, line(run, "robust_loss") if limit is None else None, 3)
