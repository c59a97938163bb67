"""log-std-drift: the policy's sigma dropped suddenly, or collapsed slowly far below the error."""

import math
from dataclasses import dataclass, replace

from spikediag.attribution import log_std, remedies
from spikediag.attribution.likelihood import likelihood, log_std_series, summed_log_sigma
from spikediag.attribution.loglines import log_line
from spikediag.attribution.protocol import Judgement, cause
from spikediag.attribution.sharpness import at_floor, overconfident, sharp_evidence
from spikediag.model import (
    Advice,
    Case,
    Evidence,
    Role,
    Series,
    Text,
    Tier,
    say,
)


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
        change = log_std.change_at_onset(case, series)
        if change is None:
            return self._not_logged(case)
        if self._dropped_far(change):
            return self._dropped(case, series, change)
        return self._collapsed(case, series, change)

    def _dropped_far(self, change: log_std.Change) -> bool:
        return change.fall > self.drop_nats and change.fall > self.drop_sds * change.error

    def _not_logged(self, case: Case) -> Judgement:
        missing = (log_line(case.run, Role.LOG_STD),)
        if not case.run.is_likelihood(case.run.series[case.spike.tag]):
            return Judgement(Tier.TRIGGER, checkable=False, missing=missing)
        evidence = (*sharp_evidence(case), *log_std.error(case), *log_std.ratio_first(case))
        return Judgement(Tier.CONDITION, evidence, checkable=False, missing=missing, advice=_advice(case))

    def _dropped(self, case: Case, series: Series, change: log_std.Change) -> Judgement:
        evidence = (log_std.drop(case, series, change), *log_std.share(case, change.step))
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

    def _collapsed(self, case: Case, series: Series, change: log_std.Change) -> Judgement:
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
        slow = (*sigma, *log_std.error(case), *log_std.slow_fall(case, series))
        collapsed = any(e.what in {"isotropic-floor", "overconfident"} and e.supports for e in slow)
        if not collapsed:
            return Judgement(Tier.TRIGGER, (still,), ruled_out=True)
        slowly = replace(still, weight=0.0)  # tells a slow collapse from a drop, not from other causes
        evidence = (slowly, *slow, *log_std.ratio_first(case))
        return Judgement(
            Tier.CONDITION, evidence, decisive=True, advice=_advice(case), mechanism=_slow_mechanism(case)
        )


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
