"""lr-change: the learning rate stepped up, restarted or ended its warm-up just before the jump."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.loglines import log_line
from spikediag.attribution.protocol import Judgement, cause
from spikediag.attribution.rates import RateChange, dose, rate_changes
from spikediag.attribution.settings import constant_rate_stated, interval
from spikediag.attribution.timing import begin, length, precedence, slack
from spikediag.model import Advice, Case, Evidence, Role, Series, Tier, say


@cause
@dataclass(frozen=True)
class LrChange:
    """The learning rate changed just before the jump.

    What it means:
        A step up, a warm restart or the end of a warm-up makes the next updates larger than the
        curvature allows; the loss leaps within tens to some hundred steps and recovers as the weights
        find a flatter place, or stays up.

    Evidence for:
        An abrupt rise of the logged rate shortly before the onset, rare in this run, large in factor.

    Evidence against:
        A constant rate; a rate that only falls; a rate that changes all the time (an adaptive
        schedule), most of the changes without a jump.

    What to do:
        Warm up to the new rate, or raise it in smaller steps; keep Adam's state over the change; clip
        gradients. Without an LR tag: log it.
    """

    id: str = "lr-change"
    prior: float = 0.1
    smallest_factor: float = 1.05
    horizon: float = 3000.0  # steps: 3 / (1 - beta2) of Adam's default, after which its memory is gone
    delays: tuple[float, ...] = (10.0, 100.0, 1000.0)  # steps between a raised rate and the leap

    def judge(self, case: Case) -> Judgement:
        """Judge every logged learning rate; the one with the strongest evidence speaks."""
        rates = [
            s for s in case.run.having(Role.LEARNING_RATE) if np.any(np.isfinite(s.values) & (s.values > 0))
        ]
        if not rates:
            return self._not_logged(case)
        judged = [self._judge_rate(case, series) for series in rates]
        return max(judged, key=lambda j: sum(e.weight for e in j.evidence))

    def _not_logged(self, case: Case) -> Judgement:
        stated = constant_rate_stated(case.run)
        missing = (log_line(case.run, Role.LEARNING_RATE),)
        if stated is None:
            return Judgement(Tier.TRIGGER, checkable=False, missing=missing)
        reading = say(
            "The configuration states a {value} learning rate ({source}); that it was kept is not logged.",
            value=stated.value,
            source=stated.source,
        )
        evidence = Evidence("constant-stated", reading, -0.7, str(stated.value), "constant")
        return Judgement(Tier.TRIGGER, (evidence,), checkable=False, missing=missing)

    def _judge_rate(self, case: Case, series: Series) -> Judgement:
        changes = rate_changes(series, self.smallest_factor)
        reach = slack(case, series)
        onset = begin(case)
        before = [c for c in changes if -reach <= onset - c.step <= self.horizon]
        if not before:
            return Judgement(Tier.TRIGGER, (self._unchanged(series, onset),), ruled_out=True)
        nearest = max(before, key=lambda c: (c.factor > 1, c.step))
        evidence = (
            self._lag(case, series, nearest, changes),
            self._direction(series, nearest),
            *_dose(case, series, nearest),
        )
        return Judgement(
            Tier.TRIGGER,
            evidence,
            decisive=nearest.factor > 1 and evidence[0].weight > 0,
            advice=_advice(nearest),
            mechanism=say(
                "The learning rate went from {before:.2g} to {after:.2g} at step {step:,}; the updates grew "
                "{factor:.1f} times, further than the loss surface allows.",
                before=nearest.before,
                after=nearest.after,
                step=nearest.step,
                factor=nearest.factor,
            ),
        )

    def _unchanged(self, series: Series, onset: int) -> Evidence:
        values = series.values[np.isfinite(series.values) & (series.values > 0)]
        low, high = float(np.min(values)), float(np.max(values))
        if high <= low * (1 + 1e-6):
            reading = say("{tag} is {rate:.3g} from the first to the last point.", tag=series.tag, rate=high)
            return Evidence("constant", reading, -2.0, high, high)
        reading = say(
            "{tag} did not change abruptly in the {horizon:,.0f} steps before step {onset:,} (whole run: "
            "{low:.2g} to {high:.2g}).",
            tag=series.tag,
            horizon=self.horizon,
            onset=onset,
            low=low,
            high=high,
        )
        return Evidence("no-change-before", reading, -2.0, 0.0, self.smallest_factor)

    def _lag(
        self, case: Case, series: Series, change: RateChange, changes: tuple[RateChange, ...]
    ) -> Evidence:
        loss = case.run.series[case.spike.tag]
        shortest = max(self.delays[0], interval(loss))
        lag = max(0.0, float(begin(case) - change.step))
        alike = sum((c.factor > 1) == (change.factor > 1) for c in changes)
        weight = precedence(lag, length(case), (shortest, *self.delays[1:]), alike)
        reading = say(
            "{tag} went from {before:.2g} to {after:.2g} at step {step:,}, {lag:,.0f} steps before the jump; "
            "the run has {alike} such change(s) in {length:,.0f} steps.",
            tag=series.tag,
            before=change.before,
            after=change.after,
            step=change.step,
            lag=lag,
            alike=alike,
            length=length(case),
        )
        return Evidence("lag", reading, weight, lag, self.horizon)

    def _direction(self, series: Series, change: RateChange) -> Evidence:
        if change.factor > 1:
            weight = min(1.0, math.log10(change.factor) + 0.3)
            reading = say("{tag} rose {factor:.2g} times.", tag=series.tag, factor=change.factor)
            if change.gradual:
                reading = say(
                    "{tag} warmed up to {factor:.2g} times its first value.",
                    tag=series.tag,
                    factor=change.factor,
                )
            return Evidence("rose", reading, weight, change.factor, 1.0)
        reading = say(
            "{tag} fell, to {factor:.2g} of its value: a fall calms a loss.",
            tag=series.tag,
            factor=change.factor,
        )
        return Evidence("fell", reading, -1.5, change.factor, 1.0)


def _dose(case: Case, series: Series, change: RateChange) -> Iterator[Evidence]:
    """Spikes that come only at the higher rate speak for it, spikes that came before it against."""
    counted = dose(case, change)
    if counted is None or change.factor <= 1:
        return
    reading = say(
        "{after} of {all} spikes in equal stretches around the rise of {tag} come after it; by chance "
        "{chance:.2g}.",
        after=counted.after,
        all=counted.before + counted.after,
        tag=series.tag,
        chance=counted.chance,
    )
    weight = min(1.0, -0.5 * math.log10(max(counted.chance, 1e-6)) - 0.3)
    yield Evidence("dose", reading, weight, counted.after, counted.before)


def _advice(change: RateChange) -> tuple[Advice, ...]:
    if change.factor <= 1:
        return ()
    return (
        Advice(
            say(
                "Keep the rate at {before:.2g}, or warm up to {after:.2g} over some hundred steps instead of "
                "at once at step {step:,}.",
                before=change.before,
                after=change.after,
                step=change.step,
            ),
            None,
            1,
        ),
    )
