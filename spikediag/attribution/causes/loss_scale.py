"""loss-scale: half precision overflowed and the scaler backed off just before the jump."""

from dataclasses import dataclass

import numpy as np

from spikediag.attribution.advice import line, log_line
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import (
    REINFORCED,
    Advice,
    Evidence,
    FactName,
    Framework,
    LossKind,
    Role,
    Run,
    Series,
    Tier,
    say,
)

HORIZON = 50.0  # steps
DELAY = 10.0  # steps: a wrong update shows at the next
DECISIVE = 0.5  # bans
_PRECISION = (FactName.MIXED_PRECISION, FactName.PRECISION, FactName.DTYPE)
_NO_SCALE = {
    "no", "none", "false", "32", "32-true", "fp32", "float32", "tf32", "64", "64-true", "float64",
    "bf16", "bf16-mixed", "bf16-true", "bfloat16",
}  # fmt: skip


@dataclass(frozen=True)
class Backoff:
    """One fall of the loss scale."""

    step: int
    before: float
    after: float


@registry.register
@dataclass(frozen=True)
class LossScale:
    """The loss scale of mixed precision fell just before the jump.

    What it means:
        The scaled gradients left the range of half precision; the scaler skips the step and halves the
        scale. Several halvings, or an update that was not skipped, mean that gradients were wrong.

    Evidence for:
        A fall of the logged scale within fifty steps before the onset, rare in this run.

    Evidence against:
        A constant scale; training in full precision or bfloat16, which needs none; falls all along.

    What to do:
        Let the scaler skip overflowing updates and unscale before clipping; use bfloat16 where there is
        one; start from a lower scale.
    """

    id: str = "loss-scale"
    prior: float = 0.05
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset({LossKind.LIKELIHOOD})

    def applies(self, run: Run, loss: Series) -> bool:
        """Where a scale or a precision is told or may be; neither JAX nor reinforcement learners have one."""
        if any(run.having(Role.LOSS_SCALE)) or any(run.fact(n).value is not None for n in _PRECISION):
            return True
        return run.framework is not Framework.JAX and run.loss_kind(loss) not in REINFORCED

    def judge(self, case: Case) -> Judgement:
        """Look for the fall nearest before the onset."""
        series = next((s for s in case.run.having(Role.LOSS_SCALE) if len(s) > 1), None)
        if series is None:
            return _not_logged(case)
        falls, reach = backoffs(series), case.slack(series)
        near = [
            f
            for f in falls
            if case.begin - f.step <= HORIZON + reach and not case.lag(series, f.step).follows
        ]
        if not near:
            return Judgement(Tier.TRIGGER, (_steady(series, falls, case),), ruled_out=True)
        nearest = min(near, key=lambda f: abs(case.begin - f.step))
        bans = case.precedence(nearest.step, (max(DELAY, 0.5 * reach),), len(falls))
        return Judgement(
            Tier.TRIGGER,
            (_fell(case, series, nearest, bans, len(falls)),),
            decisive=bans > DECISIVE,
            advice=_advice(case.run),
            mechanism=say(
                "Scaled gradients left the range of half precision at step {step:,}, and an update with "
                "wrong gradients was made.",
                step=nearest.step,
            ),
        )


def backoffs(series: Series) -> tuple[Backoff, ...]:
    """Every fall of the scale to three quarters or less."""
    good = series.finite & (series.values > 0)
    steps, values = series.steps[good], series.values[good]
    return tuple(
        Backoff(int(steps[i + 1]), float(values[i]), float(values[i + 1]))
        for i in np.flatnonzero(values[1:] <= 0.75 * values[:-1])
    )


def full_precision(run: Run) -> str | None:
    """Where the configuration states a precision that needs no loss scale; a stated mixture decides."""
    facts = (run.fact(n) for n in _PRECISION)
    stated = next((fact for fact in facts if fact.value is not None), None)
    return stated.source if stated is not None and str(stated.value).lower() in _NO_SCALE else None


def _not_logged(case: Case) -> Judgement:
    source = full_precision(case.run)
    if source is not None:
        reading = say("Trained without a loss scale: the precision needs none ({source}).", source=source)
        return Judgement(Tier.TRIGGER, (weigh("full-precision", -2.0, reading=reading),), ruled_out=True)
    return Judgement(Tier.TRIGGER, checkable=False, missing=(log_line(case.run, Role.LOSS_SCALE),))


def _fell(case: Case, series: Series, fall: Backoff, bans: float, count: int) -> Evidence:
    lag = float(case.begin - fall.step)
    numbers: dict[str, float | str] = {
        "tag": series.tag,
        "before": fall.before,
        "after": fall.after,
        "step": fall.step,
        "count": count,
    }
    reading = say(
        "{tag} fell from {before:g} to {after:g} at step {step:,}, {lag:,.0f} steps before the jump; it "
        "falls {count} time(s) in the run.",
        **numbers,
        lag=lag,
    )
    if lag < 0:
        reading = say(
            "{tag} fell from {before:g} to {after:g} at step {step:,}, logged {late:,.0f} steps after the "
            "jump was; it falls {count} time(s) in the run.",
            **numbers,
            late=-lag,
        )
    return weigh("fell-before", bans, observed=lag, reference=HORIZON, reading=reading)


def _steady(series: Series, falls: tuple[Backoff, ...], case: Case) -> Evidence:
    if not falls:
        top = float(np.nanmax(series.values)) if series.finite.any() else 0.0
        reading = say("{tag} never falls (at most {top:g}).", tag=series.tag, top=top)
        return weigh("never-falls", -2.0, observed=0, reading=reading)
    nearest = min(falls, key=lambda f: abs(f.step - case.begin))
    reading = say(
        "{tag} falls {count} time(s), nearest at step {step:,}; the jump begins at {onset:,}.",
        tag=series.tag,
        count=len(falls),
        step=nearest.step,
        onset=case.begin,
    )
    return weigh("falls-elsewhere", -2.0, observed=nearest.step, reference=case.begin, reading=reading)


def _advice(run: Run) -> tuple[Advice, ...]:
    return (
        Advice(
            say("Unscale before clipping and let the scaler skip an update that overflowed."),
            line(run, "unscale_first"),
            1,
        ),
        Advice(
            say("Use bfloat16 where the hardware has it: it needs no loss scale."),
            line(run, "use_bfloat16"),
            2,
        ),
    )
