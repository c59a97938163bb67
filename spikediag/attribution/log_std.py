"""How log-std moved at the onset, what share of the jump it made, and what else speaks for sigma."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.algebra import drivers
from spikediag.attribution.settings import batch_and_dataset
from spikediag.attribution.timing import SHORT_KINDS, moved, slack, stretch
from spikediag.model import Case, CouplingVerdict, Evidence, Kind, Series, say


@dataclass(frozen=True)
class Change:
    """How log-std moved at the onset."""

    before: float
    during: float
    fall: float  # above 0: it dropped
    error: float  # standard error, or the sd of single points where one point is looked at
    step: float | None  # of the lowest point, for short spikes


def change_at_onset(case: Case, series: Series) -> Change | None:
    """The lowest point of a short spike's rise, or the mean over a lasting one, against the past."""
    mean = moved(case, series)
    if mean is None:
        return None
    if case.spike.kind not in SHORT_KINDS:
        return Change(mean.before, mean.during, -mean.change, mean.error, None)
    where = stretch(case)
    early = where.first - slack(case, series)  # the loss may show a drop a point or two later
    inside = np.flatnonzero(
        (series.steps >= early) & (series.steps <= where.last) & np.isfinite(series.values)
    )
    lowest = int(inside[np.argmin(series.values[inside])])
    low = float(series.values[lowest])
    return Change(mean.before, low, mean.before - low, mean.noise, float(series.steps[lowest]))


def drop(case: Case, series: Series, change: Change) -> Evidence:
    """Evidence of a drop, at once or in the course of a drift."""
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


def share(case: Case, step: float | None) -> Iterator[Evidence]:
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


def slow_fall(case: Case, series: Series) -> Iterator[Evidence]:
    """Evidence that log-std had been falling since the start."""
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


def error(case: Case) -> Iterator[Evidence]:
    """Evidence from the coupling: a sigma that is too small shows in the loss and not in the error."""
    if case.coupling.verdict is CouplingVerdict.DECOUPLED:
        yield Evidence("error-flat", case.coupling.reading, 0.5, "decoupled", "decoupled")
    elif case.coupling.verdict is CouplingVerdict.COUPLED:
        yield Evidence("error-moved", case.coupling.reading, -1.5, "coupled", "decoupled")
    elif case.coupling.verdict is CouplingVerdict.UNDECIDED:
        yield Evidence("error-undecided", case.coupling.reading, -0.5, "undecided", "decoupled")


def ratio_first(case: Case) -> Iterator[Evidence]:
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
