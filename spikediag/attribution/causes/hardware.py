"""hardware: one rank made the jump, or the machine stumbled at that step."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.attribution.advice import line
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import Quantity, spoken_tag, witnesses_of
from spikediag.model import Advice, Evidence, FactName, LossKind, Run, Series, Tier, say

FEWEST_RANKS = 2
ONE = 0.7  # share of the jump of all ranks, from which one makes it
EVEN = 0.6
FAR_ABOVE = 4.0  # times the jump of the average, that the maximum of all ranks jumps by
VERY_FAR = 10.0
ALIKE = 2.0
_AVERAGE = re.compile(r"(^|_)global_(avg|mean)_loss$")
_WORST = re.compile(r"(^|_)global_max_loss$")
_AN_AVERAGE = re.compile(r"(^|_)((avg|mean)_loss|loss(_(avg|mean))?)$")
_A_WORST = re.compile(r"(^|_)(max_loss|loss_max)((_over|_across)?(_all)?_ranks?)?$")
_RANK = re.compile(r"(^|_)(rank|gpu|worker|process|device)_?(?P<rank>\d+)(_|$)")


@registry.register
@dataclass(frozen=True)
class Hardware:
    """One rank made the jump, by its hardware or by its samples.

    What it means:
        The loss is a mean over ranks. A card that computes wrongly, a corrupt shard or a lost packet spoils
        one of them, and through the gradient that is summed all weights, at one step.

    Evidence for:
        One of the ranks that are logged by themselves makes nearly the whole jump; the maximum over ranks
        jumps many times as far as the average; throughput or the time of a step leaps with it.

    Evidence against:
        Ranks that all jump alike, as they do when the weights are wrong. Blind spot: one bad sample in the
        batch of one rank looks the same, which only a repeated step can tell.

    What to do:
        Repeat the step from the checkpoint before, on the same data: a sample jumps again, a card rarely
        does. Check that card's memory errors, and log the loss of every rank.
    """

    id: str = "hardware"
    prior: float = 0.03
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset()

    def applies(self, run: Run, loss: Series) -> bool:
        """Where several ranks are known to train."""
        del loss
        return _several(run) or bool(run.once(rank_losses)) or run.once(_pair) is not None

    def judge(self, case: Case) -> Judgement:
        """Did one rank jump, or all?"""
        ranked, worst = tuple(_by_rank(case)), tuple(_by_worst(case))
        told = (*ranked, *worst)
        slow = tuple(_slowed(case))
        if not told:
            return Judgement(Tier.TRIGGER, slow, checkable=bool(slow), missing=(_log(case.run),))
        best = told[0]
        return Judgement(
            Tier.TRIGGER,
            (*told, *slow),
            decisive=best.weight > 1,
            ruled_out=best.weight < -1,
            missing=() if ranked else (_log(case.run),),
            advice=_advice(case),
            mechanism=say("Not all ranks jumped: {what}", what=best.reading),
        )


def _several(run: Run) -> bool:
    """Whether more than one rank is stated."""
    return (run.fact(FactName.WORLD_SIZE).number or 1) > 1


def rank_losses(run: Run) -> Mapping[int, Series]:
    """The losses of single ranks; empty where only one is logged."""
    found: dict[int, Series] = {}
    for tag in sorted(run.series):
        name = spoken_tag(tag)
        rank = _RANK.search(name)
        if rank is not None and "loss" in name:
            found[int(rank["rank"])] = run.series[tag]
    return found if len(found) >= FEWEST_RANKS else {}


def _pair(run: Run) -> tuple[Series, Series] | None:
    """The average and the maximum of the loss over ranks; None where one of them is not logged.

    A maximum that is not called global may be one over samples, but where several ranks are stated.
    """
    tags = sorted(run.series)
    for means, extremes in ((_AVERAGE, _WORST), (_AN_AVERAGE, _A_WORST))[: 1 + _several(run)]:
        average = next((t for t in tags if means.search(spoken_tag(t))), None)
        worst = next((t for t in tags if extremes.search(spoken_tag(t))), None)
        if average and worst:
            return run.series[average], run.series[worst]
    return None


def _rise(case: Case, series: Series) -> float | None:
    """By how much a series stood higher at the peak than before the onset."""
    near = 0.5 * max(series.interval, case.loss.interval)
    inside = series.finite & (np.abs(series.steps - case.spike.peak_step) <= near)
    past = series.before(case.begin)[-33:]
    return float(np.max(series.values[inside]) - np.median(past)) if inside.any() and len(past) else None


def _by_rank(case: Case) -> Iterator[Evidence]:
    rises = {rank: r for rank, s in case.run.once(rank_losses).items() if (r := _rise(case, s)) is not None}
    total = sum(max(rise, 0.0) for rise in rises.values())
    if len(rises) < FEWEST_RANKS or total <= 0:
        return
    most = max(rises, key=lambda rank: rises[rank])
    share = rises[most] / total
    reading = say(
        "Rank {rank} makes {share:.0%} of the jump of {ranks} ranks.",
        rank=most,
        share=share,
        ranks=len(rises),
    )
    weight = 2.0 if share >= ONE else -2.0 if share < EVEN else 0.0
    yield weigh("one-rank", weight, observed=share, reference=ONE, reading=reading)


def _by_worst(case: Case) -> Iterator[Evidence]:
    pair = case.run.once(_pair)
    average, worst = (_rise(case, s) for s in pair) if pair is not None else (None, None)
    if pair is None or average is None or worst is None or average <= 0:
        return
    times = worst / average
    reading = say(
        "{worst}, the highest of all ranks, jumped {times:.1f} times as far as {average}.",
        worst=pair[1].tag,
        times=times,
        average=pair[0].tag,
    )
    ranks_stated = case.run.fact(FactName.WORLD_SIZE).number
    alone = ranks_stated is not None and ranks_stated >= FEWEST_RANKS and times >= ONE * ranks_stated
    weight = (
        2.0 if alone or times >= VERY_FAR else 1.2 if times >= FAR_ABOVE else -1.5 if times < ALIKE else 0.0
    )
    yield weigh("far-above-average", weight, observed=times, reference=FAR_ABOVE, reading=reading)


def _slowed(case: Case) -> Iterator[Evidence]:
    early = [w for w in witnesses_of(case, Quantity.SPEED) if not w.lag.follows]
    if early:
        yield weigh("machine-stumbled", 0.7, observed=early[0].at, reading=phrases.moved_with(early[0]))


def _log(run: Run) -> Advice:
    return Advice(
        say(
            "Log the loss of every rank, or its maximum beside the mean: it shows whether one made the jump."
        ),
        line(run, "log_ranks"),
    )


def _advice(case: Case) -> tuple[Advice, ...]:
    return (
        Advice(
            say(
                "Repeat step {step:,} from the checkpoint before, on the same data: a bad sample jumps "
                "again, a card that computed wrongly rarely does.",
                step=case.begin,
            ),
            None,
            1,
        ),
    )
