"""The points of one tag brought to strictly increasing steps.

A resumed training repeats steps. Points that it overtook belong to an abandoned branch: sorting by step would
interleave the two and invent spikes, so the newest wins and the rewind stays as evidence.
"""

from dataclasses import dataclass

import numpy as np

from spikediag.model import FloatArray, IntArray, Rewind

FARTHEST = 2**53  # steps from 0; beyond, neighbours are one number in floating point
LATE = 3  # points; a step that goes back over fewer is a late record, not a rewind
LEAP = 10.0  # usual distances between points; a longer one is a gap
MOST_REWINDS = 1000  # of one tag; a counter that goes back more often is no clock


@dataclass(frozen=True)
class Track:
    """One tag, (n,) each."""

    steps: IntArray
    values: FloatArray
    walls: FloatArray


@dataclass(frozen=True)
class Straightened:
    """A track whose steps increase, how many points that cost, and where its counter went back or leapt."""

    track: Track
    dropped: int
    seams: frozenset[Rewind]


def straighten(track: Track, *, rewinds: bool = True) -> Straightened:
    """Make steps in logged order increase: drop what a rewind overtook, sort in late records.

    Without `rewinds` every record out of order counts as late.
    """
    before, after = track.steps[:-1], track.steps[1:]  # compared, because differences may overflow
    if (after > before).all():
        return Straightened(track, 0, frozenset(_gaps(track)))
    keep = np.ones(len(track.steps), dtype=bool)
    seams = set()
    backs = (np.flatnonzero(after < before) + 1).tolist()
    for back in backs if rewinds and len(backs) <= MOST_REWINDS else ():
        earlier = np.flatnonzero(keep[:back])
        overtaken = earlier[track.steps[earlier] >= track.steps[back]]
        if len(overtaken) >= LATE:
            keep[overtaken] = False
            seams.add(_seam(track, back))
    kept = np.flatnonzero(keep)
    # The newest record of a step wins: by clock, then by place in the file.
    walls = np.nan_to_num(track.walls[kept], nan=-np.inf)
    kept = kept[np.lexsort((walls, track.steps[kept]))]
    steps = track.steps[kept]
    chosen = kept[np.append(steps[1:] > steps[:-1], True)]
    straight = Track(track.steps[chosen], track.values[chosen], track.walls[chosen])
    return Straightened(straight, len(track.steps) - len(chosen), frozenset(seams | _gaps(straight)))


def append(old: Track, new: Track) -> tuple[Track, int]:
    """Continue a tag with the points of a later file, from whose first step on nothing older counts.

    Returns:
        The joined track, and how many older points were dropped.
    """
    kept = int(np.searchsorted(old.steps, new.steps[0]))
    joined = Track(
        np.concatenate([old.steps[:kept], new.steps]),
        np.concatenate([old.values[:kept], new.values]),
        np.concatenate([old.walls[:kept], new.walls]),
    )
    return joined, len(old.steps) - kept


def _seam(track: Track, at: int) -> Rewind:
    gap = float(track.walls[at]) - float(track.walls[at - 1])
    return Rewind(int(track.steps[at - 1]), int(track.steps[at]), gap, 0)


def _gaps(track: Track) -> set[Rewind]:
    """Find the places where the counter leapt over many unlogged steps."""
    ahead = np.diff(track.steps.astype(np.float64))
    if len(ahead) < 4 or ahead.max() <= LEAP * ahead.min():
        return set()
    far = np.flatnonzero(ahead > LEAP * np.median(ahead)) + 1
    # A tag that leaps again and again is logged irregularly: nothing was lost there.
    return {_seam(track, at) for at in far.tolist()} if len(far) < LATE else set()
