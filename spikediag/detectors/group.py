"""Incidents: losses that leap together are one finding."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from spikediag.model import (
    NEAR,
    PAST,
    FloatArray,
    Incident,
    Kind,
    LossChange,
    LossKind,
    Measure,
    Role,
    Run,
    Series,
    Shape,
    Spike,
)
from spikediag.stats.medians import median, medians
from spikediag.stats.scale import local_noise, row_noise

TOGETHER = 256  # losses that are measured in one go
BEGINNING = 0.1  # share of a log in which a loss falls because it learns
FEWEST_BEFORE = 24  # points


def group(run: Run, spikes: Mapping[str, tuple[Spike, ...]]) -> tuple[Incident, ...]:
    """Spikes of the losses that share steps are one incident; in step order.

    Numbers that are lost hide no spike, and what is usual for one loss explains no other: each is grouped
    with its like. A fall is told where it is a new level or goes on to the end; that a loss falls is what
    training is for, and the way back of a rise belongs to the rise. The held-out loss that rises as it falls
    belongs to the fall.
    """
    losses = {series.tag: series for series in run.having(Role.LOSS)}
    found = [
        s
        for tag in losses
        for s in spikes.get(tag, ())
        if s.height > 0 or (tells(s, losses[tag]) and not goes_back(s, spikes[tag]))
    ]
    falls = [s.onset_step for s in found if s.height < 0 and not losses[s.tag].held_out]
    found = [s for s in found if not over_fits(s, losses[s.tag], falls)]
    alike = [[s for s in found if sort(s) == one] for one in sorted({sort(s) for s in found})]
    incidents = (incident(run, losses, cluster) for some in alike for cluster in clusters(losses, some))
    return tuple(sorted(incidents, key=lambda i: (i.spike.onset_step, i.spike.tag)))


def tells(fall: Spike, loss: Series) -> bool:
    """Whether a fall is a new level, or goes on to the end, and is not how every training begins."""
    lasts = not fall.recovered and fall.kind in {Kind.LEVEL_SHIFT, Kind.DIVERGENCE}
    return lasts and fall.start >= max(FEWEST_BEFORE, BEGINNING * len(loss))


def goes_back(fall: Spike, others: Sequence[Spike]) -> bool:
    """Whether a fall is the end of a rise of the same loss, to no lower a level than was there before it."""
    return any(
        rise.height > 0
        and rise.recovered
        and rise.start < fall.start <= rise.stop + NEAR
        and fall.level_after > rise.baseline - rise.noise
        for rise in others
    )


def over_fits(spike: Spike, loss: Series, falls: Sequence[int]) -> bool:
    """Whether a held-out loss steps up between the same two of its points as the training loss steps down."""
    last = int(loss.steps[max(0, spike.start - 1)])
    steps_up = loss.held_out and spike.shape is Shape.LEVEL and spike.height > 0
    return steps_up and any(last <= fall <= spike.onset_step for fall in falls)


def sort(spike: Spike) -> tuple[bool, bool, bool]:
    """Spikes of different sorts share no incident."""
    return spike.shape is Shape.LOST, spike.usual, spike.height < 0


def clusters(losses: Mapping[str, Series], found: list[Spike]) -> list[list[Spike]]:
    """Sets of spikes that are connected by shared steps."""
    taken = sorted(
        (int(losses[spike.tag].steps[start]), int(losses[spike.tag].steps[stop - 1]), index)
        for index, spike in enumerate(found)
        for start, stop in spike.spans
    )
    owner = list(range(len(found)))
    reach, latest = -np.inf, 0
    for first, last, index in taken:
        if first <= reach:
            merged, kept = owner[index], owner[latest]
            owner = [kept if o == merged else o for o in owner]
        if last > reach:
            reach, latest = last, index
    order = sorted(range(len(found)), key=lambda index: owner[index])
    return [[found[i] for i in members] for _, members in groupby(order, key=lambda index: owner[index])]


def incident(run: Run, losses: Mapping[str, Series], cluster: list[Spike]) -> Incident:
    """One incident, led by the loss whose error can be looked at."""
    leader = min(cluster, key=lambda spike: (lost_at(spike), *leading_key(run, losses[spike.tag], spike)))
    first, last = extent(leader, losses[leader.tag])
    order = sorted(losses, key=lambda tag: (tag != leader.tag, losses[tag].measure is Measure.TOTAL, tag))
    changes = changes_of([losses[tag] for tag in order], first, last)
    return Incident(leader, (as_found(leader, changes[0]), *changes[1:]))


def as_found(spike: Spike, change: LossChange) -> LossChange:
    """The change of the leading loss, with the level and the noise that its detector measured."""
    if spike.shape is Shape.LOST:
        return change
    return replace(change, before=spike.baseline, peak=spike.peak_value, sigmas=spike.sigmas)


def lost_at(spike: Spike) -> int:
    """Step from which it was no number any more; 0 for any other spike: the first to go leads."""
    return spike.onset_step if spike.shape is Shape.LOST else 0


def leading_key(run: Run, series: Series, spike: Spike) -> tuple[bool, bool, bool, bool, float, str]:
    """Sort key: a likelihood first, then a loss with an error in its tag group; totals last; then size.

    One on held-out data comes after what was trained on: it follows, and is logged more seldom.
    """
    has_companion = any(other.group == series.group for other in run.having(Role.COMPANION))
    return (
        run.loss_kind(series) is not LossKind.LIKELIHOOD,
        series.held_out,
        not has_companion,
        series.measure is Measure.TOTAL,
        -abs(spike.sigmas),
        series.tag,
    )


def extent(spike: Spike, series: Series) -> tuple[int, int]:
    """First and last step of a spike: for a train, of its highest member."""
    if spike.kind is Kind.TRAIN:
        highest = next(member for member in spike.members if member.peak == spike.peak)
        return int(series.steps[highest.start]), int(series.steps[highest.stop - 1])
    start, stop = spike.spans[0]
    return int(series.steps[start]), int(series.steps[stop - 1])


def changes_of(losses: Sequence[Series], first: int, last: int) -> tuple[LossChange, ...]:
    """How each loss went across the steps [first, last]; those that share steps are measured in one go."""
    lead = losses[0]
    start, stop = np.searchsorted(lead.steps, [first, last + 1]).tolist()
    alike = [s for s in losses[1:] if s.finite.all() and s.has_steps_of(lead)] if 0 < start < stop else []
    measured: dict[str, LossChange] = {}
    for some in (alike[n : n + TOGETHER] for n in range(0, len(alike), TOGETHER)):
        rows = np.stack([s.values[max(0, start - PAST) : stop + NEAR] for s in some])
        at = min(start, PAST)
        before, during, after = rows[:, :at], rows[:, at : at + stop - start], rows[:, at + stop - start :]
        level, peak = medians(before[:, -NEAR:]), during.max(axis=1)
        end = medians(after) if after.shape[1] else np.full(len(some), np.nan)
        numbers = np.stack([level, peak, end, (peak - level) / row_noise(before)], axis=1) + 0.0  # no -0
        measured |= {s.tag: LossChange(s.tag, *each) for s, each in zip(some, numbers.tolist(), strict=True)}
    return tuple(measured[s.tag] if s.tag in measured else loss_change(s, first, last) for s in losses)


def loss_change(series: Series, first: int, last: int) -> LossChange:
    """How one loss went across the steps [first, last]; NaN where it has no finite value."""
    start, stop = np.searchsorted(series.steps, [first, last + 1])
    before = _finite(series.values[max(0, start - PAST) : start])
    during = _finite(series.values[start:stop])
    after = _finite(series.values[stop : stop + NEAR])
    level = _median(before[-NEAR:])
    peak = float(during.max()) if len(during) else level
    noise = local_noise(before) if len(before) else np.nan
    return LossChange(series.tag, level, peak, _median(after), (peak - level) / noise)


def _finite(values: FloatArray) -> FloatArray:
    return np.asarray(values[np.isfinite(values)])


def _median(values: FloatArray) -> float:
    return median(values) if len(values) else np.nan
