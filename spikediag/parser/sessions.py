"""The files of one training joined into one track per tag, and what happened at their seams."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.model import Rewind, Session
from spikediag.parser.event_files.event_file import EventFile
from spikediag.parser.track import LEAP, Track, append, straighten

MOST_SEAMS = 1000  # kept as evidence


@dataclass(frozen=True)
class Joined:
    """One training."""

    tracks: dict[str, Track]
    sessions: tuple[Session, ...]
    rewinds: tuple[Rewind, ...]
    overtaken: int  # points of the clock tags that a resume or a later record of the same step replaced


def join(files: Iterable[EventFile], clock: frozenset[str]) -> Joined:
    """Join files given in order of time; `clock` are the tags whose steps count the training, all if none."""
    ordered = tuple(files)
    clock = clock or frozenset(tag for file in ordered for tag in file.columns.tags)
    tracks: dict[str, Track] = {}
    seams: set[Rewind] = set()
    overtaken = 0
    for session, file in enumerate(ordered):
        for tag, points in file.columns.tags.items():
            straight = straighten(Track(points.steps, points.values, points.walls))
            track, dropped = straight.track, straight.dropped
            if tag in tracks:
                track, lost = append(tracks[tag], track)
                dropped += lost
            tracks[tag] = track
            if tag in clock:
                overtaken += dropped
                seams |= straight.seams
        if session:
            seams |= _boundary(ordered[:session], file, session, clock)
    # Tags that went back together are one rewind, told by the one that was logged first.
    ordered_seams = sorted(seams, key=lambda r: (r.session, r.to_step, r.from_step, r.wall_gap))
    distinct = {(r.session, r.to_step, r.from_step): r for r in reversed(ordered_seams)}
    kept = tuple(distinct.values())[::-1][:MOST_SEAMS]
    return Joined(tracks, tuple(_sessions(ordered, clock)), kept, overtaken)


def _boundary(
    before: tuple[EventFile, ...], file: EventFile, session: int, clock: frozenset[str]
) -> set[Rewind]:
    """Judge the seam between a file and those before it, by the tags they share."""
    seams = []
    for tag in sorted(clock & file.columns.tags.keys()):
        earlier = [old.columns.tags[tag] for old in before if tag in old.columns.tags]
        if not earlier:
            continue
        last, first = earlier[-1], file.columns.tags[tag]
        usual = float(np.median(np.diff(last.steps))) if len(last.steps) > 1 else 1.0
        ahead = int(first.steps[0]) - int(last.steps[-1])
        if ahead <= 0 or ahead > LEAP * max(usual, 1.0):
            gap = float(first.walls[0] - last.walls[-1])
            seams.append(Rewind(int(last.steps[-1]), int(first.steps[0]), gap, session))
    # Tags are logged at their own rates; the densest knows best where the training stood.
    return {min(seams, key=lambda seam: (seam.to_step, -seam.from_step))} if seams else set()


def _sessions(files: tuple[EventFile, ...], clock: frozenset[str]) -> Iterator[Session]:
    for file in files:
        tags = [points for tag, points in file.columns.tags.items() if tag in clock]
        if tags:
            first = min(int(points.steps.min()) for points in tags)
            yield Session(file.label, first, max(int(points.steps.max()) for points in tags), *file.span)
