"""adam-staleness: Adam remembered other gradients than those that came, and its steps were too large."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikediag.attribution import advice, remedies
from spikediag.attribution.case import Case
from spikediag.attribution.gradients import POINTS_BEFORE, STALE, GradientRise, over_memory
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.run_facts import beta2
from spikediag.model import (
    Advice,
    Evidence,
    FactName,
    FloatArray,
    IntArray,
    LossKind,
    Role,
    Run,
    Series,
    Text,
    Tier,
    say,
)
from spikediag.stats.medians import median

STILL = 0.25  # of what Adam remembers: the median gradient before the jump, below which its memory is stale
CALM = 0.4  # below which it is where bursts keep a distance too; above, the memory fits
FAR = 5.0  # times what it remembers, where a jump is surely far outside
FEWEST_REMEMBERED = 8  # logged points within the memory; with fewer the log does not show it
SPANS = 4.0  # memories before the onset that are looked at
FEWEST_GAPS = 8  # between bursts
REGULAR, RANDOM = 0.8, 1.2  # coefficient of variation of the gaps; 1 where bursts come independently
_ADAPTIVE = re.compile(r"adam|lamb|rms_?prop|nadam|radam", re.IGNORECASE)


@registry.register
@dataclass(frozen=True)
class AdamStaleness:
    """Adam's second moment had gone stale: it remembered bursts, not the gradients of calm times.

    What it means:
        A mechanism. Adam divides by the root of an average of squared gradients over 1 / (1 - beta2) steps.
        Where gradients are next to nothing for long and huge at times, that average fits neither: it is set
        by the last burst, decays for a thousand steps, and the next large gradient finds it too small. The
        step overshoots, which is the next burst.

    Evidence for:
        For a whole memory before the jump the logged gradient norm lies far below what Adam remembers, and
        at the jump it is 2.3 times that or more; bursts keep a distance of about one memory.

    Evidence against:
        A gradient norm that lies near what Adam remembers in calm times, or that does not leave it at the
        jump, or leaps only after it. Blind spots: the norm stands for all parameters, while Adam remembers
        each by itself; a log sparser than a tenth of the memory.

    What to do:
        Lower beta2 to 0.95, so that the memory follows; a floor under sigma, or noise on a constant
        dimension, where a likelihood makes the calm gradients; clip the gradient.
    """

    id: str = "adam-staleness"
    prior: float = 0.02
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset()

    def applies(self, run: Run, loss: Series) -> bool:
        """Where an optimizer with such a memory is stated, or none at all."""
        del loss
        stated = run.fact(FactName.OPTIMIZER).value
        return stated is None or _ADAPTIVE.search(str(stated)) is not None

    def judge(self, case: Case) -> Judgement:
        """Was the gradient far below what Adam remembers, then far above?"""
        rise = case.logged_gradient
        if rise is None:
            missing = (advice.log_line(case.run, Role.GRAD_NORM),)
            return Judgement(Tier.MECHANISM, checkable=False, missing=missing)
        seen = memory(case, case.run.series[rise.tag])
        if seen is None:
            return Judgement(Tier.MECHANISM, checkable=False, missing=(_log_more(),))
        late = case.leapt_after(rise)
        apart = tuple(_refractory(case))
        regular = any(e.supports for e in apart)
        return Judgement(
            Tier.MECHANISM,
            (
                _calm(case.run, seen),
                _top(seen),
                *_first(rise),
                *apart,
                *((_left_later(seen),) if late else ()),
            ),
            decisive=seen.top >= FAR and seen.calm <= (CALM if regular else STILL),
            ruled_out=seen.top < STALE or seen.calm > CALM or late,
            of_condition=True,
            advice=(
                replace(remedies.lower_beta2(case.run), rank=1),
                remedies.clip_gradients(case.run, 2 * rise.typical),
            ),
            mechanism=_mechanism(seen),
        )


@dataclass(frozen=True)
class Memory:
    """The gradient norm around the jump, over what Adam remembered."""

    tag: str
    calm: float  # median before the onset
    top: float  # highest up to the peak
    span: float  # steps that are remembered


def memory(case: Case, norm: Series) -> Memory | None:
    """None where the log is too sparse, or too short, to show the memory."""
    span = 1 / (1 - beta2(case.run))
    steps, ratios = over_memory(case.run, norm, beta2(case.run))
    lead = POINTS_BEFORE * norm.interval
    begin = case.rise.step
    early, first = steps.searchsorted([begin - lead - SPANS * span, begin - lead])
    calm = ratios[early:first]
    top = ratios[first : steps.searchsorted(_last(case) + 0.5 * norm.interval, "right")]
    if span < FEWEST_REMEMBERED * norm.interval or len(top) == 0 or len(calm) * norm.interval < span:
        return None
    return Memory(norm.tag, median(calm), float(top.max()), span)


def _last(case: Case) -> float:
    return float(case.spike.peak_step if case.is_train else case.origin.peak_step)


def _calm(run: Run, seen: Memory) -> Evidence:
    reading = say(
        "Before the jump {tag} lay at {calm:.2g} times what Adam remembers over {span:,.0f} steps (beta2 "
        "{beta2}): 1 where its memory fits.",
        tag=seen.tag,
        calm=seen.calm,
        span=seen.span,
        beta2=_decay(run),
    )
    weight = 1.5 if seen.calm <= STILL else 0.5 if seen.calm <= CALM else -1.5
    return weigh("calm-below-memory", weight, observed=seen.calm, reference=STILL, reading=reading)


def _decay(run: Run) -> Text:
    if run.fact(FactName.BETA2).number is None:
        return say("{beta2:g} (assumed)", beta2=beta2(run))
    return say("{beta2:g}", beta2=beta2(run))


def _top(seen: Memory) -> Evidence:
    reading = say(
        "At the jump {tag} reached {top:.1f} times what Adam remembered ({stale:g} is risky).",
        tag=seen.tag,
        top=seen.top,
        stale=STALE,
    )
    weight = 1.0 if seen.top >= FAR else 0.5 if seen.top >= STALE else -2.0
    return weigh("far-above-memory", weight, observed=seen.top, reference=STALE, reading=reading)


def _first(rise: GradientRise) -> Iterator[Evidence]:
    if rise.leapt_first:
        yield weigh("rose-first", 1.0, observed=rise.lead, reference=0.0, reading=rise.before)


def _refractory(case: Case) -> Iterator[Evidence]:
    """Whether bursts keep a distance, as where each refills the memory that the next must outlast."""
    gaps = gaps_between(case.peaks)
    if len(gaps) < FEWEST_GAPS:
        return
    variation = float(np.std(gaps, ddof=1) / np.mean(gaps))
    reading = say(
        "{gaps} gaps between bursts, {typical:,.0f} steps in the middle, vary by {variation:.2f} of their "
        "mean: 1 where bursts come independently, less where each keeps the next away.",
        gaps=len(gaps),
        typical=float(np.median(gaps)),
        variation=variation,
    )
    weight = 0.7 if variation < REGULAR else -0.5 if variation > RANDOM else 0.0
    yield weigh("gaps", weight, observed=variation, reference=1.0, reading=reading)


def gaps_between(peaks: IntArray) -> FloatArray:
    """Steps between peaks (n,) in order, (n - 1,)."""
    return np.diff(peaks).astype(np.float64)


def _left_later(seen: Memory) -> Evidence:
    reading = say("{tag} left it only after the loss had jumped.", tag=seen.tag)
    return weigh("left-later", -2.0, reading=reading)


def _mechanism(seen: Memory) -> Text:
    return say(
        "Adam remembered gradients of other times: {tag} lay at {calm:.2g} of its memory before, and at "
        "{top:.0f} times it at the jump, so that one step was far too long.",
        tag=seen.tag,
        calm=seen.calm,
        top=seen.top,
    )


def _log_more() -> Advice:
    return Advice(
        say("Log the gradient norm more often than every hundredth step: it shows what Adam remembers.")
    )
