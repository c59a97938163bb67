"""One training that several files log: told from different trainings, and brought together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from spikediag.model import FloatArray, IntArray, Role, Text, say
from spikediag.parser.library_presets import recognise
from spikediag.parser.log_files import LogFile
from spikediag.parser.roles import assign_roles
from spikediag.parser.track import Track, straighten
from spikediag.text import first_few

FEWEST = 3  # points that two logs of one quantity must share to be compared, and values it must take
AGREE = 0.9  # share of the shared points that must be equal
SINGLE = 2.0**-23  # relative, of 32-bit numbers
DIGITS = range(3, 7)  # significant ones that a logger may round to
PLACES = range(1, 7)  # the same behind the point
LOOKED_AT = 1000  # values that tell the rounding of a series
EVIDENCE = 20  # decimal digits that two logs of few digits must share, in all values and beyond their spread
FINE = 0.05  # half of a last digit over the spread of the values, up to which it tells two trainings apart
HALF = 0.55  # of a last digit that was rounded twice, to more digits first
THINNED = 10  # values that another log must hold in their order
MORE = 1.01  # times the points; a log with that many is the more complete one
MUCH_MORE = 1.1  # times the points; a log with that many is no copy, and not only written out earlier
ALIKE = 8  # quantities of one name in several groups that are compared
PROOF = frozenset(
    {Role.LOSS, Role.COMPANION, Role.GRAD_NORM}
)  # equal in one training alone; means may differ
MOST_TURNS = 2  # of what is no more than a schedule: warmed up, and let down
PLANNED = frozenset(  # alike in every repetition
    {Role.LEARNING_RATE, Role.EPOCH, Role.SAMPLES, Role.LOSS_SCALE}
)


class Sameness(Enum):
    """What the quantities that two logs share say of their trainings."""

    SAME = auto()
    OTHER_AXIS = auto()  # the same numbers in the same order, at other steps
    DIFFERENT = auto()
    OPEN = auto()  # they share no quantity that moves


def sameness(one: Mapping[str, Track], other: Mapping[str, Track], rounding: float = SINGLE) -> Sameness:
    """Compare two logs by the quantities they share; of two names for what may be one only sameness counts.

    Args:
        one: Points by tag, in any order of steps.
        other: The same.
        rounding: Relative, up to which two numbers are one; digits that either log does not keep are no
            difference anyway.
    """
    first, second = _unplanned(one), _unplanned(other)
    shared = sorted(first.keys() & second.keys())
    verdicts = {tag: _compared(one[tag], other[tag], rounding) for tag in shared}
    told = [verdict for verdict in verdicts.values() if verdict is not Sameness.OPEN]
    if told:
        most = max(told.count(verdict) for verdict in told)
        ahead = {verdict for verdict in told if told.count(verdict) == most}
        roles = assign_roles(shared, recognise(one), {})
        proven = {verdicts[tag] for tag in shared if roles[tag].role in PROOF} & {Sameness.SAME}
        decided = ahead & proven or ahead & {Sameness.DIFFERENT} or ahead
        return min(decided, key=lambda verdict: verdict.value)
    return Sameness.SAME if renamed(first, second, rounding) else Sameness.OPEN


def _unplanned(log: Mapping[str, Track]) -> dict[str, Track]:
    """What another training would log otherwise: no schedule, nor what looks like one under any name."""
    roles = assign_roles(log, recognise(log), {})
    return {
        tag: track
        for tag, track in log.items()
        if roles[tag].role not in PLANNED
        and (roles[tag].role is not Role.OTHER or _turns(track.values) > MOST_TURNS)
    }


def _turns(values: FloatArray) -> int:
    """How often values that rose fall, or the other way about."""
    with np.errstate(invalid="ignore"):
        ways = np.sign(np.diff(values))
    ways = ways[np.isfinite(ways) & (ways != 0)]
    return int(np.count_nonzero(np.diff(ways)))


def renamed(
    one: Mapping[str, Track], other: Mapping[str, Track], rounding: float = SINGLE, *, known: bool = False
) -> dict[str, str]:
    """What the first log calls quantities that the other names otherwise: `train/loss`, by `loss`.

    Where the logs are known to be of one training, what hardly moves is recognised too.
    """
    names: dict[object, list[str]] = {}
    for tag in sorted(one.keys() - other.keys()):
        keys: tuple[object, ...] = (*_shorter(tag), ("longer", _words(tag)), _last_part(tag))
        for key in keys:
            names.setdefault(key, []).append(tag)
    found = {}
    for tag in sorted(other.keys() - one.keys()):
        keys = (_words(tag), *(("longer", words) for words in _shorter(tag)), _last_part(tag))
        called = dict.fromkeys(name for key in keys for name in names.get(key, ()))
        same = (
            name
            for name in list(called)[:ALIKE]
            if _compared(one[name], other[tag], rounding) is Sameness.SAME
            or (known and _repeats(one[name], other[tag]))
        )
        if name := next(same, None):
            found[tag] = name
    return found


def _repeats(one: Track, other: Track) -> bool:
    """Whether one series holds the other, number by number."""
    (first, a), (second, b) = _last_of_each_step(one), _last_of_each_step(other)
    shared, here, there = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    whole = len(shared) == min(len(first), len(second)) and len(shared) >= FEWEST
    return whole and bool(np.allclose(a[here], b[there], rtol=SINGLE, atol=0, equal_nan=True))


def _words(tag: str) -> frozenset[str]:
    return frozenset(re.split(r"[\W_]+", tag.lower()))


def _shorter(tag: str) -> Iterator[frozenset[str]]:
    """The words of a tag, and those without one of them."""
    words = _words(tag)
    yield words
    yield from (words - {word} for word in sorted(words) if len(words) > 1)


def _last_part(tag: str) -> str:
    """What a tag says without its groups: `loss` of `train/loss`."""
    return re.split(r"[/.]", tag.lower())[-1]


def _compared(one: Track, other: Track, rounding: float) -> Sameness:
    first, second = _last_of_each_step(one), _last_of_each_step(other)
    _, here, there = np.intersect1d(first[0], second[0], assume_unique=True, return_indices=True)
    n = min(len(first[1]), len(second[1]))
    in_order = first[1][:n], second[1][:n]
    for pair, verdict in (
        ((first[1][here], second[1][there]), Sameness.SAME),
        (in_order, Sameness.OTHER_AXIS),
    ):
        digit = np.maximum(*map(_last_digit, pair))
        if len(digit) >= FEWEST and _agree(*pair, rounding, digit):
            return (
                verdict
                if all(_tells(values) and _is_fine(digit, values) for values in pair)
                else Sameness.OPEN
            )
    if not all(map(_tells, in_order)):
        return Sameness.OPEN
    return Sameness.OTHER_AXIS if _is_thinned(first[1], second[1], rounding) else Sameness.DIFFERENT


def _is_thinned(one: FloatArray, other: FloatArray, rounding: float) -> bool:
    """Whether the values of one log are some of those of the other, in their order."""
    few, many = sorted((one[np.isfinite(one)], other[np.isfinite(other)]), key=len)
    if len(few) < THINNED:
        return False
    digit = _last_digit(many)
    near, nothing = _thinned(few, many), np.zeros_like(few)
    return np.median(digit) <= SINGLE * np.median(np.abs(many)) and _agree(few, near, rounding, nothing)


def _thinned(few: FloatArray, many: FloatArray) -> FloatArray:
    """The nearest of many values to each of few that are in their order, NaN where none is left."""
    order = np.argsort(many)
    right = np.clip(np.searchsorted(many[order], few), 1, len(many) - 1)
    nearer = many[order[right]] - few < few - many[order[right - 1]]
    places = np.where(nearer, order[right], order[right - 1])
    behind = np.append(True, np.diff(places) > 0)
    return np.where(behind, many[places], np.nan)


def _last_of_each_step(track: Track) -> tuple[IntArray, FloatArray]:
    steps, places = np.unique(track.steps[::-1], return_index=True)
    return steps, track.values[::-1][places]


def _tells(values: FloatArray) -> bool:
    """Whether another training would have taken other values: several, and none of them most of the time."""
    _, counts = np.unique(values, return_counts=True)
    return len(counts) >= FEWEST and counts.max() <= len(values) / 2


def _is_fine(digit: FloatArray, values: FloatArray) -> bool:
    """Whether so many values that are equal up to a digit tell trainings apart."""
    known = values[np.isfinite(values)]
    if not len(known):
        return False
    if np.median(digit) <= SINGLE * np.median(np.abs(known)):
        return True  # no fewer than 32 bits
    spread = np.subtract(*np.quantile(known, (0.75, 0.25)))
    unknown = max(float(np.median(digit)), SINGLE * spread)
    return bool(unknown <= FINE * spread and len(values) * np.log10(spread / unknown) >= EVIDENCE)


def _agree(one: FloatArray, other: FloatArray, rounding: float, digit: FloatArray) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        allowed = rounding * np.maximum(np.abs(one), np.abs(other)) + digit
        near = np.abs(one - other) <= allowed
    equal = near | (one == other) | (np.isnan(one) & np.isnan(other))
    last = equal[-max(len(equal) // 10, FEWEST) :]  # those of a fork are others
    return bool(np.mean(equal) >= AGREE and np.mean(last) > 1 / 2)


def _last_digit(values: FloatArray) -> FloatArray:
    """Half of the last digit (n,) that a log keeps of its values; 0 where it keeps all."""
    known = np.isfinite(values) & (values != 0)
    seen = values[known][:LOOKED_AT]
    size = np.floor(np.log10(np.abs(values, where=known, out=np.ones_like(values))))
    unit = np.zeros_like(values)
    for candidates in ((10.0 ** (size + 1 - n) for n in DIGITS), (10.0**-n + 0 * size for n in PLACES)):
        kept = (one for one in candidates if _keeps(seen, one[known][:LOOKED_AT]))
        unit = np.maximum(unit, next(kept, unit))
    return HALF * unit


def _keeps(values: FloatArray, unit: FloatArray) -> bool:
    """Whether values are multiples of a unit, as far as 32 bits say."""
    with np.errstate(all="ignore"):
        kept = np.abs(np.round(values / unit) * unit - values) <= SINGLE * np.abs(values)
    return len(kept) > 0 and bool(np.mean(kept) >= AGREE)


def _joined(old: Track, new: Track, rounding: float) -> Track:
    """What is known of a quantity, with those parts of it of which another log has more points."""
    around = (old.steps < new.steps[0]) | (old.steps > new.steps[-1])
    beyond = (new.steps < old.steps[0]) | (new.steps > old.steps[-1])
    here, there = np.count_nonzero(~around), np.count_nonzero(~beyond)
    replaces = there > MORE * here or (not around.any() and there * MORE >= here)
    kept = around if replaces else np.ones_like(around)
    taken = np.ones_like(beyond) if replaces else beyond
    if np.count_nonzero(kept) + np.count_nonzero(taken) <= MORE * len(old.steps):
        return old
    if not kept.any():
        return new
    if _compared(old, new, rounding) is Sameness.DIFFERENT:
        return old
    order = np.argsort(np.concatenate([old.steps[kept], new.steps[taken]]))
    parts = (
        np.concatenate([getattr(old, name)[kept], getattr(new, name)[taken]])[order]
        for name in ("steps", "values", "walls")
    )
    return Track(*parts)


def has_more(one: Mapping[str, Track], other: Mapping[str, Track]) -> bool:
    """Whether a log of a training holds much of a quantity that another log of it has not."""
    shared = one.keys() & other.keys()
    points = ([len(np.unique(log[tag].steps)) for log in (one, other)] for tag in shared)
    return any(here > MUCH_MORE * there for here, there in points)


@dataclass
class Together:
    """What other files add to the tags of a run.

    Attributes:
        tracks: By tag, of which another file has more points, or which it has alone.
        files: The files of each of them.
        partly: Those of which the run's own files hold some points too.
        speak: Files of the same training that say how it was configured, whatever they add.
        unused: Files that add nothing, and why, by label.
        notes: What was taken, for people.
    """

    tracks: dict[str, Track] = field(default_factory=dict)
    files: dict[str, tuple[LogFile, ...]] = field(default_factory=dict)
    partly: set[str] = field(default_factory=set)
    speak: list[LogFile] = field(default_factory=list)
    unused: dict[str, Text] = field(default_factory=dict)
    notes: list[Text] = field(default_factory=list)

    @property
    def taken(self) -> tuple[LogFile, ...]:
        """Every file of which points were taken."""
        return tuple(dict.fromkeys(file for files in self.files.values() for file in files))


def bring_together(
    streams: Mapping[str, Sequence[LogFile]], beside: Sequence[LogFile], nearby: Sequence[LogFile] = ()
) -> Together:
    """Bring what stands beside a run into it where it is the same training.

    Args:
        streams: The files that make up the run, by the prefix of their tags.
        beside: Other files that should be of it, the most complete first.
        nearby: Files that may be of any training, of which nothing is said unless they are of this one.
    """
    together = Together()
    if not beside and not nearby:
        return together
    known = {
        prefix + tag: track for prefix, stream in streams.items() for tag, track in _last(stream).items()
    }
    for file in (*beside, *nearby):
        rounding = max(SINGLE, file.log.rounding)
        verdict = sameness(known, file.points, rounding)
        if file in nearby and verdict in (Sameness.DIFFERENT, Sameness.OPEN):
            continue
        if verdict is not Sameness.DIFFERENT and file.log.speaks:
            together.speak.append(file)
        if verdict is Sameness.DIFFERENT:
            together.unused[file.label] = say("it logs another training; give its file to read it")
        elif verdict is Sameness.OTHER_AXIS:
            together.unused[file.label] = say("it logs the same training on another axis")
        else:
            names = renamed(known, file.points, rounding, known=verdict is Sameness.SAME)
            points = {names.get(tag, tag): track for tag, track in file.points.items()}
            _take(together, known, file, points, rounding)
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


def _take(
    together: Together,
    known: dict[str, Track],
    file: LogFile,
    points: Mapping[str, Track],
    rounding: float,
) -> None:
    points = {tag: straighten(track).track for tag, track in points.items()}
    old = {tag: straighten(known[tag]).track for tag in points if tag in known}
    joined = {
        tag: _joined(old[tag], track, rounding) if tag in old else track for tag, track in points.items()
    }
    new = {tag: track for tag, track in joined.items() if track is not old.get(tag)}
    if not new:
        more = say("nothing but its settings") if file.log.speaks else say("nothing")
        together.unused[file.label] = say("it logs the same training and adds {more}", more=more)
        return
    for tag, track in new.items():
        replaced = track is points[tag]
        before = () if replaced else together.files.get(tag, ())
        if replaced:
            together.partly.discard(tag)
        elif not before:
            together.partly.add(tag)
        together.files[tag] = (*before, file)
    known |= new
    together.tracks |= new
    together.notes.append(
        say(
            "{count} series came from {label}, which has more of this training: {names}.",
            count=len(new),
            label=file.label,
            names=first_few(list(new)),
        )
    )
