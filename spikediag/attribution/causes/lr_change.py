"""lr-change: the learning rate stepped up, restarted or ended its warm-up just before the jump."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from spikediag.attribution.advice import log_line
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import Quantity, measuring
from spikediag.attribution.run_facts import constant_rate_stated
from spikediag.model import Advice, Evidence, Kind, LossKind, Role, Run, Series, Shape, Text, Tier, say
from spikediag.stats.medians import median
from spikediag.text import Value

SMALLEST_FACTOR = 1.05
RAISED = 2.0  # times, from which a risen rate may throw the weights as long as it lasts
AS_FAR = 0.5  # of the logarithm of a change, from which others like it make it less telling
STOOD = 2.0  # times the old rate, where it had stood before: lowered since, that is no rate to keep
SMALLEST_MOVE = 1 + 1e-6  # below, a rate stands still
STILL = 3  # logged intervals without a rise, after which a warm-up is over
LEAST_WARM_UP = 1.5  # factor from first to largest rate
HORIZON = 3000.0, 120.0  # steps or logged points: 3 / (1 - beta2) of Adam's, whose memory is gone then
DELAYS = (10.0, 100.0, 1000.0)  # steps between a raised rate and the leap
FEWEST_POINTS = (1.0, 4.0, 40.0)  # logged points of each delay, where steps count samples and not updates
UNTIMELY = -0.3  # bans of the lag, up to which a jump comes too late to decide anything
WARMED = 0.3  # bans of a warm-up's end: every run with a schedule has one
FEWEST_MOVES = 20  # logged intervals of a rate from which its habits are known
GREW = 5.0  # times, from which the distance of the policy from the one before grew with the rate
FEWEST_UPDATES = 3  # logged points on either side of the change that tell it
OFTEN = 0.1  # share of them in which an adaptive rate changes
BOTH_WAYS = 0.2  # of its changes, at least so many up and so many down
TURNS = 0.2  # of its changes, at least so many against the one before


@registry.register
@dataclass(frozen=True)
class LrChange:
    """The learning rate changed just before the jump.

    What it means:
        A step up, a warm restart or the end of a warm-up makes the next updates larger than the
        curvature allows; the loss leaps within tens to some hundred steps and recovers as the weights
        find a flatter place, or stays up. A rate that is lowered lets the loss fall for good.

    Evidence for:
        An abrupt rise of the logged rate shortly before the onset, rare in this run, large in factor.

    Evidence against:
        A constant rate; a rate that only falls; a rate that changes all the time, up and down: an adaptive
        schedule answers to what happened, to the KL of the last update for one, and is no cause.

    What to do:
        Warm up to the new rate, or raise it in smaller steps; keep Adam's state over the change; clip
        gradients. Without an LR tag: log it.
    """

    id: str = "lr-change"
    prior: float = 0.1
    of_falls: bool = True
    calibrated: frozenset[LossKind] = frozenset(
        {LossKind.LIKELIHOOD, LossKind.POLICY_GRADIENT, LossKind.VALUE, LossKind.CROSS_ENTROPY}
    )

    def judge(self, case: Case) -> Judgement:
        """Judge every logged learning rate; the one with the strongest evidence speaks."""
        rates = [s for s in case.run.having(Role.LEARNING_RATE) if np.any(s.finite & (s.values > 0))]
        if not rates:
            return _not_logged(case)
        return max((_judge_rate(case, series) for series in rates), key=lambda judged: judged.bans)


@dataclass(frozen=True)
class RateChange:
    """One change of a learning rate."""

    step: int  # first logged step with the new rate
    before: float
    after: float
    gradual: bool = False  # the end of a warm-up

    @property
    def factor(self) -> float:
        """New rate over old."""
        return self.after / self.before

    def rivals(self, other: "RateChange") -> bool:
        """Whether it might as well have done what the other did: the same way, and at least half as far."""
        own, far = math.log(self.factor), math.log(other.factor)
        return own * far > 0 and abs(own) >= AS_FAR * abs(far)


def rate_changes(series: Series) -> tuple[RateChange, ...]:
    """Abrupt changes (above the smallest factor and eight times the usual move), else a warm-up's end."""
    steps, logs = series.logs
    moves = np.abs(np.diff(logs))
    if not len(moves):
        return ()
    limit = max(math.log(SMALLEST_FACTOR), 8 * median(moves))
    warm = _warm_up_end(steps, logs)
    settled = -1 if warm is None else warm.step
    abrupt = (
        RateChange(int(steps[i + 1]), math.exp(logs[i]), math.exp(logs[i + 1]))
        for i in np.flatnonzero(moves > limit)
        if steps[i + 1] > settled
    )
    return (*abrupt,) if warm is None else (warm, *abrupt)


def changes_in(run: Run, series: Series) -> tuple[RateChange, ...]:
    """The changes of a learning rate of a run, worked out once."""
    return run.once(_changes, series)


def _changes(_: Run, series: Series) -> tuple[RateChange, ...]:
    return rate_changes(series)


def raised(case: Case, until: float) -> RateChange | None:
    """The last abrupt rise of a learning rate that still holds at a step, a warm-up's end left out."""
    found = (
        change
        for series in case.run.having(Role.LEARNING_RATE)
        if not habit_in(case.run, series).adaptive
        for change in changes_in(case.run, series)
        if not change.gradual and change.step <= until and _holds(series, change, until)
    )
    return max(found, key=lambda change: change.step, default=None)


def _holds(series: Series, change: RateChange, until: float) -> bool:
    """Whether the rate is still far above what it rose from."""
    lately = series.before(int(until) + 1)[-1:]
    return bool(len(lately) and lately[0] >= RAISED * change.before)


def _warm_up_end(steps: np.ndarray, logs: np.ndarray) -> RateChange | None:
    """The step at which a rate that rose from the first point on, in more than one leap, stops rising."""
    moves = np.diff(logs)
    still = np.append(moves, np.zeros(STILL)) <= math.log(SMALLEST_MOVE)
    end = int(np.argmax(np.lib.stride_tricks.sliding_window_view(still, STILL).all(axis=1)))
    warming, whole = moves[:end], float(logs[end] - logs[0])
    if end < 3 or np.any(warming < 0) or whole < math.log(LEAST_WARM_UP) or np.max(warming) > 0.5 * whole:
        return None
    return RateChange(int(steps[end]), math.exp(logs[0]), math.exp(logs[end]), gradual=True)


@dataclass(frozen=True)
class Dose:
    """Spikes of the loss in equal stretches before and after a change of the rate."""

    before: int
    after: int
    chance: float  # of so many after it, if spikes were as frequent on both sides


def dose(case: Case, change: RateChange) -> Dose | None:
    """Count the spikes within equal stretches before and after a change; None with fewer than two."""
    loss = case.loss
    peaks = [int(loss.steps[m.peak]) for m in case.spike.members]
    peaks += [s.peak_step for s in case.loss_spikes if s.kind is Kind.TRANSIENT]
    peaks = sorted(set(peaks) | {case.spike.peak_step})
    reach = min(change.step - float(loss.steps[0]), float(loss.steps[-1]) - change.step)
    before = sum(change.step - reach <= step < change.step for step in peaks)
    after = sum(change.step <= step <= change.step + reach for step in peaks)
    if before + after < 2:
        return None
    return Dose(before, after, float(bdtrc(after - 1, before + after, 0.5)))


@dataclass(frozen=True)
class Before:
    """A change that came before the jump, and how telling that is."""

    change: RateChange
    lag: float  # steps; below 0 where it was logged after the jump was
    alike: int  # changes in the same direction, at least half as far, in the whole run
    bans: float


def _last_before(case: Case, series: Series) -> Before | None:
    """The change that matters most within the horizon: a rise before a fall, the later before the earlier."""
    changes = changes_in(case.run, series)
    reach = case.reach(*HORIZON)
    near = [
        c
        for c in changes
        if (case.begin - c.step <= reach or any(_updates_grew(case, c)))
        and not case.lag(series, c.step).follows
    ]
    if not near:
        return None
    change = max(near, key=lambda c: ((c.factor > 1) != case.spike.is_fall, c.step))
    alike = sum(c.rivals(change) for c in changes)
    delays = tuple(max(d, n * case.loss.interval) for d, n in zip(DELAYS, FEWEST_POINTS, strict=True))
    return Before(change, float(case.begin - change.step), alike, case.precedence(change.step, delays, alike))


@dataclass(frozen=True)
class Habit:
    """How often a rate changes, each logged interval looked at."""

    intervals: int
    up: int
    down: int
    turns: int  # changes in the other direction than the one before

    @property
    def adaptive(self) -> bool:
        """Whether it answers to something: no schedule turns to and fro all the time."""
        changes = self.up + self.down
        often = self.intervals >= FEWEST_MOVES and changes >= OFTEN * self.intervals
        return often and min(self.up, self.down) >= BOTH_WAYS * changes and self.turns >= TURNS * changes


def habit(series: Series) -> Habit:
    """Count the changes of a learning rate that are no rounding."""
    moves = np.diff(series.logs[1])
    signs = np.sign(moves[np.abs(moves) > math.log(SMALLEST_FACTOR)])
    turns = int(np.count_nonzero(np.diff(signs)))
    return Habit(len(moves), int(np.count_nonzero(signs > 0)), int(np.count_nonzero(signs < 0)), turns)


def habit_in(run: Run, series: Series) -> Habit:
    """The habit of a learning rate of a run, worked out once."""
    return run.once(_habit, series)


def _habit(_: Run, series: Series) -> Habit:
    return habit(series)


def _adaptive(series: Series, seen: Habit) -> Evidence:
    share = (seen.up + seen.down) / seen.intervals
    reading = say(
        "{tag} is adaptive: it changes in {share:.0%} of {intervals:,} logged intervals, {up:,} times up and "
        "{down:,} times down. Such a rate answers to what happened and is no cause.",
        tag=series.tag,
        share=share,
        intervals=seen.intervals,
        up=seen.up,
        down=seen.down,
    )
    return weigh("adaptive", -2.0, observed=share, reference=OFTEN, reading=reading)


def _judge_rate(case: Case, series: Series) -> Judgement:
    seen = habit_in(case.run, series)
    if seen.adaptive:
        return Judgement(Tier.TRIGGER, (_adaptive(series, seen),), ruled_out=True)
    before = _last_before(case, series)
    if before is None:
        evidence = (_unchanged(case, series), *_too_late(case, series))
        return Judgement(Tier.TRIGGER, evidence, ruled_out=True)
    change = before.change
    grown, back = tuple(_updates_grew(case, change)), tuple(_way_back(case, change))
    warmed = tuple(_scatters_anyway(case, change))
    as_expected = not warmed and ((change.factor > 1) != case.spike.is_fall or bool(grown or back))
    return Judgement(
        Tier.TRIGGER,
        (
            _lag(case, series, before),
            *(back or (_direction(case, series, change),)),
            *grown,
            *warmed,
            *_follows_dose(case, series, change),
        ),
        decisive=as_expected and (before.bans > UNTIMELY or bool(grown)),
        advice=_advice(series, change) if not case.spike.is_fall else (),
        mechanism=_mechanism(case, change),
    )


def _scatters_anyway(case: Case, change: RateChange) -> Iterator[Evidence]:
    """More scatter at the end of a warm-up, which makes no update larger than the one before."""
    if change.gradual and case.spike.shape is Shape.NOISE:
        reading = say(
            "{tag} scatters more where the warm-up ends: its last updates are hardly larger than those "
            "before, and a loss that leaves the level of chance scatters more by itself.",
            tag=case.spike.tag,
        )
        yield weigh("scatters-anyway", -1.0, observed=case.spike.sigmas, reading=reading)


def _mechanism(case: Case, change: RateChange) -> Text:
    if case.spike.is_fall:
        return say(
            "The learning rate went from {before:.2g} to {after:.2g} at step {step:,}; smaller updates "
            "settle lower.",
            before=change.before,
            after=change.after,
            step=change.step,
        )
    return say(
        "The learning rate went from {before:.2g} to {after:.2g} at step {step:,}; the updates grew "
        "{factor:.1f} times, further than the loss surface allows.",
        before=change.before,
        after=change.after,
        step=change.step,
        factor=change.factor,
    )


def _not_logged(case: Case) -> Judgement:
    stated = constant_rate_stated(case.run)
    missing = (log_line(case.run, Role.LEARNING_RATE),)
    if stated is None:
        return Judgement(Tier.TRIGGER, checkable=False, missing=missing)
    reading = say(
        "The configuration states a {value} learning rate ({source}); that it was kept is not logged.",
        value=stated.value,
        source=stated.source,
    )
    evidence = weigh(
        "constant-stated", -0.7, observed=str(stated.value), reference="constant", reading=reading
    )
    return Judgement(Tier.TRIGGER, (evidence,), checkable=False, missing=missing)


def _unchanged(case: Case, series: Series) -> Evidence:
    values = series.values[series.finite & (series.values > 0)]
    low, high = float(np.min(values)), float(np.max(values))
    if high <= low * (1 + 1e-6):
        reading = say("{tag} is {rate:.3g} from the first to the last point.", tag=series.tag, rate=high)
        return weigh("constant", -2.0, observed=high, reference=high, reading=reading)
    horizon = case.reach(*HORIZON)
    told: dict[str, Value] = {"tag": series.tag, "onset": case.begin, "low": low, "high": high}
    if case.is_all_before(horizon):
        reading = say(
            "{tag} did not change abruptly before step {onset:,} (whole run: {low:.2g} to {high:.2g}).",
            **told,
        )
    else:
        reading = say(
            "{tag} did not change abruptly in the {horizon:,.0f} steps before step {onset:,} (whole run: "
            "{low:.2g} to {high:.2g}).",
            horizon=horizon,
            **told,
        )
    return weigh("no-change-before", -2.0, observed=0.0, reference=SMALLEST_FACTOR, reading=reading)


def _too_late(case: Case, series: Series) -> Iterator[Evidence]:
    """The first change after the jump, with its lag: what comes later is no cause."""
    later = (c for c in changes_in(case.run, series) if 0 < c.step - case.begin <= case.reach(*HORIZON))
    change = min(later, key=lambda c: c.step, default=None)
    if change is not None:
        lag = float(case.begin - change.step)
        yield weigh("lag", 0.0, observed=lag, reference=0.0, reading=_after(series, change, lag))


def _after(series: Series, change: RateChange, lag: float) -> Text:
    return say(
        "{tag} went from {before:.2g} to {after:.2g} at step {step:,}, {late:,.0f} steps after the jump "
        "began.",
        tag=series.tag,
        before=change.before,
        after=change.after,
        step=change.step,
        late=-lag,
    )


def _lag(case: Case, series: Series, found: Before) -> Evidence:
    if found.lag < 0:
        reading = _after(series, found.change, found.lag)
        return weigh("lag", found.bans, observed=found.lag, reference=case.reach(*HORIZON), reading=reading)
    reading = say(
        "{tag} went from {before:.2g} to {after:.2g} at step {step:,}, {lag:,.0f} steps before the jump; the "
        "run has {alike} such change(s) in {length:,.0f} steps.",
        tag=series.tag,
        before=found.change.before,
        after=found.change.after,
        step=found.change.step,
        lag=found.lag,
        alike=found.alike,
        length=case.length,
    )
    return weigh("lag", found.bans, observed=found.lag, reference=case.reach(*HORIZON), reading=reading)


def _direction(case: Case, series: Series, change: RateChange) -> Evidence:
    if case.spike.is_fall:
        lowered = change.factor <= 1
        reading = say(
            "{tag} went to {factor:.2g} times its value, and the loss fell.",
            tag=series.tag,
            factor=change.factor,
        )
        weight = min(1.0, 0.3 - math.log10(change.factor)) if lowered else -1.0
        return weigh(
            "lowered" if lowered else "raised", weight, observed=change.factor, reference=1.0, reading=reading
        )
    if change.factor <= 1:
        reading = say(
            "{tag} fell, to {factor:.2g} of its value: a fall calms a loss.",
            tag=series.tag,
            factor=change.factor,
        )
        return weigh("fell", -1.5, observed=change.factor, reference=1.0, reading=reading)
    reading = say("{tag} rose {factor:.2g} times.", tag=series.tag, factor=change.factor)
    if change.gradual:
        reading = say(
            "{tag} warmed up to {factor:.2g} times its first value.", tag=series.tag, factor=change.factor
        )
    weight = min(WARMED if change.gradual else 1.0, math.log10(change.factor) + 0.3)
    return weigh("rose", weight, observed=change.factor, reference=1.0, reading=reading)


def _updates_grew(case: Case, change: RateChange) -> Iterator[Evidence]:
    """Whether every update since a rise of the rate took the policy farther than any before."""
    if change.factor <= 1 or change.gradual:
        return
    for series in measuring(case.run, Quantity.POLICY_KL, Quantity.RATIO):
        usual = series.before(change.step)
        since = series.before(case.spike.peak_step + 1)[len(usual) :]
        if min(len(usual), len(since)) < FEWEST_UPDATES or not median(usual) > 0:
            continue
        times = median(since) / median(usual)
        if times >= GREW:
            reading = say(
                "{tag} stands at {times:,.0f} times its level since: every update goes farther.",
                tag=series.tag,
                times=times,
            )
            yield weigh("updates-grew", 1.5, observed=times, reference=GREW, reading=reading)
            return


def _way_back(case: Case, change: RateChange) -> Iterator[Evidence]:
    """Whether a fall after a rise of the rate only takes back what the loss had risen by since."""
    own = case.spike.onset_step
    rises = (s for s in case.loss_spikes if not s.is_fall and change.step <= s.onset_step < own)
    height = max((s.height for s in rises), default=0.0)
    if case.spike.is_fall and change.factor > 1 and height >= -case.spike.height:
        reading = say(
            "{loss} had risen by {height:.3g} since the rate rose: it falls part of the way back.",
            loss=case.spike.tag,
            height=height,
        )
        yield weigh("way-back", 0.5, observed=height, reference=-case.spike.height, reading=reading)


def _follows_dose(case: Case, series: Series, change: RateChange) -> Iterator[Evidence]:
    """Spikes that come only at the higher rate speak for it, spikes that came before it against."""
    counted = dose(case, change)
    if counted is None or change.factor <= 1:
        return
    yield weigh(
        "dose",
        min(1.0, -0.5 * math.log10(max(counted.chance, 1e-6)) - 0.3),
        observed=counted.after,
        reference=counted.before,
        reading=say(
            "{after} of {all} spikes in equal stretches around the rise of {tag} come after it; by chance "
            "{chance:.2g}.",
            after=counted.after,
            all=counted.before + counted.after,
            tag=series.tag,
            chance=counted.chance,
        ),
    )


def _advice(series: Series, change: RateChange) -> tuple[Advice, ...]:
    if change.factor <= 1:
        return ()
    earlier = series.before(change.step)
    if len(earlier) and float(earlier.max()) > STOOD * change.before:
        text = say(
            "Restart to less than {after:.2g}, or warm up to it over some hundred steps instead of at "
            "once at step {step:,}.",
            after=change.after,
            step=change.step,
        )
    else:
        text = say(
            "Keep the rate at {before:.2g}, or warm up to {after:.2g} over some hundred steps instead of at "
            "once at step {step:,}.",
            before=change.before,
            after=change.after,
            step=change.step,
        )
    return (Advice(text, rank=1),)
