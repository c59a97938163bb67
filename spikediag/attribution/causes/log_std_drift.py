"""log-std-drift: the policy's sigma dropped suddenly, or collapsed slowly far below the error."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikediag.attribution import remedies
from spikediag.attribution.algebra import drivers
from spikediag.attribution.likelihood import likelihood, log_std_series, summed_log_sigma
from spikediag.attribution.loglines import log_line
from spikediag.attribution.protocol import Judgement, cause
from spikediag.attribution.settings import batch_and_dataset
from spikediag.attribution.sharpness import at_floor, overconfident, sharp_evidence
from spikediag.attribution.timing import SHORT_KINDS, moved, stretch
from spikediag.model import (
    Advice,
    Case,
    CouplingVerdict,
    Evidence,
    Kind,
    Role,
    Series,
    Text,
    Tier,
    say,
)
from spikediag.stats.likelihoods import is_likelihood


@dataclass(frozen=True)
class Change:
    """How log-std moved at the onset."""

    before: float
    during: float
    fall: float  # above 0: it dropped
    error: float  # standard error, or the sd of single points where one point is looked at
    step: float | None  # of the lowest point, for short spikes


@cause
@dataclass(frozen=True)
class LogStdDrift:
    """The policy's standard deviation dropped, or had collapsed far below the error.

    What it means:
        A Gaussian likelihood charges e^2 / (2 sigma^2) for an error e. If sigma drops, the same error
        costs more at once (a trigger, tied to the step). If sigma has shrunk over thousands of steps to
        far below the errors, any small stray costs tens of nats (a condition). The verdict says which.

    Evidence for:
        A drop of the logged log-std at the onset and a large share of the jump in the exact
        decomposition; or, without a drop, a loss below what one sigma can reach at this error.

    Evidence against:
        A logged log-std that did not move, or rose; a share of the jump near zero; an error that rises
        with the loss.

    What to do:
        Clamp log-std from below, or use beta-NLL or weight decay on its head. Without log-std in the
        log: log its mean and its smallest value.
    """

    id: str = "log-std-drift"
    prior: float = 0.1
    drop_sds: float = 6.0  # standard errors of the change
    drop_nats: float = 0.2  # nats of the logged quantity

    def judge(self, case: Case) -> Judgement:
        """Sudden drop first; else slow collapse; else, without log-std, what loss and error prove."""
        series = log_std_series(case.run) or summed_log_sigma(case.run)
        if series is None:
            return self._not_logged(case)
        change = _change(case, series)
        if change is None:
            return self._not_logged(case)
        if self._dropped_far(change):
            return self._dropped(case, series, change)
        return self._collapsed(case, series, change)

    def _dropped_far(self, change: Change) -> bool:
        return change.fall > self.drop_nats and change.fall > self.drop_sds * change.error

    def _not_logged(self, case: Case) -> Judgement:
        missing = (log_line(case.run, Role.LOG_STD),)
        if not is_likelihood(case.run.series[case.spike.tag], case.run):
            return Judgement(Tier.TRIGGER, checkable=False, missing=missing)
        evidence = (*sharp_evidence(case), *_error(case), *_ratio_first(case))
        return Judgement(Tier.CONDITION, evidence, checkable=False, missing=missing, advice=_advice(case))

    def _dropped(self, case: Case, series: Series, change: Change) -> Judgement:
        evidence = (_drop(case, series, change), *_share(case, change.step))
        against = any(e.weight <= -1 for e in evidence)
        return Judgement(
            Tier.TRIGGER,
            evidence,
            decisive=not against,
            advice=_advice(case),
            mechanism=say(
                "{tag} fell by {fall:.2f}: sigma shrank {factor:.1f} times, so the same error costs "
                "{cost:.1f} times as much.",
                tag=series.tag,
                fall=change.fall,
                factor=math.exp(change.fall),
                cost=math.exp(2 * change.fall),
            ),
        )

    def _collapsed(self, case: Case, series: Series, change: Change) -> Judgement:
        still = Evidence(
            "no-drop",
            say(
                "{tag} did not drop at the jump: {before:.2f} before, {during:.2f} during.",
                tag=series.tag,
                before=change.before,
                during=change.during,
            ),
            -1.0,
            -change.fall,
            -self.drop_nats,
        )
        sigma = (*sharp_evidence(case), *overconfident(case), *at_floor(case))
        slow = (*sigma, *_error(case), *_slow_fall(case, series))
        collapsed = any(e.what in {"isotropic-floor", "overconfident"} and e.supports for e in slow)
        if not collapsed:
            return Judgement(Tier.TRIGGER, (still,), ruled_out=True)
        slowly = replace(still, weight=0.0)  # tells a slow collapse from a drop, not from other causes
        evidence = (slowly, *slow, *_ratio_first(case))
        return Judgement(
            Tier.CONDITION, evidence, decisive=True, advice=_advice(case), mechanism=_slow_mechanism(case)
        )


def _change(case: Case, series: Series) -> Change | None:
    """The lowest point of a short spike's rise, or the mean over a lasting one, against the past."""
    mean = moved(case, series)
    if mean is None:
        return None
    if case.spike.kind not in SHORT_KINDS:
        return Change(mean.before, mean.during, -mean.change, mean.error, None)
    where = stretch(case)
    inside = np.flatnonzero(
        (series.steps >= where.first) & (series.steps <= where.last) & np.isfinite(series.values)
    )
    lowest = int(inside[np.argmin(series.values[inside])])
    low = float(series.values[lowest])
    return Change(mean.before, low, mean.before - low, mean.noise, float(series.steps[lowest]))


def _drop(case: Case, series: Series, change: Change) -> Evidence:
    if case.spike.kind is Kind.DRIFT:
        reading = say(
            "{tag} fell gradually while the loss rose: {before:.2f} before, {during:.2f} at the end.",
            tag=series.tag,
            before=change.before,
            during=change.during,
        )
    else:
        reading = say(
            "{tag} dropped at the jump: {before:.2f} before, {during:.2f} during.",
            tag=series.tag,
            before=change.before,
            during=change.during,
        )
    return Evidence("dropped", reading, 1.5, -change.fall, 0.0)


def _share(case: Case, step: float | None) -> Iterator[Evidence]:
    """How much of the rise sigma made; where it shrank unevenly, errors land on its smallest values too."""
    split = drivers(case, step)
    if split is None or split.total <= 0.1 * case.spike.height:
        split = drivers(case)
    if split is None or split.total <= 0 or split.error is None:
        return
    share = 1 - split.error / split.total
    held = min(max(share, 0.01), 0.99)
    reading = say(
        "Of {jump:.1f} nats, sigma itself made {sigma:.1f} and errors landing where it is smallest "
        "{focus:.1f}; the size of the error made {error:.1f}.",
        jump=split.total,
        sigma=split.sigma,
        focus=split.concentration,
        error=split.error,
    )
    yield Evidence("sigma-share", reading, min(math.log10(held / (1 - held)), 1.0), share, 0.5)


def _slow_fall(case: Case, series: Series) -> Iterator[Evidence]:
    past = series.values[(series.steps < case.spike.onset_step) & np.isfinite(series.values)]
    if len(past) < 20:
        return
    tenth = max(1, len(past) // 10)
    early, late = float(np.median(past[:tenth])), float(np.median(past[-tenth:]))
    if late < early:
        reading = say(
            "{tag} had fallen from {early:.2f} to {late:.2f}.", tag=series.tag, early=early, late=late
        )
        yield Evidence("slow-fall", reading, 0.5 if early - late > 1 else 0.0, late - early, -1.0)


def _error(case: Case) -> Iterator[Evidence]:
    if case.coupling.verdict is CouplingVerdict.DECOUPLED:
        yield Evidence("error-flat", case.coupling.reading, 0.5, "decoupled", "decoupled")
    elif case.coupling.verdict is CouplingVerdict.COUPLED:
        yield Evidence("error-moved", case.coupling.reading, -1.5, "coupled", "decoupled")
    elif case.coupling.verdict is CouplingVerdict.UNDECIDED:
        yield Evidence("error-undecided", case.coupling.reading, -0.5, "undecided", "decoupled")


def _ratio_first(case: Case) -> Iterator[Evidence]:
    """A tiny sigma that a flagged ratio explains is its consequence, not a cause beside it."""
    both = batch_and_dataset(case.run)
    if both is None:
        return
    ratio = (both[0].number or 0.0) / (both[1].number or 1.0)
    if ratio > 0.5:
        reading = say(
            "A batch of {ratio:.0%} of the dataset comes first: a tiny sigma follows from it.", ratio=ratio
        )
        yield Evidence("ratio-first", reading, -1.0, ratio, 0.5)


def _slow_mechanism(case: Case) -> Text:
    return say(
        "Sigma had shrunk slowly to far below the errors; there 1 / (2 sigma^2) turned an error too small to "
        "see into {height:.1f} nats.",
        height=case.spike.height,
    )


def _advice(case: Case) -> tuple[Advice, ...]:
    known = likelihood(case)
    mse, dims = (known.mse, known.dims) if known is not None else (None, None)
    return (
        remedies.sigma_floor(case.run, mse, dims),
        remedies.decay_rate(case.run),
        remedies.verify(case.run),
    )
