"""Rows and columns to points: what every source that is no event file ends with."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikediag.model import FloatArray, IntArray, StepUnit, Text, say
from spikediag.parser.log_files import (
    LATEST,
    MOST_TAGS,
    ForeignError,
    Gap,
    UnusableLogError,
    left_out_points,
    refuse_beyond,
    told_gaps,
)
from spikediag.parser.track import FARTHEST, Track
from spikediag.wording.escape import text_of_cell

PEEK = 1 << 15  # bytes that show what a file is
MOST_BYTES = 1 << 28  # of a file of text; in memory it is several times as large
STEPS = (  # what a step is called, the most certain name first, without marks between its words
    "step",
    "globalstep",
    "steps",
    "currentsteps",
    "trainstep",
    "trainsteps",
    "trainingstep",
    "trainingsteps",
    "globalsteps",
    "currentstep",
    "stepidx",
    "stepnum",
    "optimizerstep",
    "optimizersteps",
    "optimizationstep",
    "gradientstep",
    "gradientsteps",
    "gradstep",
    "gradsteps",
    "iteration",
    "iterations",
    "iter",
    "iters",
    "itr",
    "it",
    "niter",
    "numiters",
    "numiterations",
    "globaliter",
    "globaliteration",
    "totaliters",
    "totaliterations",
    "trainiter",
    "nsteps",
    "nbsteps",
    "policystep",
    "learnersteps",
    "interactions",
    "timesteps",
    "timestep",
    "totaltimesteps",
    "numtimesteps",
    "timetotaltimesteps",
    "timestepstotal",
    "envsteps",
    "envstep",
    "agentsteps",
    "agentstep",
    "numenvsteps",
    "totalenvsteps",
    "environmentsteps",
    "totalsteps",
    "numsteps",
    "frames",
    "totalframes",
    "numframes",
    "trainingiteration",
    "update",
    "updates",
    "numupdates",
    "nupdates",
    *(BATCHES := ("batch", "batchidx", "batchindex", "batchid", "minibatch")),
    *(EPOCHS := ("epoch", "epochs")),  # a step where nothing else is
    *(LETTERS := ("t", "i")),  # a step where nothing else is and they are whole
)
SAMPLES = (  # what was seen: an axis where nothing counts steps, if it adds up
    "samples",
    "samplesseen",
    "numsamples",
    "nsamples",
    "totalsamples",
    "trainsamples",
    "numsamplesseen",
    "consumedsamples",
    "consumedtrainsamples",
    "samplesprocessed",
    "samplessofar",
    "examples",
    "examplesseen",
    "numexamples",
    "nexamples",
    "totalexamples",
    "images",
    "imagesseen",
    "numimages",
    "nimg",
    "sequences",
    "sequencesseen",
)
TOKENS = (
    "tokens",
    "tokensseen",
    "numtokens",
    "ntokens",
    "totaltokens",
    "traintokens",
    "trainedtokens",
    "consumedtokens",
    "tokensprocessed",
    "tokenstrained",
    "numtokensseen",
    "inputtokensseen",
    "numinputtokensseen",
    "cumulativetokens",
)
UNITS = {
    **dict.fromkeys(EPOCHS, StepUnit.EPOCH),
    **dict.fromkeys(SAMPLES, StepUnit.SAMPLE),
    **dict.fromkeys(TOKENS, StepUnit.TOKEN),
}
GOES_BACK = (
    0.05  # share of its rows, at most, before which more was seen; what a batch holds goes up and down
)
GROUP = re.compile(r"(train|training|trainer|charts|global)/")
BETWEEN = re.compile(r"[^a-z0-9]+")
MOST_OF_THEM = 0.5  # share of the points of a quantity; if so many share their epoch, their rows are counted
CLOCKS = ("_timestamp", "timestamp", "wall_time", "wall time", "walltime", "time")
EARLIEST = 1e8  # seconds since the epoch, the year 1973; less is a duration
IDLE = re.compile(r"_runtime|unnamed: \d+|_index|index|_wandb.*", re.IGNORECASE)  # no quantity
DEEPEST = 8  # levels of nested records
BoolArray = NDArray[np.bool_]


@dataclass
class PointCollector:
    """Points while they are collected from rows, by tag."""

    limit: int = MOST_TAGS
    found: dict[str, tuple[list[int], list[float], list[float]]] = field(default_factory=dict)
    astray: int = 0
    refused: int = 0

    def add(self, step: float, wall: float, values: Iterable[tuple[str, float]]) -> None:
        """Add a row; a step that is no whole number within reach costs its points."""
        pairs = tuple(values)
        if not abs(step) <= FARTHEST or step != int(step):
            self.astray += len(pairs)
            return
        for tag, value in pairs:
            if tag not in self.found and len(self.found) >= self.limit:
                self.refused += 1
                continue
            steps, numbers, walls = self.found.setdefault(tag, ([], [], []))
            steps.append(int(step))
            numbers.append(value)
            walls.append(wall)

    def add_record(self, record: Mapping[str, object], step: str, named: Callable[[str], str] = str) -> None:
        """Add the numbers of a record, which says under the key `step` where they belong; else none."""
        numbers = dict(numbers_in(record))
        at = numbers.pop(step, None)
        if at is not None:
            self.add(at, float("nan"), ((named(key), value) for key, value in numbers.items()))

    @property
    def tracks(self) -> dict[str, Track]:
        """What was collected, in the order it came."""
        return {
            tag: Track(np.array(s, np.int64), np.array(v, np.float64), clock(np.array(w, np.float64)))
            for tag, (s, v, w) in self.found.items()
        }

    @property
    def gaps(self) -> Iterator[Gap]:
        """What was not collected."""
        yield from left_out_points(self.astray, self.refused)


def numbers_in(record: Mapping[str, object], joint: str = "/", depth: int = 1) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a nested record, keys joined; truth is 1 or 0, lists are no numbers."""
    for key, value in record.items():
        if isinstance(value, float):
            yield str(key), value
        elif isinstance(value, (int, Real)):  # the first is told without asking Python's registry
            yield str(key), as_float(value)
        elif isinstance(value, str):
            if (meant := number_in(value)) is not None:
                yield str(key), meant
        elif isinstance(value, Mapping) and depth < DEEPEST:
            for below, number in numbers_in(value, joint, depth + 1):
                yield f"{key}{joint}{below}", number


SPELLED = {  # what `float` does not read
    "true": 1.0,
    "false": 0.0,
    "1.#inf": np.inf,
    "-1.#inf": -np.inf,
    **dict.fromkeys(("1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind", "nan(ind)", "-nan(ind)"), np.nan),
}
GROUPED = re.compile(r"[-+]?\d[\d.]*,[\d.,]*(e[-+]?\d+)?", re.IGNORECASE)  # with a comma
TENSOR = re.compile(r"(?:tensor|array)\(([^(),]+)(?:,.*)?\)$")


def as_float(value: Any) -> float:  # noqa: ANN401  # the numbers of Python have no common type
    """A number as a 64-bit float; a whole number that is too large is infinite."""
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def number_in(word: str, *, has_decimal_commas: bool = False) -> float | None:
    """The number that a word spells, in any way that loggers, C, spreadsheets and tensors do."""
    plain = word
    if "," in word and GROUPED.fullmatch(word):
        decimal = "," if has_decimal_commas and word.rfind(",") > word.rfind(".") else "."
        plain = word.replace("." if decimal == "," else ",", "").replace(decimal, ".")
    try:
        return float(plain) if "_" not in plain else None
    except ValueError:
        pass
    if match := TENSOR.match(word):
        return number_in(match[1])
    return SPELLED.get(word.lower())


def clock(walls: FloatArray) -> FloatArray:
    """Wall times in seconds since the epoch, from seconds or milliseconds; what is no clock time is NaN."""
    seconds = np.where(walls > LATEST, walls / 1000, walls)
    return np.where((seconds > EARLIEST) & (seconds < LATEST), seconds, np.nan)


def tells_time(cells: FloatArray) -> bool:
    """Whether a column that is called a clock is one, and not how long a step took."""
    return bool((cells > EARLIEST).any())


def step_columns(names: Iterable[str]) -> list[str]:
    """The columns that count steps, by their names, the most certain first."""
    return _ranked(names, STEPS)


def _ranked(names: Iterable[str], among: Sequence[str]) -> list[str]:
    ranked = []
    for place, name in enumerate(names):
        plain, known = name.strip().lower(), _plain(name)
        if known in among:
            ranked.append(
                (among.index(known), GROUP.match(plain) is not None, plain not in among, place, name)
            )
    return [name for *_, name in sorted(ranked)]


def _plain(name: str) -> str:
    """A name without its group and the marks between its words."""
    return BETWEEN.sub("", GROUP.sub("", name.strip().lower()))


def may_count(names: Iterable[str]) -> bool:
    """Whether a column counts steps, or may count what was seen, by its name."""
    return bool(_ranked(names, (*STEPS, *SAMPLES, *TOKENS)))


def step_column(names: Iterable[str]) -> str | None:
    """The column that counts steps, by its name."""
    return next(iter(step_columns(names)), None)


@dataclass(frozen=True)
class Count:
    """What counts the rows of a table: a column, or something worked out of it, which is said."""

    column: str
    steps: FloatArray
    notes: tuple[Text, ...] = ()
    unit: StepUnit | None = None  # where its name tells


def count_of(counters: Mapping[str, FloatArray], logged: BoolArray) -> Count:
    """Find what counts on through a whole table.

    Args:
        counters: The columns that count, the most certain first, (n,) each.
        logged: Rows of the quantity that was logged most often, (n,).
    """
    epochs = next((name for name in counters if BETWEEN.sub("", name.lower()) in EPOCHS), "")
    moving = [name for name in counters if name != epochs and _moves(counters[name])]
    whole = [name for name in moving if _fractions(counters[name]) <= MOST_OF_THEM]
    finer = whole or moving or list(counters)
    anew = {
        name: _begins_anew(counters[name], counters[epochs]) for name in finer if epochs and name != epochs
    }
    name = next((name for name in finer if not len(anew.get(name, ()))), finer[0])
    steps = counters[name]
    if len(anew.get(name, ())):
        note = say("{name} begins anew with every epoch: it was counted on.", name=name)
        return Count(name, _counted_on(steps, anew[name]), (note,))
    own = steps[logged & np.isfinite(steps)]
    shared = np.count_nonzero(np.diff(own) == 0) if name == epochs else 0
    if _fractions(own) > MOST_OF_THEM or shared > MOST_OF_THEM * len(own):
        note = say("{name} does not tell its rows apart: they were counted.", name=name)
        return Count(name, np.maximum(np.cumsum(logged) - 1.0, 0), (note,), StepUnit.LOG)
    tested, ends = _tested(steps, counters[epochs]) if epochs else (own[:0], own[:0])
    if len(tested):
        note = say("Rows in which {name} is the epoch were placed where the epoch ended.", name=name)
        steps = steps.copy()
        steps[tested] = ends
        return Count(name, steps, (note,))
    unit = unit_of(name)
    if unit in {StepUnit.SAMPLE, StepUnit.TOKEN}:
        note = say("No column counts steps: {name}, which counts what was seen, is the axis.", name=name)
        return Count(name, steps, (note,), unit)
    return Count(name, steps, unit=unit)


def counting(names: Iterable[str], column: Callable[[str], FloatArray]) -> list[str]:
    """The columns that count steps, the most certain first; where none does, those that count what was seen.

    A letter counts only if its numbers do.
    """
    known = list(names)
    found = step_columns(known)
    if found and (found[0] not in LETTERS or _is_whole(column(found[0]))):
        return found
    return [name for name in _ranked(known, (*SAMPLES, *TOKENS)) if _adds_up(column(name))]


def _adds_up(seen: FloatArray) -> bool:
    """Whether a column counts on in whole numbers, but for a restart or two."""
    finite = seen[np.isfinite(seen)]
    less = int(np.count_nonzero(np.diff(finite) < 0))
    return bool((finite == np.round(finite)).all()) and _moves(finite) and less <= GOES_BACK * len(finite)


def _is_whole(steps: FloatArray) -> bool:
    """Whether a column counts in whole numbers, none of them less than the one before."""
    finite = steps[np.isfinite(steps)]
    return bool((finite == np.round(finite)).all() and (np.diff(finite) >= 0).all())


def _moves(steps: FloatArray) -> bool:
    finite = steps[np.isfinite(steps)]
    return bool((finite != finite[:1]).any())


def _fractions(steps: FloatArray) -> float:
    """The share of steps that are no whole numbers."""
    finite = steps[np.isfinite(steps)]
    return float(np.mean(finite != np.round(finite))) if len(finite) else 0.0


def _begins_anew(steps: FloatArray, epochs: FloatArray) -> IntArray:
    """The rows at which a counter goes back, if it does so only as the next epoch begins."""
    both = np.flatnonzero(np.isfinite(steps) & np.isfinite(epochs))
    back = np.flatnonzero(np.diff(steps[both]) < 0)
    is_next = np.diff(epochs[both])[back] > 0
    return both[back + 1] if is_next.all() else both[:0]


def _tested(steps: FloatArray, epochs: FloatArray) -> tuple[IntArray, FloatArray]:
    """The rows without an epoch whose step is that of the row before them, and where that row is.

    MMEngine writes its tests so.
    """
    trained = np.flatnonzero(np.isfinite(steps) & np.isfinite(epochs))
    others = np.flatnonzero(np.isfinite(steps) & ~np.isfinite(epochs))
    others = others[others > trained[0]] if len(trained) else trained
    before = trained[np.searchsorted(trained, others) - 1]
    which = (steps[others] == epochs[before]) & (steps[others] < steps[before])
    return others[which], steps[before[which]]


def _counted_on(steps: FloatArray, anew: IntArray) -> FloatArray:
    """Let a counter go on where it begins anew, at its usual distance."""
    finite = np.flatnonzero(np.isfinite(steps))
    ahead = np.diff(steps[finite])
    usual = float(np.median(ahead[ahead > 0])) if (ahead > 0).any() else 1.0
    last = steps[finite[np.searchsorted(finite, anew) - 1]]
    added = np.zeros(len(steps))
    added[anew] = last + usual - steps[anew]
    return steps + np.cumsum(added)


def unit_of(column: str) -> StepUnit | None:
    """What a column counts, where its name tells and it is no step."""
    return UNITS.get(_plain(column))


def counted(columns: Mapping[str, "Column"]) -> Count:
    """What counts the rows of a table that no library names.

    Raises:
        ForeignError: nothing does.
    """
    names = counting(columns, lambda name: columns[name].values)  # not of pandas
    if not names:
        raise ForeignError(say("it has no column step"))
    others = [column.there for name, column in columns.items() if name not in names]
    logged = max(others, key=np.count_nonzero, default=columns[names[0]].there)
    return count_of({name: columns[name].values for name in names}, logged)


def clock_column(names: Iterable[str]) -> str | None:
    """The column that may tell the time, by its name."""
    known = {name.strip().lower(): name for name in reversed(list(names))}
    return next((known[name] for name in CLOCKS if name in known), None)


@dataclass(frozen=True)
class Column:
    """One column of a table, (n,) each."""

    values: FloatArray
    there: BoolArray  # cells that hold a number; a NaN that was logged is one, an empty cell is none


def points_in(
    columns: Mapping[str, Column], count: Count | None, tags: Mapping[str, str] | None = None
) -> tuple[dict[str, Track], list[Gap]]:
    """Bring the columns of a table to points; a cell that is empty is no point.

    Args:
        columns: All of one length, by name.
        count: What counts them; None where rows are counted.
        tags: What columns are called that are not called by their own name.

    Raises:
        UnusableLogError: there is no row.
    """
    rows = max((len(column.there) for column in columns.values()), default=0)
    if not rows:
        raise UnusableLogError(say("it has a header and no row; has the training written its first yet?"))
    told = clock_column(columns)
    told = told if told and tells_time(columns[told].values) else None
    walls = clock(columns[told].values) if told else np.full(rows, np.nan)
    counted = np.arange(rows, dtype=np.float64) if count is None else count.steps
    near, steps = _within_reach(counted)
    for shared in (steps, walls):  # by all series, without a copy for each
        shared.setflags(write=False)
    without = np.isnan(counted)
    tracks: dict[str, Track] = {}
    astray, refused, unplaced = 0, 0, 0
    for name, column in columns.items():
        if name in (count and count.column, told) or IDLE.fullmatch(name) or not column.there.any():
            continue
        kept = column.there & near
        unplaced += int(np.count_nonzero(column.there & without))
        astray += int(np.count_nonzero(column.there & ~near & ~without))
        if len(tracks) >= MOST_TAGS:
            refused += int(np.count_nonzero(kept))
        elif kept.any():
            tag = (tags or {}).get(name, text_of_cell(name))
            which = slice(None) if kept.all() else np.flatnonzero(kept)
            tracks[tag] = Track(steps[which], column.values[which], walls[which])
    return tracks, list(left_out_points(astray, refused, unplaced))


def _within_reach(counted: FloatArray) -> tuple[BoolArray, IntArray]:
    """Which steps are whole numbers that are told apart, and the steps, 0 for any other."""
    with np.errstate(invalid="ignore"):
        near = (np.abs(counted) <= FARTHEST) & (counted == np.round(counted))
    return near, np.where(near, counted, 0).astype(np.int64)


def points_of(
    records: Sequence[Mapping[str, object]],
) -> tuple[dict[str, Track], list[Gap], Count]:
    """Bring records that no library names to points, keys of nested ones joined by a slash.

    Returns:
        The points, what could not be kept, and what counts them.

    Raises:
        ForeignError: nothing counts steps.
    """
    found: dict[str, tuple[list[int], list[float]]] = {}
    for row, record in enumerate(records):
        for name, number in numbers_in(record):
            rows, numbers = found.setdefault(name, ([], []))
            rows.append(row)
            numbers.append(number)
    cells = {name: (np.array(rows), np.array(numbers)) for name, (rows, numbers) in found.items()}

    def column(name: str) -> FloatArray:
        whole = np.full(len(records), np.nan)
        if name in cells:
            whole[cells[name][0]] = cells[name][1]
        return whole

    counters = counting(cells, column)
    if not counters:
        raise ForeignError(say("it has no key step"))
    told = clock_column(cells)
    told = told if told and tells_time(cells[told][1]) else None
    tags = [name for name in cells if name != told and not IDLE.fullmatch(name)]
    quantities = [name for name in tags if name not in counters] or counters
    logged = np.zeros(len(records), dtype=np.bool_)
    logged[cells[max(quantities, key=lambda name: len(cells[name][0]))][0]] = True
    count = count_of({name: column(name) for name in counters}, logged)
    steps = count.steps.copy()
    for name in tags:
        if name != count.column and _plain(name).endswith(_plain(count.column)):  # valid_num_updates
            at, counts = cells[name]
            missing = np.isnan(steps[at])
            steps[at[missing]] = counts[missing]
    kept = {name: cells[name] for name in tags if name != count.column}
    return *_placed(kept, steps, column(told or "")), count


def _placed(
    cells: Mapping[str, tuple[IntArray, FloatArray]], counted: FloatArray, walls: FloatArray
) -> tuple[dict[str, Track], list[Gap]]:
    """Bring numbers, each of a row, to the steps of their rows; where a row has none they are no points."""
    tracks: dict[str, Track] = {}
    astray, refused, unplaced = 0, 0, 0
    near, steps = _within_reach(counted)
    without, walls = np.isnan(counted), clock(walls)
    for tag, (rows, numbers) in cells.items():
        kept = near[rows]
        astray += int(np.count_nonzero((~near & ~without)[rows]))
        if len(tracks) >= MOST_TAGS:
            refused += int(np.count_nonzero(kept))
        elif kept.any():
            tracks[tag] = Track(steps[rows[kept]], numbers[kept], walls[rows[kept]])
            unplaced += int(np.count_nonzero(without[rows]))  # a setting in a row of its own is no point
    return tracks, list(left_out_points(astray, refused, unplaced))


def json_lines(content: bytes) -> tuple[list[dict[str, object]], list[Gap]]:
    """Read one JSON object a line; lines that are none are left out.

    Raises:
        UnusableLogError: no line is one.
    """
    refuse_beyond(MOST_BYTES, len(content))
    lines = content.split(b"\n")
    try:  # all at once, which is several times as fast
        records: list[object] = json.loads(b"[" + b",".join(line for line in lines if line.strip()) + b"]")
        gaps: list[Gap] = []
    except (ValueError, RecursionError):
        records, gaps = _line_by_line(lines)
    found = [record for record in records if isinstance(record, dict)]
    if not found:
        raise UnusableLogError(say("it holds no JSON object; has the training written its first line yet?"))
    return found, told_gaps(gaps)


def _line_by_line(lines: list[bytes]) -> tuple[list[object], list[Gap]]:
    at, records, gaps = 0, [], []
    for row, line in enumerate(lines, 1):
        try:
            if line.strip():
                records.append(json.loads(line))
        except (ValueError, RecursionError):
            gaps.append(Gap(at, len(line), say("line {row} is no JSON", row=row)))
        at += len(line) + 1
    return records, gaps
