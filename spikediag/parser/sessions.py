"""Which log files of one folder belong to one training, and those of one training joined tag by tag."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikediag.model import Rewind, Session, Text, say
from spikediag.parser.log_files import LogFile
from spikediag.parser.track import LATE, LEAP, Track, append, straighten

MANY_REPLACED = 10  # points that a point or two cannot stand for
MOST_SEAMS = 1000  # kept as evidence


Attempt = tuple[LogFile, ...]


def distinct(files: Iterable[LogFile]) -> tuple[list[LogFile], list[Text]]:
    """Drop bit-identical copies; return the rest and a note for each copy."""
    kept: dict[str, LogFile] = {}
    notes = []
    for file in sorted(files, key=lambda file: file.label):
        first = kept.setdefault(file.sha256, file)
        if first is not file:
            notes.append(
                say(
                    "{label} is a copy of {other}, byte for byte, and was dropped.",
                    label=file.label,
                    other=first.label,
                )
            )
    return list(kept.values()), notes


def attempts(files: Iterable[LogFile]) -> tuple[list[Attempt], list[LogFile]]:
    """Group the files that have points into trainings, oldest first; the files of each in order of time.

    A file continues a training when it takes up its steps after the beginning (a resume or a later part) or
    adds other tags at the same time. One that begins again with the same tags is an attempt of its own.

    Returns:
        The trainings, and the stray starts: files of a point or two that would replace many.
    """
    groups: list[list[LogFile]] = []
    strays = []
    for file in sorted((f for f in files if f.points), key=lambda f: (f.span, f.label)):
        if any(_is_stray(group, file) for group in groups):
            strays.append(file)
            continue
        home = next((group for group in reversed(groups) if _continues(group, file)), None)
        if home is None:
            groups.append([file])
        else:
            home.append(file)
    return [tuple(group) for group in groups], strays


def _is_stray(group: list[LogFile], file: LogFile) -> bool:
    new = file.points
    if max(len(points.steps) for points in new.values()) >= LATE:
        return False
    replaced = [
        int(np.count_nonzero(old.points[tag].steps >= points.steps[0]))
        for tag, points in new.items()
        for old in group
        if tag in old.points
    ]
    return max(replaced, default=0) >= MANY_REPLACED


def goes_on(earlier: Attempt, later: Attempt) -> bool:
    """Whether files of another folder take up a training where it stood: they say so, or leave no gap."""
    resumes = all(file.log.resumes for file in later)
    joined, strays = attempts(counted_on((*earlier, *later)) if resumes else (*earlier, *later))
    if len(joined) != 1 or strays:
        return False
    ends = {tag: points.steps for file in earlier for tag, points in file.points.items()}
    begins = {tag: points.steps[0] for file in later for tag, points in file.points.items()}
    return resumes or any(
        int(begins[tag]) <= int(ends[tag].max()) + LEAP * float(np.median(np.diff(ends[tag])))
        for tag in ends.keys() & begins.keys()
        if len(ends[tag]) >= LATE
    )


def _continues(group: list[LogFile], file: LogFile) -> bool:
    shared = [tag for tag in file.points if any(tag in old.points for old in group)]
    if not shared:
        return file.span[0] < max(old.span[1] for old in group) or not _begins_again(group, file)
    if _interleaved(group, file, shared):
        return False  # two writers of the same tags at the same time: ranks or separate runs
    return 2 * sum(_takes_up(group, file, tag) for tag in shared) > len(shared)


def _begins_again(group: list[LogFile], file: LogFile) -> bool:
    longest = max(len(points.steps) for points in file.points.values())
    return longest > 1 and _first(file) <= min(_first(old) for old in group)


def _first(file: LogFile) -> int:
    return min(int(points.steps[0]) for points in file.points.values())


def _interleaved(group: list[LogFile], file: LogFile, shared: list[str]) -> bool:
    """Whether the group still logged a shared tag after the file began to."""
    return any(
        file.points[tag].walls[0] < old.points[tag].walls[-1]
        for tag in shared
        for old in group
        if tag in old.points
    )


def _takes_up(group: list[LogFile], file: LogFile, tag: str) -> bool:
    """Whether a file goes on with a tag after the training's beginning."""
    old = [earlier.points[tag].steps for earlier in group if tag in earlier.points]
    begin, reached = min(int(steps.min()) for steps in old), max(int(steps.max()) for steps in old)
    ahead = np.concatenate([np.diff(steps) for steps in old])
    usual = max(float(np.median(ahead)), 0.0) if len(ahead) else reached - begin
    return int(file.points[tag].steps[0]) > begin + usual


def counted_on(files: Iterable[LogFile]) -> tuple[LogFile, ...]:
    """Let files, in order of time, that resume and count from 0 again go on where those before them stood."""
    found: list[LogFile] = []
    for file in files:
        anew = file.log.anew
        before = [int(old.points[tag].steps.max()) for old in found for tag in anew & old.points.keys()]
        found.append(_moved(file, max(before) + 1) if before else file)
    return tuple(found)


def _moved(file: LogFile, steps: int) -> LogFile:
    """A file whose counter began so many steps later."""
    points = {
        tag: replace(track, steps=track.steps + steps) if tag in file.log.anew else track
        for tag, track in file.points.items()
    }
    return replace(file, log=replace(file.log, points=points))


@dataclass(frozen=True)
class JoinedTraining:
    """One training: its files joined."""

    tracks: dict[str, Track]
    sessions: tuple[Session, ...]
    rewinds: tuple[Rewind, ...]
    overtaken: int  # points of the clock tags that a resume or a later record of the same step replaced


def join_sessions(files: Iterable[LogFile], clock: frozenset[str]) -> JoinedTraining:
    """Join files given in order of time; `clock` are the tags whose steps count the training, all if none."""
    ordered = tuple(files)
    clock = clock or frozenset(tag for file in ordered for tag in file.points)
    tracks: dict[str, Track] = {}
    seams: set[Rewind] = set()
    overtaken = 0
    for session, file in enumerate(ordered):
        for tag, points in file.points.items():
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
    return JoinedTraining(tracks, tuple(_sessions(ordered, clock)), kept, overtaken)


def _boundary(before: tuple[LogFile, ...], file: LogFile, session: int, clock: frozenset[str]) -> set[Rewind]:
    """Judge the seam between a file and those before it, by the tags they share."""
    seams = []
    for tag in sorted(clock & file.points.keys()):
        earlier = [old.points[tag] for old in before if tag in old.points]
        if not earlier:
            continue
        last, first = earlier[-1], file.points[tag]
        usual = float(np.median(np.diff(last.steps))) if len(last.steps) > 1 else 1.0
        ahead = int(first.steps[0]) - int(last.steps[-1])
        if ahead <= 0 or ahead > LEAP * max(usual, 1.0):
            gap = float(first.walls[0] - last.walls[-1])
            seams.append(Rewind(int(last.steps[-1]), int(first.steps[0]), gap, session))
    # Tags are logged at their own rates; the densest knows best where the training stood.
    return {min(seams, key=lambda seam: (seam.to_step, -seam.from_step))} if seams else set()


def _sessions(files: tuple[LogFile, ...], clock: frozenset[str]) -> Iterator[Session]:
    for file in files:
        tags = [points for tag, points in file.points.items() if tag in clock]
        if tags:
            first = min(int(points.steps.min()) for points in tags)
            yield Session(file.label, first, max(int(points.steps.max()) for points in tags), *file.span)
