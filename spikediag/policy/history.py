"""A run beside earlier good ones: more spikes, larger jumps, or a worse end than chance explains."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from spikediag.model import Diagnosis, Text, say
from spikediag.policy.ruling import Breach, Gap, Ruling
from spikediag.policy.sample import Sample, common_loss, ruler_of, sample
from spikediag.stats.rates import Counts, prediction_tail, rank_tail, rate_ratio

RATE, SCORE, JUMP, LEVEL = (f"history:{name}" for name in ("spike-rate", "spike-score", "jump", "level"))
RULES = (RATE, SCORE, JUMP, LEVEL)


@dataclass(frozen=True)
class Tested:
    """One number of the run, that of the earlier runs, and the chance of so bad a one if nothing changed."""

    rule: str
    reading: Text
    p: float  # NaN: could not be tested
    least_p: float = 0.0  # the smallest p that so few earlier runs can give


def compare(ruling: Ruling, earlier: Sequence[Diagnosis], alpha: float) -> Ruling:
    """The ruling with what the earlier runs say; four tests share alpha equally (Bonferroni)."""
    level = alpha / len(RULES)
    if not earlier:
        gap = Gap(RATE, say("There is no earlier run to compare with."))
        return replace(ruling, rules=(*ruling.rules, *RULES), gaps=(*ruling.gaps, gap))
    tag = common_loss((ruling.diagnosis, *earlier))
    if tag is None:
        gap = Gap(RATE, say("The run and the {n} earlier ones share no loss.", n=len(earlier)))
        return replace(ruling, rules=(*ruling.rules, *RULES), gaps=(*ruling.gaps, gap))
    height = ruler_of(earlier, tag)
    new, old = sample(ruling.diagnosis, tag, height), [sample(d, tag, height) for d in earlier]
    tested = tuple(_tests(new, old))
    return replace(
        ruling,
        rules=(*ruling.rules, *RULES),
        breaches=(*ruling.breaches, *(_breach(t, level) for t in tested if t.p < level)),
        gaps=(*ruling.gaps, *(_gap(t, level) for t in tested if _undecidable(t, level))),
        measures=tuple(t.reading for t in tested),
    )


def _tests(new: Sample, old: Sequence[Sample]) -> Iterator[Tested]:
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


def _rate(new: Sample, old: Sequence[Sample]) -> Tested:
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


def _score(new: Sample, old: Sequence[Sample]) -> Tested:
    judged = [s for s in old if s.scored]
    if not new.scored or not judged:
        return Tested(SCORE, say("The OLMo 2 spike score needs more than 1,000 points."), math.nan, 1.0)
    before = Counts(tuple(s.excursions for s in judged), tuple(float(s.scored) for s in judged))
    ratio = rate_ratio(before, Counts((new.excursions,), (float(new.scored),)))
    reading = say(
        "OLMo 2 spike score {new:.3f} %, earlier {old:.3f} % (p = {p:.2g} for {count} excursions).",
        new=new.score,
        old=sum(s.score * s.scored for s in judged) / sum(s.scored for s in judged),
        p=ratio.p_increase,
        count=new.excursions,
    )
    return Tested(SCORE, reading, ratio.p_increase)


def _breach(tested: Tested, level: float) -> Breach:
    reading = say("{reading} Significant: p is below {level:.2g}.", reading=tested.reading, level=level)
    return Breach((tested.rule,), reading)


def _undecidable(tested: Tested, level: float) -> bool:
    """Whether the run is worse than all earlier ones, but those are too few to call it significant."""
    return math.isnan(tested.p) or (tested.least_p >= level and tested.p <= tested.least_p)


def _gap(tested: Tested, level: float) -> Gap:
    reading = say(
        "{reading} Too few earlier runs to tell: {needed} are enough.",
        reading=tested.reading,
        needed=math.ceil(1 / level),
    )
    return Gap(tested.rule, tested.reading if math.isnan(tested.p) else reading)
