"""degenerate-dimension: one action dimension has next to no spread, and the whole jump lies in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from spikediag.attribution import advice, remedies
from spikediag.attribution.case import Case
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.run_facts import dims
from spikediag.model import (
    Advice,
    Evidence,
    LossKind,
    Reduction,
    Role,
    Run,
    Series,
    Text,
    Tier,
    Transform,
    say,
)
from spikediag.stats.medians import median

FEWEST_DIMS = 3  # logged one by one, for one to stand out
CARRIES = 0.7  # share of the jump, from which one dimension carries it
SHARED = 0.5  # below which none does
GAP = 1.5  # nats of log-std below the other dimensions, from which one is degenerate
SMALL_GAP = 0.7
WIDE_GAP = 2.0  # nats between the mean and the smallest log-std of a batch, which differ by less anyway
LEVEL_POINTS = 33
_INDEX = re.compile(
    r"(?P<stem>.*?)(?:[\W_]+(?:dim(?:ension)?|action|act|joint|d|a|j))?[\W_]*(?P<index>\d+)[\W_]*",
    re.IGNORECASE,
)
_PRICE = re.compile(r"(^|_)(nll|neg_?log_?(p|prob|likelihood))(_|$)")
_LOG_SIGMA = re.compile(r"(^|_)log_?(std|sigma|scale|stddev)(_|$)")
_SIGMA = re.compile(r"(^|_)(std|sigma|stddev|scale_diag)(_|$)")
_SIGNS = re.compile(r"[^a-z0-9]+")


@registry.register
@dataclass(frozen=True)
class DegenerateDimension:
    """One dimension of the target is constant, binary or mostly zero, and a Gaussian cannot bear that.

    What it means:
        A mechanism, and what makes a run fragile. Where a dimension hardly varies its sigma shrinks without
        end, since every halving earns 0.7 nats. Its gradients are nothing and then huge, and a stray of a
        thousandth costs tens of nats there, unseen in an error that is summed over all dimensions.

    Evidence for:
        Recorded at the jump, or logged, by dimension: one of them carries nearly the whole jump, or its
        log-std lies far below the others'. Else a weak sign: the smallest log-std of a batch far below its
        mean.

    Evidence against:
        A jump that all dimensions share; log-stds that lie close together. Blind spot: without a log by
        dimension it can be suspected, not shown.

    What to do:
        Look at that dimension of the targets: its spread, and how many are exactly equal. Drop it, give it
        a head of its own (Bernoulli, categorical), put noise on its targets, or bound sigma from below.
    """

    id: str = "degenerate-dimension"
    prior: float = 0.02
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset()

    def applies(self, run: Run, loss: Series) -> bool:
        """To a loss with a sigma in more than one dimension."""
        return run.has_sigma(loss) and dims(run) != 1

    def judge(self, case: Case) -> Judgement:
        """Which dimension carries the jump, and whose sigma is the smallest?"""
        shares = tuple(_recorded_share(case))
        recorded = bool(shares)
        shares = shares or tuple(_shares(case))
        gaps = tuple(_gaps(case))
        if not shares and not gaps:
            return Judgement(
                Tier.MECHANISM, tuple(_smallest(case)), checkable=False, missing=(_log(case.run),)
            )
        found = next((d for d, e in (*shares, *gaps) if e.supports), None)
        evidence = tuple(e for _, e in (*shares, *gaps))
        return Judgement(
            Tier.MECHANISM,
            evidence,
            decisive=found is not None and sum(e.weight for e in evidence) > 0,
            ruled_out=found is None,
            of_condition=True,
            measured=recorded,
            missing=() if shares else (_log(case.run),),
            advice=_advice(case, found) if found is not None else (),
            mechanism=_mechanism(case, found, gaps) if found is not None else None,
        )


def by_dimension(run: Run, quantity: re.Pattern[str]) -> tuple[Mapping[int, Series], ...]:
    """The series that log a quantity one dimension each, by index; one mapping for each that is so logged."""
    return run.once(_by_dimension, quantity)


def _by_dimension(run: Run, quantity: re.Pattern[str]) -> tuple[Mapping[int, Series], ...]:
    found: dict[str, dict[int, Series]] = {}
    for tag in sorted(run.series):
        parts = _INDEX.fullmatch(tag)
        if parts is not None:
            stem = _SIGNS.sub("_", parts["stem"].lower()).strip("_")
            if quantity.search(stem):
                found.setdefault(stem, {})[int(parts["index"])] = run.series[tag]
    return tuple(known for known in found.values() if len(known) >= FEWEST_DIMS)


def _recorded_share(case: Case) -> Iterator[tuple[int, Evidence]]:
    """The dimension with the largest share of the jump, as the flight recorder saw it."""
    seen = case.recorded
    if seen is None or seen.dimension is None or seen.dimension.dims < FEWEST_DIMS:
        return
    found = seen.dimension
    weight = 2.0 if found.share >= CARRIES else -1.5 if found.share < SHARED else 0.0
    reading = seen.of_dimension(found)
    yield (
        found.index,
        weigh("one-carries", weight, observed=found.share, reference=CARRIES, reading=reading),
    )


def _shares(case: Case) -> Iterator[tuple[int, Evidence]]:
    """The dimension with the largest share of the jump of a likelihood that is logged by dimension."""
    for logged in by_dimension(case.run, _PRICE):
        moved = {index: seen.change for index, s in logged.items() if (seen := case.moved(s)) is not None}
        total = sum(moved.values())
        if len(moved) < FEWEST_DIMS or total <= 0:
            continue
        most = max(moved, key=lambda index: moved[index])
        share = moved[most] / total
        reading = say(
            "{tag} makes {share:.0%} of the jump of all {dims} dimensions.",
            tag=logged[most].tag,
            share=min(share, 1.0),
            dims=len(moved),
        )
        weight = 2.0 if share >= CARRIES else -1.5 if share < SHARED else 0.0
        yield most, weigh("one-carries", weight, observed=share, reference=CARRIES, reading=reading)
        return


def _gaps(case: Case) -> Iterator[tuple[int, Evidence]]:
    """The dimension with the smallest log-std before the jump, against the others."""
    for levels, names in _levels(case):
        if len(levels) < FEWEST_DIMS:
            continue
        least = min(levels, key=lambda index: levels[index])
        others = float(np.median([value for index, value in levels.items() if index != least]))
        gap = others - levels[least]
        reading = say(
            "Before the jump the sigma of {tag} was {times:.3g} times smaller than that of the other {dims} "
            "dimensions ({gap:.1f} nats).",
            tag=names[least],
            times=float(np.exp(min(gap, 300.0))),
            dims=len(levels) - 1,
            gap=gap,
        )
        weight = min(2.0, 1.5 + 0.5 * (gap - GAP)) if gap >= GAP else -1.0 if gap < SMALL_GAP else 0.0
        yield least, weigh("sigma-gap", weight, observed=gap, reference=GAP, reading=reading)
        return


def _levels(case: Case) -> Iterator[tuple[Mapping[int, float], Mapping[int, Text | str]]]:
    """The log-std of each dimension before the jump and what it is called: as recorded, then as logged."""
    if case.recorded is not None:
        recorded = dict(enumerate(case.recorded.log_stds.tolist()))
        yield recorded, {index: case.recorded.name(index) for index in recorded}
    logs = by_dimension(case.run, _LOG_SIGMA)
    sigmas = ({i: _logarithm(s) for i, s in found.items()} for found in by_dimension(case.run, _SIGMA))
    for found in (*logs, *sigmas):
        levels = {i: v for i, s in found.items() if (v := _before(case, s)) is not None}
        yield levels, {index: found[index].tag for index in levels}


def _logarithm(sigma: Series) -> Series:
    return replace(sigma, transform=Transform.LN).natural


def _before(case: Case, series: Series) -> float | None:
    """The level of a log-std before the jump."""
    past = series.before(case.begin)[-LEVEL_POINTS:]
    return median(past) if len(past) else None


def _smallest(case: Case) -> Iterator[Evidence]:
    """The smallest log-std of a batch against the mean, where only these are logged."""
    logged = {s.reduction: s.natural for s in case.run.having(Role.LOG_STD)}
    if Reduction.MIN not in logged or Reduction.MEAN not in logged:
        return
    low, mean = (_before(case, logged[r]) for r in (Reduction.MIN, Reduction.MEAN))
    if low is None or mean is None:
        return
    reading = say(
        "Before the jump {tag} lay {gap:.1f} nats below the mean: some dimension, or some sample, has a "
        "sigma {times:.3g} times smaller.",
        tag=logged[Reduction.MIN].tag,
        gap=mean - low,
        times=float(np.exp(min(mean - low, 300.0))),
    )
    weight = 0.3 if mean - low >= WIDE_GAP else -0.5 if mean - low < SMALL_GAP else 0.0
    yield weigh("smallest-far-below", weight, observed=mean - low, reference=WIDE_GAP, reading=reading)


def _mechanism(case: Case, dimension: int, gaps: tuple[tuple[int, Evidence], ...]) -> Text:
    seen, narrow = case.recorded, any(index == dimension and e.supports for index, e in gaps)
    if seen is not None and seen.dimension is not None and not narrow:
        return seen.of_dimension(seen.dimension)
    return say(
        "Dimension {dimension} carries it: its sigma had shrunk far below the others', so a stray too small "
        "to see in the error costs the whole jump.",
        dimension=dimension,
    )


def _log(run: Run) -> Advice:
    return Advice(
        say("Log the loss and log-std of every action dimension: they show whether one carries the jump."),
        advice.line(run, "log_dimensions"),
    )


def _advice(case: Case, dimension: int) -> tuple[Advice, ...]:
    look = Advice(
        say(
            "Look at dimension {dimension} of the targets: its spread, and how many are exactly equal. Drop "
            "it, give it a head of its own, or put noise of 0.02 to 0.05 on it.",
            dimension=dimension,
        ),
        advice.line(case.run, "look_at_dimension", dimension=dimension),
        1,
    )
    return look, *remedies.not_yet_done(case.run, "sigma-floor")
