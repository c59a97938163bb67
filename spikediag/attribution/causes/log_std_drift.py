"""log-std-drift: the policy's sigma dropped suddenly, or collapsed slowly far below the error."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from spikediag.attribution import advice, remedies
from spikediag.attribution.case import SMOOTH_POINTS, Case
from spikediag.attribution.nll_algebra import certificate, sharp_evidence
from spikediag.attribution.nll_levels import LEVEL_POINTS, StepRange, log_std_series, per_sum
from spikediag.attribution.protocol import Judgement, registry, weigh, weigh_coupling
from spikediag.attribution.run_facts import (
    STUDIED_RATIO,
    batch_share,
    large,
    many,
    sampling,
)
from spikediag.model import (
    REINFORCED,
    Advice,
    CouplingVerdict,
    Evidence,
    FactName,
    Kind,
    LossKind,
    Reduction,
    Role,
    Run,
    Series,
    Shape,
    Text,
    Tier,
    Transform,
    say,
)
from spikediag.stats.medians import median
from spikediag.stats.nll import Drivers, Level
from spikediag.stats.scale import MEDIAN_ERROR, robust_sigma
from spikediag.stats.windows import Contrast

DROP_SDS = 6.0  # standard errors of the change
DROP_NATS = 0.2  # nats of the logged quantity
WHOLE = 1.0  # nats: sigma shrank by a factor that no noise of the past hides
WHOLE_SDS = 4.0  # enough where it did
SHRUNK = 0.5 * math.log(2)  # nats; from there on the same squared errors cost twice as much
SURE_ERRORS = 3.0  # standard errors
RAISED = 0.25  # of the level of the error, from which it is higher for good
RISEN = 0.5  # nats from the lowest level of the loss, from which it has risen
UNEVEN = 2.0  # times what a sigma that sinks evenly costs, where some of it sinks faster
LARGEST_FALL = 300.0  # of a log-std; the square of more e-folds is no number
TOO_LITTLE = -1.0  # bans for sigma's share of the jump from which on a drop did not make it
OVERCONFIDENT = 2.0  # squared error in sigmas per dimension; 1 for a calibrated policy
AT_CLIP = 0.05  # nats above the floor that count as at it
ERROR = MappingProxyType(
    {
        CouplingVerdict.DECOUPLED: 0.5,
        CouplingVerdict.PARTLY: 0.2,
        CouplingVerdict.COUPLED: -1.5,
        CouplingVerdict.UNDECIDED: -0.5,
    }
)


@registry.register
@dataclass(frozen=True)
class LogStdDrift:
    """The policy's standard deviation dropped, or had collapsed far below the error.

    What it means:
        A Gaussian likelihood charges e^2 / (2 sigma^2) for an error e. If sigma drops, the same error
        costs more at once (a trigger, tied to the step). If sigma has shrunk over thousands of steps to
        far below the errors, any small stray costs tens of nats (a condition). The verdict says which.
        A loss that pays for a small sigma runs down without end as sigma shrinks.

    Evidence for:
        A drop of the logged log-std at the onset and a large share of the jump in the exact
        decomposition; a log-std that sinks while the loss climbs for good, with errors of many sigmas; or,
        without either, a loss below what one sigma can reach at this error.

    Evidence against:
        A logged log-std that did not move, or rose; a share of the jump near zero; an error that rises
        with the loss.

    What to do:
        Clamp log-std from below, or use beta-NLL or weight decay on its head. Without log-std in the
        log: log its mean and its smallest value.
    """

    id: str = "log-std-drift"
    prior: float = 0.1
    of_falls: bool = True  # down without end, with the logarithm of sigma
    calibrated: frozenset[LossKind] = frozenset({LossKind.LIKELIHOOD})

    def applies(self, run: Run, loss: Series) -> bool:
        """To a loss with a sigma, but for a surrogate and minus Q: they do not divide by it."""
        return run.has_sigma(loss) and run.loss_kind(loss) not in REINFORCED

    def judge(self, case: Case) -> Judgement:
        """A drop; else a fall along a climb; else a slow collapse; else what loss and error alone prove."""
        series = log_std_series(case.run) or case.log_sigma
        change = _change_at_onset(case, series) if series is not None else None
        if case.spike.is_fall:
            return _followed_down(case, change)
        if change is None:
            return _not_logged(case)
        if change.is_drop:
            return _dropped(case, change)
        shrank = _shrank(case, change)
        return shrank if shrank is not None else _collapsed(case, change)


@dataclass(frozen=True, eq=False)
class LogStdChange:
    """How log-std moved at the onset."""

    series: Series
    turned: Transform  # what was done to the logged numbers
    before: float
    during: float
    fall: float  # above 0: it dropped
    error: float  # standard error, or the sd of single points where one point is looked at
    step: float | None  # of the lowest point, for bursts
    late: float | None = None  # steps by which a fall came after the jump

    @property
    def name(self) -> str:
        """What fell: the tag, or the logarithm of the standard deviation that it holds."""
        tag = self.series.tag
        return f"ln {tag}" if self.turned is Transform.LN else tag

    @property
    def is_drop(self) -> bool:
        """Whether it fell farther than its noise explains, and no later than the loss leapt."""
        sds = WHOLE_SDS if self.fall > WHOLE else DROP_SDS
        return self.late is None and self.fall > DROP_NATS and self.fall > sds * self.error


def _change_at_onset(case: Case, series: Series) -> LogStdChange | None:
    """The lowest point of a burst's rise, or the mean over a lasting one, against the past."""
    mean = case.moved(series)
    if mean is None:
        return None
    turned = case.run.series[series.tag].transform
    if not case.is_burst:
        late = _late(case, series, mean, -mean.change, case.begin - case.slack(series))
        return LogStdChange(series, turned, mean.before, mean.during, -mean.change, mean.error, None, late)
    early = case.stretch.first - case.slack(series)  # the loss may show a drop a point or two later
    inside = StepRange(early, case.stretch.last).points(series)
    lowest = int(inside[np.argmin(series.values[inside])])
    low = float(series.values[lowest])
    fall = mean.before - low
    late = _late(case, series, mean, fall, early)
    return LogStdChange(series, turned, mean.before, low, fall, mean.noise, float(series.steps[lowest]), late)


def _late(case: Case, series: Series, mean: Contrast, fall: float, early: float) -> float | None:
    """By how many steps a fall came after the jump; None where it may have come first."""
    limit = min(0.5 * fall, max(DROP_NATS, DROP_SDS * mean.noise))
    inside = StepRange(early, case.stretch.last).points(series)
    fallen = series.steps[inside[mean.before - series.values[inside] >= limit]]
    if fall <= 0 or not len(fallen) or not case.lag(series, float(fallen[0]), case.rise).follows:
        return None
    return float(fallen[0]) - case.onset


@dataclass(frozen=True)
class SigmaShare:
    """What sigma made of the rise; where it shrank unevenly, errors land on its smallest values too."""

    split: Drivers
    share: float

    @property
    def bans(self) -> float:
        """Log odds of the share, held between 1 and 99 %."""
        held = min(max(self.share, 0.01), 0.99)
        return min(math.log10(held / (1 - held)), 1.0)


def _sigma_share(case: Case, step: float | None) -> SigmaShare | None:
    split = case.drivers_at(step) if step is not None else case.drivers
    if split is None or split.total <= 0.1 * case.spike.height:
        split = case.drivers
    if split is None or split.total <= 0 or split.error is None:
        return None
    return SigmaShare(split, 1 - split.error / split.total)


def _not_logged(case: Case) -> Judgement:
    missing = (advice.log_line(case.run, Role.LOG_STD),)
    evidence = (*sharp_evidence(case), *_error(case), *_ratio_first(case))
    return Judgement(Tier.CONDITION, evidence, checkable=False, missing=missing, advice=_advice(case))


def _followed_down(case: Case, change: LogStdChange | None) -> Judgement:
    """A loss that goes down all the time while sigma shrinks: its logarithm has no lower end."""
    if change is None:
        return Judgement(Tier.TRIGGER, checkable=False, missing=(advice.log_line(case.run, Role.LOG_STD),))
    shrank = change.late is None and (change.is_drop or change.fall >= WHOLE)
    if not shrank or case.spike.shape is not Shape.TREND:
        return Judgement(Tier.TRIGGER, (_no_drop(change, -1.0),), ruled_out=True)
    reading = say(
        "{tag} fell from {before:.2f} to {during:.2f} while the loss went down.",
        tag=change.name,
        before=change.before,
        during=change.during,
    )
    evidence = weigh("followed-down", _sureness(change), observed=-change.fall, reading=reading)
    return Judgement(
        Tier.TRIGGER,
        (evidence,),
        decisive=True,
        advice=_advice(case),
        mechanism=say(
            "Sigma shrank {factor:,.1f} times, and the loss follows its logarithm down, whatever the error "
            "does.",
            factor=math.exp(min(change.fall, LARGEST_FALL)),
        ),
    )


def _sureness(change: LogStdChange) -> float:
    """Bans of a drop: the more, the farther it lies out of the noise."""
    return min(max(1.5 * change.fall / (2 * DROP_SDS * change.error), 1.5), 2.0) if change.error else 2.0


def _dropped(case: Case, change: LogStdChange) -> Judgement:
    share = _sigma_share(case, change.step)
    return Judgement(
        Tier.TRIGGER,
        (_drop(case, change), *_share(share)),
        decisive=share is None or share.bans > TOO_LITTLE,
        advice=_advice(case),
        mechanism=_smaller(change.name, change.fall),
    )


def _shrank(case: Case, change: LogStdChange) -> Judgement | None:
    """Sigma sank along a rise that lasts, until the errors were many sigmas; None where it did not."""
    sank, sigmas = change.before - change.during, _squared_error_on_rise(case, change)
    if case.is_burst or sank < SHRUNK or sigmas is None or sigmas < OVERCONFIDENT:
        return None
    share = _sigma_share(case, None)
    if (share is not None and share.bans <= 0) or not _half_had_come(case, change):
        return None
    reading = say(
        "{tag} sank from {before:.2f} to {during:.2f} while the loss climbed: there the errors are "
        "{sigmas:.1f} sigmas (1 where sigma is right).",
        tag=change.name,
        before=change.before,
        during=change.during,
        sigmas=sigmas**0.5,
    )
    evidence = weigh("sank", 1.5, observed=-sank, reference=-SHRUNK, reading=reading)
    told = tuple(_share(share)) or tuple(_error(case))
    return Judgement(
        Tier.TRIGGER,
        (evidence, *told),
        decisive=True,
        advice=_advice(case),
        mechanism=_smaller(change.name, sank),
    )


def _squared_error_on_rise(case: Case, change: LogStdChange) -> float | None:
    """Per dimension where the loss stands high; at least so large where the mean of sigma is logged."""
    if case.dims is None or case.likelihood is None:
        return None
    summed = per_sum(change.series, case.dims) * change.during
    return Level(case.likelihood.peak, summed, None).standardised(case.dims) / case.dims


def _half_had_come(case: Case, change: LogStdChange) -> bool:
    """Whether half of the fall had come by the time the loss stood half as high: else it came later."""
    half = case.half_risen
    if half is None:
        return False
    by_then = change.series.before(float(case.loss.steps[half]) + case.slack(change.series))
    return median(by_then[-SMOOTH_POINTS:]) <= 0.5 * (change.before + change.during)


def _smaller(name: str, fall: float) -> Text:
    factor = math.exp(min(fall, LARGEST_FALL))
    return say(
        "{tag} fell by {fall:.2f}: sigma shrank {factor:.1f} times, so the same error costs {cost:.1f} "
        "times as much.",
        tag=name,
        fall=fall,
        factor=factor,
        cost=factor**2,
    )


def _collapsed(case: Case, change: LogStdChange) -> Judgement:
    certified, sigmas = certificate(case), _squared_error_in_sigmas(case)
    tiny = certified is not None and certified.tiny_sigma
    too_small = sigmas is not None and sigmas >= OVERCONFIDENT
    if not tiny and not too_small:
        return Judgement(Tier.TRIGGER, (_no_drop(change, -1.0),), ruled_out=True)
    evidence = (
        _no_drop(change, 0.0),  # tells a slow collapse from a drop, not from other causes
        *sharp_evidence(case),
        *_overconfident(sigmas),
        *_at_floor(case),
        *_error(case),
        *_error_stays(case),
        *_outran(case, change),
        *_slow_fall(case, change),
        *_ratio_first(case),
    )
    return Judgement(
        Tier.CONDITION, evidence, decisive=True, advice=_advice(case), mechanism=_slow_mechanism(case)
    )


def _squared_error_in_sigmas(case: Case) -> float | None:
    """Before the jump, per dimension; 1 where sigma is right.

    Where the mean of sigma is logged it is at least so large: the mean of the logarithm is smaller.
    """
    if case.dims is None or case.likelihood is None:
        return None
    if case.levels is not None:
        return case.levels[0].standardised(case.dims) / case.dims
    series = log_std_series(case.run)
    if series is None or not series.logged_before(case.spike.onset_step):
        return None
    summed = per_sum(series, case.dims) * median(series.before(case.spike.onset_step)[-LEVEL_POINTS:])
    return Level(case.likelihood.before, summed, None).standardised(case.dims) / case.dims


def _drop(case: Case, change: LogStdChange) -> Evidence:
    reading = say(
        "{tag} dropped at the jump: {before:.2f} before, {during:.2f} during.",
        tag=change.name,
        before=change.before,
        during=change.during,
    )
    if case.spike.kind is Kind.DRIFT:
        reading = say(
            "{tag} fell gradually while the loss rose: {before:.2f} before, {during:.2f} at the end.",
            tag=change.name,
            before=change.before,
            during=change.during,
        )
    return weigh("dropped", _sureness(change), observed=-change.fall, reference=0.0, reading=reading)


def _no_drop(change: LogStdChange, weight: float) -> Evidence:
    reading = say(
        "{tag} did not drop at the jump: {before:.2f} before, {during:.2f} during.",
        tag=change.name,
        before=change.before,
        during=change.during,
    )
    if change.late is not None:
        reading = say(
            "{tag} dropped {late:,.0f} steps after the jump began: {before:.2f} before, {during:.2f} then.",
            tag=change.name,
            late=change.late,
            before=change.before,
            during=change.during,
        )
    return weigh("no-drop", weight, observed=-change.fall, reference=-DROP_NATS, reading=reading)


def _share(found: SigmaShare | None) -> Iterator[Evidence]:
    if found is None:
        return
    reading = say(
        "Of {jump:.1f} nats, sigma itself made {sigma:.1f} and errors landing where it is smallest "
        "{focus:.1f}; the size of the error made {error:.1f}.",
        jump=found.split.total,
        sigma=found.split.sigma,
        focus=found.split.concentration,
        error=found.split.error,
    )
    yield weigh("sigma-share", found.bans, observed=found.share, reference=0.5, reading=reading)


def _overconfident(squared: float | None) -> Iterator[Evidence]:
    if squared is None or squared < OVERCONFIDENT:
        return
    reading = say(
        "Before the jump the errors were {sigmas:.1f} sigmas (1 where sigma is right): sigma was too small.",
        sigmas=squared**0.5,
    )
    yield weigh(
        "overconfident",
        min(2.0, math.log2(squared)),
        observed=squared,
        reference=OVERCONFIDENT,
        reading=reading,
    )


def _at_floor(case: Case) -> Iterator[Evidence]:
    """The smallest sigma has reached the clip that the configuration states."""
    floor = case.run.fact(FactName.SIGMA_MIN).number
    limit = case.run.fact(FactName.LOG_STD_MIN).number
    if limit is None and floor is not None and floor > 0:
        limit = float(np.log(floor))
    lowest = next((s.natural for s in case.run.having(Role.LOG_STD) if s.reduction is Reduction.MIN), None)
    if limit is None or lowest is None:
        return
    past = lowest.before(case.spike.onset_step)[-LEVEL_POINTS:]
    if len(past) and float(np.median(past)) <= limit + AT_CLIP:
        reading = say("{tag} stands at its floor of {limit:.2f}.", tag=lowest.tag, limit=limit)
        yield weigh("at-floor", 0.3, observed=float(np.median(past)), reference=limit, reading=reading)


def _slow_fall(case: Case, change: LogStdChange) -> Iterator[Evidence]:
    """Log-std had been falling since the start."""
    series = change.series
    past = series.before(case.spike.onset_step)
    if len(past) < 20:
        return
    tenth = max(1, len(past) // 10)
    early, late = median(past[:tenth]), median(past[-tenth:])
    if late < early:
        reading = say(
            "{tag} had fallen from {early:.2f} to {late:.2f}.", tag=change.name, early=early, late=late
        )
        weight = 0.5 if early - late > 1 else 0.0
        yield weigh("slow-fall", weight, observed=late - early, reference=-1.0, reading=reading)


def _error(case: Case) -> Iterator[Evidence]:
    """A sigma that is too small shows in the loss and not in the error."""
    return weigh_coupling(case.coupling, CouplingVerdict.DECOUPLED, ERROR)


def _error_stays(case: Case) -> Iterator[Evidence]:
    """An error that is higher for good after a burst: the model is wrong, however small its sigma."""
    error = case.likelihood.error if case.likelihood is not None else None
    if error is None or not case.is_burst:
        return
    excursion = case.spike.highest
    before = error.before(float(case.loss.steps[excursion.start]))[-LEVEL_POINTS:]
    seen = error.logged_before(float(case.loss.steps[excursion.peak]) + 0.5 * case.loss.interval)
    after = error.numbers[1][seen : seen + LEVEL_POINTS]
    if min(len(before), len(after)) < LEVEL_POINTS // 2:
        return
    level, stays = median(before), median(after)
    unsure = math.hypot(*(MEDIAN_ERROR * robust_sigma(part) / len(part) ** 0.5 for part in (before, after)))
    if stays - level < max(SURE_ERRORS * unsure, RAISED * level):
        return
    reading = say(
        "After the jump {tag} stays higher, {after:.3g} where it was {before:.3g}: the model is wrong, "
        "however small sigma is.",
        tag=error.tag,
        after=stays,
        before=level,
    )
    yield weigh("error-stays", -1.0, observed=stays, reference=level, reading=reading)


def _outran(case: Case, change: LogStdChange) -> Iterator[Evidence]:
    """Sigma fell below its best: before the jump the loss rose as sigma sank, and the error did not rise."""
    known = case.likelihood
    if known is None or known.error is None:
        return
    parts = [_blocks(series, case.spike.onset_step) for series in (case.loss, change.series, known.error)]
    fewest = min(len(part) for part in parts)
    if fewest < 3:
        return
    loss, sigma, error = (part[-fewest:] for part in parts)
    best = int(np.argmin([level for level, _ in loss]))
    (low, low_error), (last, last_error) = loss[best], loss[-1]
    rose, sank = (last - low) * known.scale, sigma[best][0] - sigma[-1][0]
    sure = last - low > SURE_ERRORS * math.hypot(low_error, last_error)
    worse = error[-1][0] - error[best][0] > SURE_ERRORS * math.hypot(error[-1][1], error[best][1])
    costs = UNEVEN * 0.5 * (known.dims or 1) * math.expm1(2 * min(sank, LARGEST_FALL))
    if not sure or worse or sank < DROP_NATS or not RISEN <= rose <= costs:
        return
    reading = say(
        "Before the jump the loss had risen by {rose:.1f} nats from its lowest level while {tag} sank by "
        "{sank:.2f} and {error} did not rise: sigma is below its best.",
        rose=rose,
        tag=change.name,
        sank=sank,
        error=known.error.tag,
    )
    yield weigh("outran", 1.0, observed=rose, reference=RISEN, reading=reading)


def _blocks(series: Series, onset: int) -> list[tuple[float, float]]:
    """Median and its standard error of blocks of 33 points up to the onset, the last one next to it."""
    past = series.before(onset)
    past = past[len(past) % LEVEL_POINTS :].reshape(-1, LEVEL_POINTS)
    return [(median(block), MEDIAN_ERROR * robust_sigma(block) / LEVEL_POINTS**0.5) for block in past]


def _ratio_first(case: Case) -> Iterator[Evidence]:
    """A tiny sigma that a large ratio and many passes explain is their consequence, no cause beside them."""
    batch, drawn = case.run.batch, sampling(case.run, case.spike.peak_step)
    share = large(batch) * many(drawn.passes if drawn is not None else None) if batch is not None else 0.0
    if batch is None or share <= 0:
        return
    reading = say("{share}, and that comes first: a tiny sigma follows from it.", share=batch_share(batch))
    yield weigh("ratio-first", -share, observed=batch.ratio, reference=STUDIED_RATIO, reading=reading)


def _slow_mechanism(case: Case) -> Text:
    return say(
        "Sigma had shrunk slowly to far below the errors; there 1 / (2 sigma^2) turned an error too small to "
        "see into {height:.1f} nats.",
        height=case.spike.height,
    )


def _advice(case: Case) -> tuple[Advice, ...]:
    return (
        *remedies.not_yet_done(case.run, "sigma-floor", "lr-decay"),
        advice.verify(case.run),
    )
