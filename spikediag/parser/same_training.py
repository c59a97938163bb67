"""One training that several files log: told from different trainings, and brought together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from spikediag.model import FloatArray, IntArray, Text, say
from spikediag.parser.log_files import LogFile
from spikediag.parser.track import Track, straighten

FEWEST = 3  # points that two logs of one quantity must share to be compared
AGREE = 0.9  # share of the shared points that must be equal
SINGLE = 2.0**-23  # relative, of 32-bit numbers
MORE = 1.01  # times the points; a log with that many is the more complete one
MUCH_MORE = 1.1  # times the points; a log with that many is no copy, and not only written out earlier
SHOWN = 5  # tags named in a note


class Sameness(Enum):
    """What the quantities that two logs share say of their trainings."""

    SAME = auto()
    OTHER_AXIS = auto()  # the same numbers in the same order, at other steps
    DIFFERENT = auto()
    OPEN = auto()  # they share no quantity that moves


def sameness(one: Mapping[str, Track], other: Mapping[str, Track], rounding: float = SINGLE) -> Sameness:
    """Compare two logs by the tags they share.

    Args:
        one: Points by tag, in any order of steps.
        other: The same.
        rounding: Relative, up to which two numbers are one.
    """
    verdicts = [_compared(one[tag], other[tag], rounding) for tag in sorted(one.keys() & other.keys())]
    told = [verdict for verdict in verdicts if verdict is not Sameness.OPEN]
    if not told:
        return Sameness.OPEN
    return max(dict.fromkeys(told), key=told.count)


def _compared(one: Track, other: Track, rounding: float) -> Sameness:
    first, second = _last_of_each_step(one), _last_of_each_step(other)
    _, here, there = np.intersect1d(first[0], second[0], assume_unique=True, return_indices=True)
    a, b = first[1][here], second[1][there]
    if len(a) >= FEWEST and _moves(a) and _moves(b) and _agree(a, b, rounding):
        return Sameness.SAME
    a, b = first[1], second[1]
    n = min(len(a), len(b))
    if n < FEWEST or not (_moves(a[:n]) and _moves(b[:n])):
        return Sameness.OPEN
    return Sameness.OTHER_AXIS if _agree(a[:n], b[:n], rounding) else Sameness.DIFFERENT


def _last_of_each_step(track: Track) -> tuple[IntArray, FloatArray]:
    steps, places = np.unique(track.steps[::-1], return_index=True)
    return steps, track.values[::-1][places]


def _moves(values: FloatArray) -> bool:
    finite = values[np.isfinite(values)]
    return len(finite) >= FEWEST - 1 and bool((finite != finite[0]).any())


def _agree(one: FloatArray, other: FloatArray, rounding: float) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        near = np.abs(one - other) <= rounding * np.maximum(np.abs(one), np.abs(other))
    equal = near | (one == other) | (np.isnan(one) & np.isnan(other))
    return bool(np.mean(equal) >= AGREE)


def has_more(one: Mapping[str, Track], other: Mapping[str, Track]) -> bool:
    """Whether a log of a training holds much of a quantity that another log of it has not."""
    return any(_is_more(MUCH_MORE, one[tag], other[tag]) for tag in one.keys() & other.keys())


def _is_more(times: float, one: Track, other: Track) -> bool:
    return len(np.unique(one.steps)) > times * len(np.unique(other.steps))


@dataclass
class Together:
    """What other files add to the tags of a run.

    Attributes:
        tracks: By tag, of which another file has more points, or which it has alone.
        files: The file of each of them.
        unused: Files that add nothing, and why, by label.
        notes: What was taken, for people.
    """

    tracks: dict[str, Track] = field(default_factory=dict)
    files: dict[str, LogFile] = field(default_factory=dict)
    unused: dict[str, Text] = field(default_factory=dict)
    notes: list[Text] = field(default_factory=list)


def bring_together(streams: Mapping[str, Sequence[LogFile]], beside: Sequence[LogFile]) -> Together:
    """Bring what stands beside a run into it where it is the same training.

    Args:
        streams: The files that make up the run, by the prefix of their tags.
        beside: Other files, the most complete first.
    """
    together = Together()
    if not beside:
        return together
    known = {
        prefix + tag: track for prefix, stream in streams.items() for tag, track in _last(stream).items()
    }
    for file in beside:
        verdict = sameness(known, file.points, max(SINGLE, file.log.rounding))
        if verdict is Sameness.DIFFERENT:
            together.unused[file.label] = say("it logs another training; give its file to read it")
        elif verdict is Sameness.OTHER_AXIS:
            together.unused[file.label] = say("it logs the same training on another axis")
        else:
            _take(together, known, file)
    return together


def _last(stream: Sequence[LogFile]) -> dict[str, Track]:
    """The points of every tag of a stream, joined without judging resumes."""
    joined: dict[str, list[Track]] = {}
    for file in stream:
        for tag, track in file.points.items():
            joined.setdefault(tag, []).append(track)
    return {
        tag: Track(
            np.concatenate([t.steps for t in tracks]),
            np.concatenate([t.values for t in tracks]),
            np.concatenate([t.walls for t in tracks]),
        )
        for tag, tracks in joined.items()
    }


def _take(together: Together, known: dict[str, Track], file: LogFile) -> None:
    new = {
        tag: straighten(track).track
        for tag, track in file.points.items()
        if tag not in known or _is_more(MORE, track, known[tag])
    }
    if not new:
        together.unused[file.label] = say("it logs the same training and nothing more")
        return
    known |= new
    together.tracks |= new
    together.files |= dict.fromkeys(new, file)
    names = ", ".join(list(new)[:SHOWN]) + (", ..." if len(new) > SHOWN else "")
    together.notes.append(
        say(
            "{count} series came from {label}, which has more of this training: {names}.",
            count=len(new),
            label=file.label,
            names=names,
        )
    )
