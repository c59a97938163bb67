"""batch-ratio: the batch is a large part of the dataset, and every sample is used thousands of times."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from spikediag.attribution import advice, remedies
from spikediag.attribution.case import Case
from spikediag.attribution.nll_algebra import sharp_evidence
from spikediag.attribution.protocol import Judgement, registry, sure_rise, weigh, weigh_coupling
from spikediag.attribution.run_facts import (
    MANY_PASSES,
    STUDIED_RATIO,
    batch_share,
    large,
    many,
    no_likelihood,
    sampled_evenly,
    sampling,
)
from spikediag.model import (
    Advice,
    Batch,
    CouplingVerdict,
    Evidence,
    FactName,
    Kind,
    LossKind,
    Role,
    Run,
    Series,
    Shape,
    Text,
    Tier,
    say,
)
from spikediag.rates import fitted
from spikediag.stats.sampling import (
    FLAGGED_ABOVE,
    RECOMMENDED,
    cantelli,
    finite_population,
    largest_of,
    recommended_batch,
)

FEWEST_REWARDS = 0.05  # as often as the loss; an evaluation is logged more rarely
SAFE, STUDIED = -2.0, 1.0  # bans for a ratio of 20 %, and for the study's
NOT_INDEPENDENT = 0.4  # a tiny sigma follows from the passes: it confirms the condition
MOSTLY = 0.5  # share of the jump
ERROR = MappingProxyType(
    {CouplingVerdict.DECOUPLED: 0.3, CouplingVerdict.PARTLY: 0.1, CouplingVerdict.COUPLED: -1.5}
)


@registry.register
@dataclass(frozen=True)
class BatchRatio:
    """The batch is large, and a large part of the dataset: every sample is used thousands of times.

    What it means:
        In the randomised study spikes become more frequent with the batch. Its ratio to the dataset is a
        sign of that, weak by itself: above 50 % it is flagged, 10 to 20 % is recommended, and nothing jumps
        at these limits. At a fixed number of steps, passes over each sample = steps x batch / dataset. A
        likelihood loss then pays for ever smaller sigma, and 1 / (2 sigma^2) turns an error too small to
        see into tens of nats where the optimizer overshoots. It is a condition: it makes the run fragile
        and says nothing about why it broke at this very step. It is *not* that large batches vary more:
        the mean of a larger batch varies less.

    Evidence for:
        A ratio near the 61 % of the reference training, a thousand passes or more before the jump; a loss
        below what one sigma can reach at this error; an error metric that stays flat.

    Evidence against:
        A ratio of 20 % or less, or a batch larger than the dataset; few passes; an error that rises with the
        loss (a hard batch). It does not apply to losses without a sigma, nor to data collected on the way.

    What to do:
        Put a floor under sigma, clip the gradient, lower beta2, let the rate decay, or take a smaller batch;
        more data at the same batch is no sure cure. Verify by training again and `spikediag compare`.
    """

    id: str = "batch-ratio"
    prior: float = 0.1
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset()

    def applies(self, run: Run, loss: Series) -> bool:
        """To likelihoods; of a loss of which nothing is known it says so."""
        return run.loss_kind(loss) in {LossKind.LIKELIHOOD, LossKind.UNKNOWN}

    def judge(self, case: Case) -> Judgement:
        """Weigh ratio, passes, sharpness and coupling; test the sampling-variance story apart."""
        batch = case.run.batch
        if case.run.loss_kind(case.loss) is not LossKind.LIKELIHOOD:
            return _not_applicable(case)
        anew = tuple(_drawn_anew(case))
        if batch is None:
            return Judgement(Tier.CONDITION, anew, checkable=False, missing=(_unknown(case),))
        if batch.ratio <= RECOMMENDED[1]:
            return Judgement(Tier.CONDITION, (_size(batch),), ruled_out=True)
        if anew:
            return Judgement(Tier.CONDITION, anew, ruled_out=True)
        return _large(case, batch)


def _large(case: Case, batch: Batch) -> Judgement:
    drawn = sampling(case.run, case.spike.peak_step)
    return Judgement(
        tier=Tier.CONDITION,
        evidence=(
            _size(batch),
            *_passes(case),
            *sharp_evidence(case, NOT_INDEPENDENT),
            *weigh_coupling(case.coupling, CouplingVerdict.DECOUPLED, ERROR),
            *_lasting(case),
            *_unlucky_batch(case, batch),
            *_measured(),
        ),
        checkable=batch.ratio <= 1,
        decisive=case.coupling.verdict is not CouplingVerdict.COUPLED and sure_rise(case.coupling) < 1,
        advice=(*remedies.applying(case.run), advice.verify(case.run)),
        mechanism=_mechanism(case),
        missing=() if batch.ratio <= 1 else (_both_sizes(case),),
        ceiling=_prevented("smaller-batch") * many(drawn.passes if drawn is not None else None),
    )


def _not_applicable(case: Case) -> Judgement:
    """Nothing can be said of a loss that may or may not be a likelihood."""
    evidence = weigh("no-likelihood", -1.0, reading=no_likelihood(case.loss))
    error = () if any(case.run.having(Role.COMPANION)) else (advice.log_line(case.run, Role.COMPANION),)
    return Judgement(Tier.CONDITION, (evidence,), checkable=False, missing=error)


def _size(batch: Batch) -> Evidence:
    """The batch against the two that the study compared; the rule's limit is a label on the way."""
    weight = SAFE + (STUDIED - SAFE) * large(batch)
    if batch.ratio > 1:
        weight -= (STUDIED - SAFE) * math.log10(batch.ratio) / math.log10(STUDIED_RATIO / RECOMMENDED[1])
        reading = say(
            "{share}: a batch larger than the dataset; one of the two is wrong, or counted in another unit.",
            share=batch_share(batch),
        )
        return weigh("ratio-above-one", weight, observed=batch.ratio, reference=1.0, reading=reading)
    if batch.ratio > FLAGGED_ABOVE:
        reading = say("{share}, above {limit:.0%}: flagged.", share=batch_share(batch), limit=FLAGGED_ABOVE)
        return weigh(
            "ratio-above-half", weight, observed=batch.ratio, reference=FLAGGED_ABOVE, reading=reading
        )
    reading = say("{share}, not above {limit:.0%}.", share=batch_share(batch), limit=FLAGGED_ABOVE)
    return weigh("ratio-below-half", weight, observed=batch.ratio, reference=FLAGGED_ABOVE, reading=reading)


def _passes(case: Case) -> Iterator[Evidence]:
    before, whole = sampling(case.run, case.spike.peak_step), sampling(case.run)
    if before is None or whole is None:
        return
    numbers = {
        "whole": whole.passes,
        "batch": whole.batch.samples,
        "steps": whole.updates,
        "dataset": whole.batch.dataset,
        "passes": before.passes,
    }
    if before.passes >= MANY_PASSES:
        reading = say(
            "Every sample is used {whole:,.0f} times ({batch:.0f} x {steps:,.0f} / {dataset:.0f}), "
            "{passes:,.0f} times before the jump, all alike to within {spread:.1%}: none was neglected.",
            **numbers,
            spread=before.passes_sd / before.passes,
        )
        if not sampled_evenly(case.run):
            reading = say(
                "A sample is used {whole:,.0f} times on average ({batch:.0f} x {steps:,.0f} / "
                "{dataset:.0f}), {passes:,.0f} times before the jump; they are not drawn evenly.",
                **numbers,
            )
    else:
        reading = say(
            "Every sample was used {passes:,.0f} times before the jump, of {whole:,.0f} in all: few for "
            "memorising (from {many:,.0f} on).",
            passes=before.passes,
            whole=whole.passes,
            many=MANY_PASSES,
        )
    weight = -1.0 + 1.5 * many(before.passes)
    yield weigh("passes", weight, observed=before.passes, reference=MANY_PASSES, reading=reading)


def _lasting(case: Case) -> Iterator[Evidence]:
    if case.is_burst:
        return
    kind = case.spike.kind.value
    yield weigh(
        "lasting",
        -2.0 if case.spike.shape is Shape.LOST else -0.7,
        observed=kind,
        reference=Kind.TRANSIENT.value,
        reading=say("Sharp-sigma spikes come back within some hundred steps; this is a {kind}.", kind=kind),
    )


def _prevented(remedy: str) -> float:
    """The share of the spikes that a remedy prevents in the middle recipe of the study; 1 without a study."""
    rates = fitted()
    return 1.0 if rates is None else rates.prevented(remedy)


def _measured() -> Iterator[Evidence]:
    """What is known of the ratio apart from this run; it bounds how sure anybody can be."""
    smaller, more = _prevented("smaller-batch"), _prevented("more-data")
    if fitted() is not None:
        reading = say(
            "In the randomised study a quarter of the batch prevented {smaller:.0%} of the spikes "
            "of the middle recipe, a fifth of the ratio by five times the data {more:.0%}: it is the large "
            "batch that counts; the ratio is a sign of it, weak by itself.",
            smaller=smaller,
            more=more,
        )
        yield weigh("study", 0.0, observed=smaller, reference=more, reading=reading)


def _drawn_anew(case: Case) -> Iterator[Evidence]:
    """A reward that is logged all the while, not of an evaluation now and then."""
    for reward in case.run.having(Role.REWARD):
        if reward.held_out or len(reward) < FEWEST_REWARDS * len(case.loss):
            continue
        reading = say(
            "{tag} is logged: the data are collected during training, not drawn from a fixed set.",
            tag=reward.tag,
        )
        yield weigh("no-fixed-dataset", -1.0, observed=reward.tag, reading=reading)
        return


def _both_sizes(case: Case) -> Advice:
    return advice.give_facts(case.run, FactName.BATCH_SIZE, FactName.DATASET_SIZE)


def _unknown(case: Case) -> Advice:
    sizes = (FactName.BATCH_SIZE, FactName.DATASET_SIZE)
    return advice.give_facts(case.run, *(name for name in sizes if case.run.fact(name).number is None))


def _unlucky_batch(case: Case, batch: Batch) -> Iterator[Evidence]:
    """Whether resampling alone can explain it; told beside the condition, weight 0: another mechanism."""
    spike = case.spike
    if not spike.noise > 0 or spike.shape in {Shape.LOST, Shape.NOISE}:
        return
    reach = largest_of(len(case.loss), spike.noise)
    if spike.height <= reach:
        return
    reading = say(
        "An unlucky batch does not explain it: batches differ by {noise:.2g} nats (sd before the jump), the "
        "largest of {points:,} would stray {reach:.2g}; the jump is {height:.1f}, {sigmas:.0f} of these sd, "
        "a chance of at most {chance:.1g} per batch whatever the distribution.",
        noise=spike.noise,
        points=len(case.loss),
        reach=reach,
        height=spike.height,
        sigmas=spike.sigmas,
        chance=cantelli(spike.height, spike.noise),
    )
    yield weigh("resampling-height", 0.0, observed=spike.height, reference=reach, reading=reading)
    yield from _outlasts_a_draw(case)
    yield from _without_error(case)
    yield _steadier(batch)


def _outlasts_a_draw(case: Case) -> Iterator[Evidence]:
    if case.width >= 2:
        reading = say(
            "It lasts {points} logged points; batches are drawn anew at every step, so an unlucky draw is "
            "over after one.",
            points=case.width,
        )
        yield weigh("resampling-persistence", 0.0, observed=case.width, reference=1, reading=reading)


def _without_error(case: Case) -> Iterator[Evidence]:
    if case.coupling.verdict is CouplingVerdict.DECOUPLED:
        test = case.coupling.tests[0]
        reading = say("A batch of hard samples would raise {tag} as well; it did not move.", tag=test.tag)
        yield weigh("resampling-error", 0.0, observed=test.change, reference=test.margin, reading=reading)


def _steadier(batch: Batch) -> Evidence:
    smaller = recommended_batch(batch.dataset).high
    factor = (smaller / batch.samples) ** 0.5
    reading = say(
        "A larger batch makes the batch mean steadier, not wilder: its sd at {batch:.0f} is {factor:.2f} of "
        "that at {smaller} (1 / sqrt(batch)), and another {finite:.2f} of it where batches are drawn without "
        "replacement.",
        batch=batch.samples,
        factor=factor,
        smaller=smaller,
        finite=finite_population(batch),
    )
    return weigh("resampling-size", 0.0, observed=factor, reading=reading)


def _mechanism(case: Case) -> Text:
    """How it made the jump: passes, a shrinking sigma, and where the errors landed if that can be told."""
    drawn, split = sampling(case.run, case.spike.peak_step), case.drivers
    if drawn is None:
        return say(
            "A large batch at a fixed number of steps means many passes, which let sigma shrink around "
            "the samples."
        )
    if drawn.passes < MANY_PASSES:
        return say(
            "In the study the policy spiked less with a smaller batch; how a large one would do it "
            "after {passes:,.0f} passes is not known.",
            passes=drawn.passes,
        )
    if split is not None and split.error is not None and split.concentration > MOSTLY * split.total:
        return say(
            "{passes:,.0f} passes over {dataset:.0f} samples let sigma shrink around them. Of the "
            "{height:.1f} nats, {focus:.1f} came from errors that landed where sigma is smallest; their size "
            "made {error:.1f}, sigma itself {sigma:.1f}.",
            passes=drawn.passes,
            dataset=drawn.batch.dataset,
            height=split.total,
            focus=split.concentration,
            error=split.error,
            sigma=split.sigma,
        )
    told = say(
        "{passes:,.0f} passes over {dataset:.0f} samples let sigma shrink around them; there 1 / (2 sigma^2) "
        "turns an error too small to see into {height:.1f} nats.",
        passes=drawn.passes,
        dataset=drawn.batch.dataset,
        height=case.spike.height,
    )
    if any(case.run.having(Role.GRAD_NORM)):
        return told
    return say(
        "{told} Most likely the optimizer overshot where sigma is tiny; the gradient norm would tell.",
        told=told,
    )
