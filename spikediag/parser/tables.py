"""Rows and columns to points: what every source that is no event file ends with."""

import csv
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from itertools import chain, repeat
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikediag.model import FloatArray, say
from spikediag.parser.log_files import (
    LATEST,
    MOST_TAGS,
    Gap,
    UnusableLogError,
    left_out_points,
    refuse_beyond,
    told_gaps,
)
from spikediag.parser.track import FARTHEST, Track

PEEK = 1 << 15  # bytes that show what a file is
PIECE = 1 << 18  # cells of a table that are read at a time
FIRST_ROWS = 64  # that show whether it holds words, before all others are read
WIDE = 100  # columns; to read so many twice takes longer than to find a word later
MOST_BYTES = 1 << 28  # of a file of text; in memory it is several times as large
NANS = ("nan", "+nan", "-nan")
STEPS = (  # what a step is called, the most certain name first; an epoch is one where nothing else is
    "step",
    "global_step",
    "trainer/global_step",
    "train/global_step",
    "_step",
    "steps",
    "current_steps",
    "train_step",
    "train_steps",
    "iteration",
    "iterations",
    "iter",
    "timesteps",
    "total_timesteps",
    "num_timesteps",
    "time/total_timesteps",
    "timesteps_total",
    "training_iteration",
    "update",
    "updates",
    "epoch",
    "epochs",
)
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


def numbers_in(record: Mapping[str, object], joint: str = "/") -> Iterator[tuple[str, float]]:
    """Yield the numbers of a nested record, keys joined; truth is 1 or 0, lists are no numbers."""
    stack: list[tuple[str, object, int]] = [(str(k), v, 1) for k, v in reversed(list(record.items()))]
    while stack:
        key, value, depth = stack.pop()
        if isinstance(value, Real):
            yield key, as_float(value)
        elif isinstance(value, Mapping) and depth < DEEPEST:
            stack.extend((f"{key}{joint}{k}", v, depth + 1) for k, v in reversed(list(value.items())))
        elif isinstance(value, str) and (meant := SPELLED.get(value.lower())) is not None:
            yield key, meant


SPELLED = {"nan": np.nan, "inf": np.inf, "infinity": np.inf, "-inf": -np.inf, "-infinity": -np.inf}


def as_float(value: Any) -> float:  # noqa: ANN401  # the numbers of Python have no common type
    """A number as a 64-bit float; a whole number that is too large is infinite."""
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def clock(walls: FloatArray) -> FloatArray:
    """Wall times in seconds since the epoch; what is no clock time is NaN."""
    return np.where((walls > EARLIEST) & (walls < LATEST), walls, np.nan)


def step_column(names: Iterable[str]) -> str | None:
    """The column that counts steps, by its name."""
    known = {name.strip().lower(): name for name in reversed(list(names))}
    return next((known[name] for name in STEPS if name in known), None)


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
    columns: Mapping[str, Column], step: str | None, tags: Mapping[str, str] | None = None
) -> tuple[dict[str, Track], list[Gap]]:
    """Bring the columns of a table to points; a cell that is empty is no point.

    Args:
        columns: All of one length, by name.
        step: The column that counts; None where rows are counted.
        tags: What columns are called that are not called by their own name.

    Raises:
        UnusableLogError: there is no row.
    """
    rows = max((len(column.there) for column in columns.values()), default=0)
    if not rows:
        raise UnusableLogError(say("it has a header and no row; has the training written its first yet?"))
    told = clock_column(columns)
    walls = clock(columns[told].values) if told else np.full(rows, np.nan)
    counted = np.arange(rows, dtype=np.float64) if step is None else columns[step].values
    with np.errstate(invalid="ignore"):
        near = (np.abs(counted) <= FARTHEST) & (counted == np.round(counted))
    tracks: dict[str, Track] = {}
    astray, refused = 0, 0
    steps = np.where(near, counted, 0).astype(np.int64)
    for name, column in columns.items():
        if name in (step, told) or IDLE.fullmatch(name) or not column.there.any():
            continue
        kept = column.there & near
        astray += int(np.count_nonzero(column.there & ~near))
        if len(tracks) >= MOST_TAGS:
            refused += int(np.count_nonzero(kept))
        elif kept.any():
            tag = (tags or {}).get(name, name.strip())
            which = slice(None) if kept.all() else kept
            tracks[tag] = Track(steps[which], column.values[which], walls[which])
    return tracks, list(left_out_points(astray, refused))


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


def read_csv(content: bytes) -> tuple[dict[str, Column], list[Gap]]:
    """Read a table of comma- or tab-separated values with a header; rows of another width are left out.

    Raises:
        UnusableLogError: it is no such table.
    """
    refuse_beyond(MOST_BYTES, len(content))
    is_empty = re.search(rb"\S", content) is None
    if b"\0" in content[:PEEK] or is_empty:
        raise UnusableLogError(say("it is empty") if is_empty else say("it is no text"))
    if _header(content).count(_separator(content).encode()) > MOST_TAGS:
        raise UnusableLogError(say("it has more than {most:,} columns", most=MOST_TAGS))
    whole, gaps = _ended_lines(content)
    try:
        return _columns(whole), gaps
    except ValueError:  # a row of another width
        even, odd = _even_rows(whole)
        try:
            return _columns(even), [*odd, *gaps]
        except ValueError as error:
            raise UnusableLogError(say("it is no table of comma-separated values")) from error


def _ended_lines(content: bytes) -> tuple[bytes, list[Gap]]:
    """What stands before the last end of a line: a row that a writer has not ended may be half a number."""
    if content.endswith((b"\n", b"\r")):
        return content, []
    end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    if not end:
        return content, []
    what = say("the last row has no end of line: it may be half written and was left out")
    return content[:end], [Gap(end, len(content) - end, what)]


def _header(content: bytes) -> bytes:
    return content[: content.find(b"\n") + 1] or content


def _separator(content: bytes) -> str:
    header = _header(content)
    return max(",\t;", key=lambda mark: header.count(mark.encode()))


def _columns(content: bytes) -> dict[str, Column]:
    """Read a table of even rows; what holds a word is read whole, so that what a column is takes all of it.

    Raises:
        ValueError: it is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of columns that are words and numbers
        numbers = _numbers_alone(content)
        if numbers is None:
            table = _parsed(content)
            return {str(name): _column(table[name]) for name in table.columns}
    there = ~np.isnan(np.stack(list(numbers.values())))
    return {str(name): Column(*cells) for name, *cells in zip(numbers, numbers.values(), there, strict=True)}


class _Stream:
    """Bytes as pandas takes them without decoding and encoding them again: a sixth of its time."""

    def __init__(self, content: bytes) -> None:
        self._file = BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._file)


def _parsed(content: bytes, **how: Any) -> Any:  # noqa: ANN401  # a table of pandas, or pieces of one
    import pandas as pd  # noqa: PLC0415  # half a second, and event files need none

    if not reads_exactly():
        how["float_precision"] = "round_trip"
    stream: Any = _Stream(content)
    return pd.read_csv(
        stream,
        index_col=False,
        encoding_errors="replace",
        sep=_separator(content),
        skipinitialspace=b" " in content,
        low_memory=False,
        keep_default_na=False,
        na_values=[""],
        **how,
    )


@cache
def reads_exactly() -> bool:
    """Whether pandas reads numbers to their last digit unasked, and sees a row that is too long anywhere."""
    import pandas as pd  # noqa: PLC0415  # as above

    return tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)


def _numbers_alone(content: bytes) -> dict[str, FloatArray] | None:
    """The columns of a table without words; in pieces, since fresh memory costs more than the loop."""
    width = _header(content).count(_separator(content).encode()) + 1
    first = [FIRST_ROWS] if width < WIDE else []
    rows = chain(first, repeat(max(PIECE // width, 1))) if reads_exactly() else repeat(len(content))
    pieces = []
    try:
        with _parsed(content, iterator=True) as read, suppress(StopIteration):
            for count in rows:
                piece = read.get_chunk(count)
                if any(kind.kind not in "iuf" for kind in piece.dtypes):
                    return None
                pieces.append(piece.to_numpy(np.float64).T)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return dict(zip(piece.columns, np.concatenate(pieces, axis=1), strict=True))


def _column(cells: Any) -> Column:  # noqa: ANN401  # a column of pandas, which is imported late
    """A column that may hold words, each looked at once: a NaN that was logged is told from an empty cell."""
    if cells.dtype.kind in "iufb":
        numbers = cells.to_numpy(np.float64)
        return Column(numbers, ~np.isnan(numbers))
    which, words = cells.factorize()
    told = [str(word) for word in words]
    numbers = np.array([*map(_number_of, told), np.nan])
    there = ~np.isnan(numbers) | np.array([*(word.strip().lower() in NANS for word in told), False])
    return Column(numbers[which], there[which])


def _number_of(cell: str) -> float:
    try:
        return float(cell.replace("_", " "))
    except ValueError:
        return np.nan


def _even_rows(content: bytes) -> tuple[bytes, list[Gap]]:
    """Keep the rows that are as wide as the header; say of the others where they stand."""
    lines = content.splitlines(keepends=True)
    mark, at, kept, gaps = _separator(content), 0, [], []
    width = len(next(csv.reader([lines[0].decode("utf-8", "replace")], delimiter=mark)))
    for row, line in enumerate(lines, 1):
        cells = next(csv.reader([line.decode("utf-8", "replace")], delimiter=mark), [])
        if len(cells) == width:
            kept.append(line)
        elif cells:
            gaps.append(
                Gap(
                    at,
                    len(line),
                    say(
                        "row {row} has {count} cells and not {width}", row=row, count=len(cells), width=width
                    ),
                )
            )
        at += len(line)
    return b"".join(kept), told_gaps(gaps)
