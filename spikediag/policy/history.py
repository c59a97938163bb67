"""A run beside earlier good ones: more spikes, larger jumps, or a worse end than chance explains."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikediag.model import Diagnosis, Text, common_loss, say
from spikediag.policy.result import Breach, PolicyGap, RunResult
from spikediag.stats.crossings import crossings, ruler
from spikediag.stats.rates import Counts, prediction_tail, rank_tail, rate_ratio
from spikediag.stats.spike_score import spike_score

RATE, SCORE, JUMP, LEVEL = (f"history:{name}" for name in ("spike-rate", "spike-score", "jump", "level"))
RULES = (RATE, SCORE, JUMP, LEVEL)
END = 0.1  # share of the run that is its end


@dataclass(frozen=True)
class RunNumbers:
    """One run in the numbers that are compared."""

    points: int  # of the loss
    spikes: int  # rises above 8 robust sigmas of the noisiest earlier run: one ruler for all
    score: float  # OLMo 2 spike score, percent
    scored: int  # points that could be scored
    stretches: int  # distinct stretches that the score counts
    jump: float  # largest, loss units; 0 when there is none
    level: float  # median of the last tenth, loss units


@dataclass(frozen=True)
class Tested:
    """One number of the run, that of the earlier runs, and the chance of so bad a one if nothing changed."""

    rule: str
    reading: Text
    p: float  # NaN: could not be tested
    least_p: float = 0.0  # the smallest p that so few earlier runs can give


def against_history(result: RunResult, earlier: Sequence[Diagnosis], alpha: float) -> RunResult:
    """The result with what the earlier runs say; four tests share alpha equally (Bonferroni)."""
    level = alpha / len(RULES)
    if not earlier:
        gap = PolicyGap(RATE, say("There is no earlier run to compare with."))
        return replace(result, rules=(*result.rules, *RULES), gaps=(*result.gaps, gap))
    tag = common_loss((result.diagnosis, *earlier))
    if tag is None:
        gap = PolicyGap(RATE, say("The run and the {n} earlier ones share no loss.", n=len(earlier)))
        return replace(result, rules=(*result.rules, *RULES), gaps=(*result.gaps, gap))
    height = ruler(d.run.series[tag].values for d in earlier)
    new, *old = (_numbers(d, tag, height) for d in (result.diagnosis, *earlier))
    tested = tuple(_tests(new, old))
    return replace(
        result,
        rules=(*result.rules, *RULES),
        breaches=(*result.breaches, *(_breach(t, level) for t in tested if t.p <= level)),
        gaps=(*result.gaps, *(_gap(t, level) for t in tested if _undecidable(t, level))),
        measures=tuple(t.reading for t in tested),
    )


def _numbers(diagnosis: Diagnosis, tag: str, height: float) -> RunNumbers:
    """The numbers of one run; spikes are rises above `height`."""
    values = diagnosis.run.series[tag].values
    finite = values[np.isfinite(values)]
    found = crossings(values, height)
    score = spike_score(values)
    end = finite[-max(1, math.ceil(END * len(finite))) :]
    return RunNumbers(
        points=len(values),
        spikes=len(found),
        score=score.percent,
        scored=score.judged,
        stretches=score.stretches,
        jump=max((e.height for e in found), default=0.0),
        level=float(np.median(end)),
    )


def _tests(new: RunNumbers, old: Sequence[RunNumbers]) -> Iterator[Tested]:
    yield _rate(new, old)
    yield _score(new, old)
    jumped = all(0 < s.jump < math.inf for s in (*old, new))
    logs = [math.log(s.jump) for s in old] if jumped else []
    p = prediction_tail(math.log(new.jump), logs) if jumped else math.nan
    heights = [s.jump for s in old]
    p, least = _tail(new.jump, heights, p)
    reading = say(
        "Largest jump {new:.4g}, earlier at most {old:.4g} (p = {p:.2g}).",
        new=new.jump,
        old=max(heights),
        p=p,
    )
    yield Tested(JUMP, reading, p, least)
    levels = [s.level for s in old]
    p, least = _tail(new.level, levels, prediction_tail(new.level, levels))
    reading = say(
        "Final level {new:.4g}, earlier at most {old:.4g} (p = {p:.2g}).", new=new.level, old=max(levels), p=p
    )
    yield Tested(LEVEL, reading, p, least)


def _tail(new: float, old: Sequence[float], p: float) -> tuple[float, float]:
    """A chance and the smallest one possible; without a spread to measure against, only the rank is left."""
    return (rank_tail(new, old), 1 / (len(old) + 1)) if math.isnan(p) else (p, 0.0)


def _rate(new: RunNumbers, old: Sequence[RunNumbers]) -> Tested:
    before = Counts(tuple(s.spikes for s in old), tuple(float(s.points) for s in old))
    ratio = rate_ratio(before, Counts((new.spikes,), (float(new.points),)))
    reading = say(
        "Spikes per 10,000 points: {new:.2f}, earlier {old:.2f} in {n} runs "
        "(p = {p:.2g}, dispersion {spread:.1f}).",
        new=1e4 * new.spikes / new.points,
        old=1e4 * before.rate,
        n=len(old),
        p=ratio.p_increase,
        spread=ratio.dispersion,
    )
    return Tested(RATE, reading, ratio.p_increase)


def _score(new: RunNumbers, old: Sequence[RunNumbers]) -> Tested:
    judged = [s for s in old if s.scored]
    if not new.scored or not judged:
        return Tested(SCORE, say("The OLMo 2 spike score needs more than 1,000 points."), math.nan, 1.0)
    before = Counts(tuple(s.stretches for s in judged), tuple(float(s.scored) for s in judged))
    ratio = rate_ratio(before, Counts((new.stretches,), (float(new.scored),)))
    reading = say(
        "OLMo 2 spike score {new:.3f} %, earlier {old:.3f} % (p = {p:.2g} for {count} stretches).",
        new=new.score,
        old=sum(s.score * s.scored for s in judged) / sum(s.scored for s in judged),
        p=ratio.p_increase,
        count=new.stretches,
    )
    return Tested(SCORE, reading, ratio.p_increase)


def _breach(tested: Tested, level: float) -> Breach:
    reading = say("{reading} Significant: p is at most {level:.2g}.", reading=tested.reading, level=level)
    return Breach((tested.rule,), reading)


def _undecidable(tested: Tested, level: float) -> bool:
    """Whether the run is worse than all earlier ones, but those are too few to call it significant."""
    return math.isnan(tested.p) or (tested.least_p > level and tested.p <= tested.least_p)


def _gap(tested: Tested, level: float) -> PolicyGap:
    reading = say(
        "{reading} Too few earlier runs to tell: {needed} are enough.",
        reading=tested.reading,
        needed=math.ceil(1 / level) - 1,  # a rank of 1 among n + 1 has the chance 1 / (n + 1)
    )
    return PolicyGap(tested.rule, tested.reading if math.isnan(tested.p) else reading)
