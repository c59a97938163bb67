"""Incidents: losses that leap together are one finding."""

from collections.abc import Mapping

import numpy as np

from spikediag.model import FloatArray, Incident, LossChange, Measure, Role, Run, Series, Spike
from spikediag.stats.scale import local_noise

PAST = 257  # points before the incident that give a loss its level and noise
AFTER = 33  # points after it


def group(run: Run, spikes: Mapping[str, tuple[Spike, ...]]) -> tuple[Incident, ...]:
    """Spikes of the losses that overlap in steps, one incident each, in step order."""
    losses = {series.tag: series for series in run.having(Role.LOSS)}
    pending = sorted(
        (spike for tag in losses for spike in spikes.get(tag, ())), key=lambda s: (s.onset_step, s.tag)
    )
    clusters: list[list[Spike]] = []
    reach = -np.inf
    for spike in pending:
        if clusters and spike.onset_step <= reach:
            clusters[-1].append(spike)
        else:
            clusters.append([spike])
            reach = -np.inf
        reach = max(reach, last_step(spike, losses[spike.tag]))
    return tuple(incident(run, losses, cluster) for cluster in clusters)


def last_step(spike: Spike, series: Series) -> int:
    """The last step that belongs to a spike; its peak when it did not recover."""
    return int(series.steps[spike.stop - 1]) if spike.end_step is not None else spike.peak_step


def incident(run: Run, losses: Mapping[str, Series], cluster: list[Spike]) -> Incident:
    """One incident, led by the loss whose error can be looked at."""
    leader = min(cluster, key=lambda spike: leading(run, losses[spike.tag], spike))
    first, last = leader.onset_step, last_step(leader, losses[leader.tag])
    order = sorted(losses, key=lambda tag: (tag != leader.tag, losses[tag].measure is Measure.TOTAL, tag))
    return Incident(leader, tuple(change(losses[tag], first, last) for tag in order))


def leading(run: Run, series: Series, spike: Spike) -> tuple[bool, bool, bool, float, str]:
    """Sort key: a likelihood first, then a loss with a companion in its group, totals last, then size."""
    group_name = series.tag.rpartition("/")[0]
    companion = any(c.tag.rpartition("/")[0] == group_name for c in run.having(Role.COMPANION))
    return (
        series.measure is not Measure.NLL,
        not companion,
        series.measure is Measure.TOTAL,
        -abs(spike.sigmas),
        series.tag,
    )


def change(series: Series, first: int, last: int) -> LossChange:
    """How one loss went across the steps [first, last]; NaN where it has no finite value."""
    start, stop = np.searchsorted(series.steps, [first, last + 1])
    before = _finite(series.values[max(0, start - PAST) : start])
    during = _finite(series.values[start : max(stop, start + 1)])
    after = _finite(series.values[stop : stop + AFTER])
    level = float(np.median(before[-AFTER:])) if len(before) else float("nan")
    peak = float(during.max()) if len(during) else float("nan")
    noise = local_noise(before) if len(before) else float("nan")
    return LossChange(
        series.tag,
        level,
        peak,
        float(np.median(after)) if len(after) else float("nan"),
        (peak - level) / noise,
    )


def _finite(values: FloatArray) -> FloatArray:
    return np.asarray(values[np.isfinite(values)])
