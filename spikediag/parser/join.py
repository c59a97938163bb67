"""The files of one training joined into one series per tag, and what happened at their seams.

A resumed training repeats steps. Points that it overtook belong to an abandoned branch: sorting by step would
interleave the two and invent spikes, so the newest wins and the rewind stays as evidence.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spikediag.model import FloatArray, IntArray, Rewind, Session
from spikediag.parser.eventfile import EventFile

LATE = 3  # points; a step that goes back over fewer is a late record, not a rewind
LEAP = 10.0  # usual distances between points; a longer one is a gap
MOST_REWINDS = 1000  # kept as evidence


@dataclass(frozen=True)
class Track:
    """One tag over all files: steps strictly increasing, (n,) each."""

    steps: IntArray
    values: FloatArray
    walls: FloatArray


@dataclass(frozen=True)
class Joined:
    """One training."""

    tracks: dict[str, Track]
    sessions: tuple[Session, ...]
    rewinds: tuple[Rewind, ...]
    overtaken: int  # points that a resume or a later record of the same step replaced


def join(files: Iterable[EventFile], clock: frozenset[str]) -> Joined:
    """Join files given in order of time; `clock` are the tags whose steps count the training."""
    ordered = tuple(files)
    tracks: dict[str, Track] = {}
    rewinds: set[Rewind] = set()
    overtaken = 0
    for session, file in enumerate(ordered):
        for tag, points in file.columns.tags.items():
            piece, dropped, seams = _straighten(Track(points.steps, points.values, points.walls))
            rewinds |= {seam for seam in seams if tag in clock}
            if tag in tracks:
                piece, lost = _append(tracks[tag], piece)
                dropped += lost
            tracks[tag] = piece
            overtaken += dropped
        if session:
            rewinds |= _boundary(ordered[:session], file, session, clock)
    kept = sorted(rewinds, key=lambda r: (r.session, r.to_step, r.from_step))[:MOST_REWINDS]
    return Joined(tracks, tuple(_sessions(ordered, clock)), tuple(kept), overtaken)


def straighten(steps: IntArray, values: FloatArray, walls: FloatArray) -> tuple[Track, int]:
    """Bring points in logged order to strictly increasing steps; return how many were replaced."""
    track, dropped, _ = _straighten(Track(steps, values, walls))
    return track, dropped


def _straighten(track: Track) -> tuple[Track, int, set[Rewind]]:
    """Make the steps of one file increase: drop what a rewind overtook, sort in late records."""
    ahead = np.diff(track.steps)
    if (ahead > 0).all():
        return track, 0, _gaps(track)
    keep = np.ones(len(track.steps), dtype=bool)
    seams: set[Rewind] = set()
    backs = (np.flatnonzero(ahead < 0) + 1).tolist()
    for back in backs if len(backs) <= MOST_REWINDS else ():  # a counter that often goes back is no clock
        before = np.flatnonzero(keep[:back])
        overtaken = before[track.steps[before] >= track.steps[back]]
        if len(overtaken) >= LATE:
            keep[overtaken] = False
            seams.add(_seam(track, back))
    kept = np.flatnonzero(keep)
    # The newest record of a step wins: by clock, then by place in the file.
    walls = np.nan_to_num(track.walls[kept], nan=-np.inf)
    kept = kept[np.lexsort((walls, track.steps[kept]))]
    last = np.append(np.diff(track.steps[kept]) > 0, True)
    result = _take(track, kept[last])
    return result, len(track.steps) - len(result.steps), seams | _gaps(result)


def _seam(track: Track, at: int) -> Rewind:
    return Rewind(
        int(track.steps[at - 1]), int(track.steps[at]), float(track.walls[at] - track.walls[at - 1]), 0
    )


def _gaps(track: Track) -> set[Rewind]:
    """Find the places where the counter leapt over many unlogged steps."""
    ahead = np.diff(track.steps)
    if len(ahead) < 4:
        return set()
    return {_seam(track, at) for at in (np.flatnonzero(ahead > LEAP * np.median(ahead)) + 1).tolist()[:LATE]}


def _append(old: Track, new: Track) -> tuple[Track, int]:
    """Continue a tag with the points of a later file, from whose first step on nothing older counts."""
    kept = int(np.searchsorted(old.steps, new.steps[0]))
    joined = Track(
        np.concatenate([old.steps[:kept], new.steps]),
        np.concatenate([old.values[:kept], new.values]),
        np.concatenate([old.walls[:kept], new.walls]),
    )
    return joined, len(old.steps) - kept


def _boundary(
    before: tuple[EventFile, ...], file: EventFile, session: int, clock: frozenset[str]
) -> set[Rewind]:
    """Judge the seam between a file and those before it, by the tags they share."""
    shared = [t for t in clock if t in file.columns.tags and any(t in f.columns.tags for f in before)]
    if not shared:
        return set()
    pairs = []
    for tag in shared:
        last = [f for f in before if tag in f.columns.tags][-1].columns.tags[tag]
        first = file.columns.tags[tag]
        usual = float(np.median(np.diff(last.steps))) if len(last.steps) > 1 else 1.0
        ahead = int(first.steps[0]) - int(last.steps[-1])
        if ahead <= 0 or ahead > LEAP * max(usual, 1.0):
            pairs.append((int(last.steps[-1]), int(first.steps[0]), float(first.walls[0] - last.walls[-1])))
    return {Rewind(*min(pairs, key=lambda pair: pair[1]), session)} if pairs else set()


def _sessions(files: tuple[EventFile, ...], clock: frozenset[str]) -> Iterable[Session]:
    for file in files:
        tags = [p for tag, p in file.columns.tags.items() if tag in clock] or list(file.columns.tags.values())
        if tags:
            yield Session(
                file.label,
                min(int(points.steps.min()) for points in tags),
                max(int(points.steps.max()) for points in tags),
                *file.span,
            )


def _take(track: Track, at: IntArray) -> Track:
    return Track(track.steps[at], track.values[at], track.walls[at])
