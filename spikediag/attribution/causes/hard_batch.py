"""hard-batch: one batch held samples the policy gets badly wrong; loss and error rise together, once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

from spikediag.attribution import advice, remedies
from spikediag.attribution.case import Case
from spikediag.attribution.causes.lr_change import RAISED, RateChange, raised
from spikediag.attribution.gradients import LARGE, GradientRise
from spikediag.attribution.periods import FEWEST_PEAKS, Phase
from spikediag.attribution.protocol import Judgement, registry, sure_rise, weigh, weigh_coupling
from spikediag.attribution.recorded import BATCH, Blame
from spikediag.model import (
    Advice,
    CouplingVerdict,
    Evidence,
    LossKind,
    Role,
    Shape,
    Spike,
    Tier,
    say,
)
from spikediag.stats.medians import median
from spikediag.stats.scale import MEDIAN_ERROR, robust_sigma

SHORTEST = 2  # logged points one bad batch may fill
LONGEST = 6  # more are not one batch
MOST = 6  # bursts of a train; a few batches may be bad, many have a reason of their own
AWAY_SDS = 10.0  # sd of the loss above its level; more: the weights were thrown
AWAY_SHARE = 0.09  # of the height
LEFT = 0.2  # of the rise of the error, or of the loss beside an error that is back
STAYS = 0.5  # of the rise of the error, from which no single batch did it
NEXT_POINTS = 5  # logged points after the peak
LEVEL_POINTS = 33  # logged points before it that give the level of the error
CLEAR_SDS = 3.0  # sd of the error that it rose by, for a share of the rise to mean anything
RISEN_POINTS = 60  # logged points after the top of a rise that lasts
SURE_RISE = 0.5  # of the level of the error
ERROR = MappingProxyType(
    {CouplingVerdict.DECOUPLED: -2.0, CouplingVerdict.PARTLY: -0.5, CouplingVerdict.COUPLED: 1.2}
)


@registry.register
@dataclass(frozen=True)
class HardBatch:
    """A single batch was hard: corrupted, mislabelled or simply unlike the rest.

    What it means:
        The loss of that batch is high because the policy is wrong on it, so an error metric of the
        same batch is high as well, and both are back with the next batch. The smaller the batch, the
        more one bad sample weighs.

    Evidence for:
        Loss and error rise at the same logged point; the rise lasts one or two points. In a flight record:
        samples that never change lose no more than before, and a few samples of the batch carry the rise.

    Evidence against:
        Samples that never change and lose as much as the batch: the weights had moved. An error that stays
        flat while the loss jumps; a rise that lasts for many points, since batches are drawn anew at every
        step; a peak on the short last batch of a pass over the data.

    What to do:
        Log the indices of the batch when the loss exceeds its usual range, look at these samples, clip
        gradients or use a robust loss.
    """

    id: str = "hard-batch"
    prior: float = 0.06
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset({LossKind.LIKELIHOOD, LossKind.CROSS_ENTROPY})

    def judge(self, case: Case) -> Judgement:
        """An error that rose too and an isolated point speak for it; a flat error rules it out."""
        verdict = case.coupling.verdict
        blame = _blame(case)
        if verdict is CouplingVerdict.NO_COMPANION and blame is Blame.OPEN:
            missing = advice.to_log(case.run, case.loss, Role.COMPANION)
            return Judgement(Tier.TRIGGER, checkable=False, missing=missing)
        next_batches, period, gradient = _next_batches(case), _period(case), case.gradient
        rate, rise, few = raised(case, case.spike.peak_step), _risen(case), tuple(_few_moved(case))
        evidence = (
            *(
                e
                for e in _error(case, tells=rise is None and not few)
                if e.supports or blame is not Blame.BATCH
            ),
            *few,
            _duration(case),
            *_afterwards(next_batches),
            *_gradient(gradient),
            *_aftershock(case),
            *_periodic(period),
            *_many(case),
            *_short(case),
            *_raised(rate),
            *_after_rise(case, rise),
            *_recorded(case),
        )
        thrown = next_batches is not None and next_batches.away
        gradient_first = gradient is not None and gradient.leapt_first
        many = len(case.spike.excursions) > MOST
        excluded = thrown or gradient_first or _shaken(case) or period is not None or many
        excluded = (
            excluded or case.last_batch is not None or rate is not None or rise is not None or few != ()
        )
        return Judgement(
            Tier.TRIGGER,
            evidence,
            checkable=verdict is not CouplingVerdict.UNDECIDED or blame is not Blame.OPEN,
            decisive=blame is Blame.BATCH or (_moved(case) and case.width <= SHORTEST and not excluded),
            ruled_out=blame is Blame.WEIGHTS
            or (blame is Blame.OPEN and verdict is CouplingVerdict.DECOUPLED)
            or not case.is_burst
            or case.width > LONGEST
            or (blame is Blame.OPEN and next_batches is not None and next_batches.stay_wrong),
            advice=_advice(case),
            mechanism=say(
                "The model was wrong on this batch: error and loss rose in the same logged point and were "
                "back within {points}.",
                points=case.width,
            ),
        )


def _blame(case: Case) -> Blame:
    """What the samples that never change say, where a flight recorder asked them."""
    probe = case.recorded.probe if case.recorded is not None else None
    return Blame.OPEN if probe is None else probe.blame


def _recorded(case: Case) -> Iterator[Evidence]:
    """Batch or weights, and how many samples carried it."""
    seen = case.recorded
    if seen is not None and seen.probe is not None:
        probe = seen.probe
        weight = {Blame.WEIGHTS: -2.0, Blame.BATCH: 2.0, Blame.OPEN: 0.0}[probe.blame]
        reading = seen.of_probe(probe)
        yield weigh("probe", weight, observed=probe.share, reference=BATCH, reading=reading)
    if seen is not None and seen.samples is not None:
        found = seen.samples
        weight = 0.5 if found.is_few else -0.5 if found.is_many else 0.0
        reading = seen.of_samples(found)
        yield weigh("samples", weight, observed=found.samples, reference=found.of, reading=reading)


@dataclass(frozen=True)
class NextBatches:
    """The batches after the peak: ordinary ones, so loss and error must be back with them."""

    left: float  # of the loss, sd above the level before
    sigmas: float  # of the peak, sd above that level
    error_left: float | None  # share of the rise of the error; None where it is not known to have risen

    @property
    def away(self) -> bool:
        """Whether they are farther from their level than what one bad batch throws them."""
        far = self.left > AWAY_SDS or self.left > max(AWAY_SHARE * self.sigmas, 3.0)
        if self.error_left is None:
            return far
        return self.stay_wrong or (far and self.error_left > LEFT) or self.left > LEFT * self.sigmas

    @property
    def stay_wrong(self) -> bool:
        """Whether the model is surely as wrong on them as it was on the peak."""
        return self.error_left is not None and self.error_left > STAYS


def _next_batches(case: Case) -> NextBatches | None:
    spike = case.spike
    after = slice(spike.peak + 1, spike.peak + 1 + NEXT_POINTS)
    values = case.loss.values[after][case.loss.finite[after]]
    if not case.is_burst or len(values) < 3 or not spike.noise > 0:
        return None
    return NextBatches((median(values) - spike.baseline) / spike.noise, spike.sigmas, _error_left(case))


def _error_left(case: Case) -> float | None:
    """Share of the rise of the error at the peak that the points after it still have, at least."""
    if not _moved(case):
        return None
    error = case.run.series[case.coupling.tests[0].tag]
    steps, values = error.numbers
    at = int(steps.searchsorted(case.spike.peak_step))
    before = error.before(case.loss.steps[case.spike.highest.start])[-LEVEL_POINTS:]
    after = values[at + 1 : at + 1 + NEXT_POINTS]
    if min(len(before), len(after)) < 3 or error.interval > case.loss.interval:
        return None
    level, noise = median(before), robust_sigma(before)
    rise = float(values[at]) - level
    unsure = 2 * MEDIAN_ERROR * noise / len(after) ** 0.5  # two standard errors of their median
    return (median(after) - level) / rise - unsure / abs(rise) if abs(rise) > CLEAR_SDS * noise else None


def _period(case: Case) -> Phase | None:
    """Bad batches come at any step; many of them at one phase have a reason of their own."""
    if len(case.spike.members) < FEWEST_PEAKS or case.period is None or not case.period.exact:
        return None
    return case.period


def _duration(case: Case) -> Evidence:
    if not case.is_burst:
        kind = case.spike.kind.value
        reading = say(
            "The loss stays up ({kind}); batches are drawn anew at every step, one bad batch is over after "
            "one.",
            kind=kind,
        )
        return weigh("lasting", -2.0, observed=kind, reference="transient", reading=reading)
    weight = 0.2 if case.width <= SHORTEST else -1.5 if case.width > LONGEST else -0.5
    reading = say(
        "Logged points for which the loss stands high: {points}; one bad batch fills one.", points=case.width
    )
    return weigh("duration", weight, observed=case.width, reference=SHORTEST, reading=reading)


def _afterwards(found: NextBatches | None) -> Iterator[Evidence]:
    if found is None:
        return
    if found.away and found.error_left is not None and found.error_left > LEFT:
        reading = say(
            "In the next batches at least {left:.0%} of the rise of the error is left: the weights were "
            "thrown, which one bad batch does not do.",
            left=found.error_left,
        )
        yield weigh("error-not-back", -1.5, observed=found.error_left, reference=LEFT, reading=reading)
    elif found.away:
        reading = say(
            "The next batches are still {left:.0f} sd above the level before: the weights were thrown, which "
            "one bad batch does not do.",
            left=found.left,
        )
        yield weigh("not-back", -1.5, observed=found.left, reference=AWAY_SDS, reading=reading)
    else:
        reading = say(
            "With the next batches the loss is back, {left:.1f} sd from its level.", left=found.left
        )
        yield weigh("back-at-once", 0.3, observed=found.left, reference=AWAY_SDS, reading=reading)


def _moved(case: Case) -> bool:
    """Whether the error moved with the loss: by what the jump needs, or surely by half of its level."""
    return case.coupling.verdict is CouplingVerdict.COUPLED or sure_rise(case.coupling) >= SURE_RISE


def _error(case: Case, *, tells: bool) -> Iterator[Evidence]:
    """What the error did; for a bad batch it does not tell where thrown weights moved it too."""
    for found in weigh_coupling(case.coupling, CouplingVerdict.COUPLED, ERROR):
        yield found if tells else replace(found, weight=min(found.weight, 0.0))
    if not _moved(case) or not tells:
        return
    test = case.coupling.tests[0]
    if test.before > 0 and test.change >= test.before:
        factor = 1 + test.change / test.before
        reading = say("{tag} rose to {factor:.1f} times its level.", tag=test.tag, factor=factor)
        yield weigh("error-doubled", 0.3, observed=factor, reference=2.0, reading=reading)


def _few_moved(case: Case) -> Iterator[Evidence]:
    """Whether the error moved at less than half of the bursts of a train: each bad batch moves its own."""
    test = next(iter(case.coupling.tests), None)
    if test is None or test.moved is None or not test.tested or not _moved(case):
        return
    if test.moved >= 0.5 * test.tested:
        return
    reading = say(
        "{tag} moved at {moved} of {tested} bursts: a bad batch moves its own each time.",
        tag=test.tag,
        moved=test.moved,
        tested=test.tested,
    )
    yield weigh("few-moved", -1.0, observed=test.moved, reference=0.5 * test.tested, reading=reading)


def _shaken(case: Case) -> bool:
    """Whether it may be left of a larger jump; not where the model was surely wrong on this batch too."""
    return case.is_aftershock and sure_rise(case.coupling) < 1


def _aftershock(case: Case) -> Iterator[Evidence]:
    if _shaken(case):
        first = case.origin.onset_step
        reading = say("A larger jump began shortly before, at step {step:,}.", step=first)
        yield weigh("aftershock", -1.5, observed=first, reference=case.spike.onset_step, reading=reading)


def _periodic(period: Phase | None) -> Iterator[Evidence]:
    if period is not None:
        reading = say(
            "The peaks come with a period of {period:g} steps, not at any step.", period=period.period
        )
        yield weigh("periodic", -1.0, observed=period.period, reading=reading)


def _many(case: Case) -> Iterator[Evidence]:
    count = len(case.spike.excursions)
    if count > MOST:
        reading = say("{count} bursts: single bad batches make a few.", count=count)
        yield weigh("many-bursts", -1.0, observed=count, reference=MOST, reading=reading)


def _short(case: Case) -> Iterator[Evidence]:
    last = case.last_batch
    if last is not None:
        reading = say(
            "The peak lies on the last batch of a pass, which holds {samples} sample(s) and not {of}: so few "
            "scatter by themselves.",
            samples=last.samples,
            of=last.of,
        )
        yield weigh("short-batch", -1.0, observed=last.samples, reference=last.of, reading=reading)


def _risen(case: Case) -> Spike | None:
    """A rise of the loss that lasts and began shortly before: what moved the weights may throw them again."""
    near = (s for s in case.loss_spikes if 0 < case.spike.start - s.peak <= RISEN_POINTS)
    return next((s for s in near if s.shape in {Shape.LEVEL, Shape.TREND} and not s.is_fall), None)


def _after_rise(case: Case, rise: Spike | None) -> Iterator[Evidence]:
    if rise is not None:
        reading = say(
            "The loss had risen for good shortly before, at step {step:,}: something had moved the weights.",
            step=rise.onset_step,
        )
        yield weigh(
            "after-rise", -1.0, observed=rise.onset_step, reference=case.spike.onset_step, reading=reading
        )


def _raised(change: RateChange | None) -> Iterator[Evidence]:
    if change is not None:
        reading = say(
            "The learning rate had risen {factor:.2g} times at step {step:,}: larger updates throw the "
            "weights again and again.",
            factor=change.factor,
            step=change.step,
        )
        yield weigh("rate-raised", -2.0, observed=change.factor, reference=RAISED, reading=reading)


def _gradient(rise: GradientRise | None) -> Iterator[Evidence]:
    """A hard batch has a large gradient of its own, never one before it."""
    if rise is None or not rise.leapt:
        return
    if rise.leapt_first:
        reading = say(
            "{tag} leapt {lead:,.0f} steps earlier, in another batch.", tag=rise.tag, lead=rise.lead
        )
        yield weigh("gradient-first", -1.5, observed=rise.lead, reference=0.0, reading=reading)
    else:
        reading = say(
            "{tag} leapt in the same batch, to {factor:.0f} times its median.",
            tag=rise.tag,
            factor=rise.factor,
        )
        yield weigh("gradient-with", 0.3, observed=rise.factor, reference=LARGE, reading=reading)


def _advice(case: Case) -> tuple[Advice, ...]:
    found = case.recorded.samples if case.recorded is not None else None
    if found is not None and found.indices:
        names = ", ".join(map(str, found.indices))
        look = say("Look at samples {indices} of the dataset: they carried most.", indices=names)
        return (Advice(look, rank=1), remedies.clip_gradients(case.run))
    limit = case.spike.baseline + 0.5 * case.spike.height
    return (
        Advice(
            say(
                "Log which samples are in a batch whose loss exceeds {limit:.3g}, and look at them.",
                limit=limit,
            ),
            f"if loss.item() > {limit:.3g}: print(step, batch_indices.tolist())",
            1,
        ),
        remedies.clip_gradients(case.run),
    )
