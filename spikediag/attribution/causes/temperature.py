"""temperature: the entropy temperature ran away, and the values with it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import Quantity, measuring
from spikediag.model import REINFORCED, Advice, Evidence, IntArray, LossKind, Run, Series, Tier, say

RAN_AWAY = 10.0  # times its lowest value before
CALM = 2.0  # times, within which it stayed
STEADY = 0.7  # share of its moves that go up on the way
PARTS = 20  # of the way, at most, whose levels show the moves: those from point to point may be noise
FEWEST_POINTS = 5
MOVES_BEFORE = 180  # logged points before the onset in which it may have begun to climb


@registry.register
@dataclass(frozen=True)
class Temperature:
    """The entropy temperature of a soft actor-critic ran away.

    What it means:
        The temperature is tuned until the entropy of the policy meets a target. Where the target cannot be
        met (too high for bounded actions, or a log-std at its limit) it climbs exponentially. It multiplies
        the entropy bonus in every value target, so critic and actor losses climb with it.

    Evidence for:
        The logged temperature multiplies tenfold or more up to the top of the loss, going up nearly all
        along.

    Evidence against:
        A temperature that stays within a factor of two, falls, or climbs only after the loss. Blind spot:
        the first points of a log, where nothing shows what was usual.

    What to do:
        Check the target entropy (minus the number of action dimensions), bound the temperature from above,
        lower its learning rate, or fix it; see whether the log-std is stuck at a limit.
    """

    id: str = "temperature"
    prior: float = 0.04
    of_falls: bool = True  # minus Q falls where the entropy lifts every value
    calibrated: frozenset[LossKind] = frozenset({LossKind.ACTOR, LossKind.VALUE})

    def applies(self, run: Run, loss: Series) -> bool:
        """To losses of a learner whose temperature, or its loss, is logged."""
        tuned = measuring(run, Quantity.TEMPERATURE, Quantity.TEMPERATURE_LOSS)
        return run.loss_kind(loss) in REINFORCED and bool(tuned)

    def judge(self, case: Case) -> Judgement:
        """Did the temperature multiply up to the top of the loss?"""
        climbs = [
            c
            for s in measuring(case.run, Quantity.TEMPERATURE)
            if (c := temperature_climb(case, s)) is not None
        ]
        if not climbs:
            return Judgement(Tier.TRIGGER, checkable=False, missing=(_log(),))
        far = max(climbs, key=lambda c: c.times)
        if far.times < RAN_AWAY:
            return Judgement(Tier.TRIGGER, tuple(_calm(far)), ruled_out=far.times < CALM)
        if case.lag(far.series, far.step).follows:
            return Judgement(Tier.TRIGGER, (_after(case, far),), ruled_out=True)
        # beside a burst, a slow climb may be a coincidence: there it must have moved at the jump itself
        return Judgement(
            Tier.TRIGGER,
            (_ran_away(far), *_steady(far)),
            decisive=far.steady >= STEADY and (not case.is_burst or far.series.tag in case.witnesses.tags),
            advice=_advice(far),
            mechanism=say(
                "{tag} climbed from {low:.3g} to {high:.3g}; it multiplies the entropy in every value "
                "target, so the losses climb with it.",
                tag=far.series.tag,
                low=far.low,
                high=far.high,
            ),
        )


@dataclass(frozen=True, eq=False)
class TemperatureClimb:
    """The way of the temperature to its highest point up to the top of the loss."""

    series: Series
    low: float  # its lowest value before
    high: float
    step: int  # the first logged step at which it stood at twice the lowest
    steady: float  # share of the moves from there to the top that go up

    @property
    def times(self) -> float:
        """How many times it multiplied."""
        return self.high / self.low


def temperature_climb(case: Case, series: Series) -> TemperatureClimb | None:
    """How a temperature, or the exponential of its logarithm, climbed; None where too little is logged."""
    first = case.begin - MOVES_BEFORE * series.interval
    last = case.spike.peak_step + 0.5 * max(series.interval, case.loss.interval)
    seen = series.finite & (series.steps >= first) & (series.steps <= last)
    steps, values = series.steps[seen], series.values[seen]
    if "log" in series.tag.lower():
        values = np.exp(np.clip(values, -700, 700))
    if len(values) < FEWEST_POINTS or not np.all(values > 0):
        return None
    high = int(np.argmax(values))
    low = int(np.argmin(values[: high + 1]))
    way: IntArray = np.flatnonzero(values[low : high + 1] >= CALM * values[low])
    first_double = low + (int(way[0]) if len(way) else 0)
    way_up = values[first_double : high + 1]
    moves = np.diff([np.median(part) for part in np.array_split(way_up, min(PARTS, len(way_up)))])
    return TemperatureClimb(
        series,
        low=float(values[low]),
        high=float(values[high]),
        step=int(steps[first_double]),
        steady=float(np.mean(moves > 0)) if len(moves) else 0.0,
    )


def _ran_away(far: TemperatureClimb) -> Evidence:
    reading = say(
        "{tag} multiplied {times:,.0f} times, from {low:.3g} to {high:.3g}.",
        tag=far.series.tag,
        times=min(far.times, 1e9),
        low=far.low,
        high=far.high,
    )
    weight = float(min(2.0, 1.0 + 0.5 * np.log10(far.times / RAN_AWAY)))
    return weigh("ran-away", weight, observed=far.times, reference=RAN_AWAY, reading=reading)


def _steady(far: TemperatureClimb) -> Iterator[Evidence]:
    reading = say("{share:.0%} of its moves on the way went up.", share=far.steady)
    weight = 0.5 if far.steady >= STEADY else -0.5
    yield weigh("steady-climb", weight, observed=far.steady, reference=STEADY, reading=reading)


def _calm(far: TemperatureClimb) -> Iterator[Evidence]:
    reading = say(
        "{tag} stays between {low:.3g} and {high:.3g} up to the top of the loss.",
        tag=far.series.tag,
        low=far.low,
        high=far.high,
    )
    weight = -2.0 if far.times < CALM else -0.7
    yield weigh("calm", weight, observed=far.times, reference=RAN_AWAY, reading=reading)


def _after(case: Case, far: TemperatureClimb) -> Evidence:
    reading = say(
        "{tag} began to climb at step {step:,}, after the loss had jumped.", tag=far.series.tag, step=far.step
    )
    lag = case.lag(far.series, far.step)
    return weigh("climbed-after", -2.0, observed=lag.steps, reference=0.0, reading=reading)


def _log() -> Advice:
    return Advice(say("Log the entropy temperature itself, beside its loss: it shows whether it ran away."))


def _advice(far: TemperatureClimb) -> tuple[Advice, ...]:
    return (
        Advice(
            say(
                "Check the target entropy (usually minus the number of action dimensions), and bound {tag} "
                "from above or fix it near {low:.2g}.",
                tag=far.series.tag,
                low=far.low,
            ),
            None,
            1,
        ),
    )
