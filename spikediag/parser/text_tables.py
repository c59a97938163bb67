"""Tables as text, however they are separated, spelled and encoded, to columns: pandas reads them."""

import codecs
import csv
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from spikediag.model import FloatArray, say
from spikediag.parser.log_files import (
    MOST_TAGS,
    PART,
    Gap,
    Opened,
    UnusableLogError,
    refuse_beyond,
    told_gaps,
)
from spikediag.parser.tables import (
    BETWEEN,
    MOST_BYTES,
    PEEK,
    Column,
    clock_column,
    number_in,
    step_column,
)

NO_TABLE = say("it is no table of comma-separated values")
LONGEST_HEADER = 1 << 20  # bytes
COMMENTS = re.compile(rb"(?:\s*#[^\r\n]*(?:\r\n|\r|\n))*")
FIRST_LINE = re.compile(rb"\s*([^\r\n]*[\r\n]*)")
NUMBER = re.compile(rb"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*", re.IGNORECASE)
TOLD = ("tag", "metric", "metricname", "metrickey", "key", "name", "variable", "quantity")
VALUES = ("value", "values", "metricvalue")
RUNS = ("run", "runid", "runuuid", "runhash", "runname", "dirname")
DECIMAL_COMMA = re.compile(rb"[\t\"][-+]?(?:\d+,(?:\d{1,2}|\d{4,})|0,\d+)(?:[eE][-+]?\d+)?[\t\"\r\n]")
COMMA_CELL = re.compile(rb"[;\t][-+]?\d+,\d+[;\t\r\n]")
POINT_GROUPS = re.compile(rb"(?:^|[;\t])[-+]?\d{1,3}(?:\.\d{3})+[;\t\r\n]", re.MULTILINE)
DECIMAL_POINT = re.compile(rb"\d\.(?:\d{1,2}|\d{4,})[;\t\r\n]")


def read_csv(file: Opened) -> tuple[dict[str, Column], list[Gap]]:
    """Read a table of comma- or tab-separated values with a header; rows of another width are left out.

    Raises:
        UnusableLogError: it is no such table.
    """
    style, table, gaps = _table(file)
    return _columns(style, table), gaps


def _table(file: Opened) -> tuple["_Style", Any, list[Gap]]:
    """A table of pandas, how it is written, and what is missing.

    Raises:
        UnusableLogError: it is no table.
    """
    refuse_beyond(MOST_BYTES, file.size)
    with warnings.catch_warnings(action="ignore"):  # of columns that are words and numbers
        with suppress(ValueError, OverflowError):  # a row of another width, a number of hundreds of digits
            return *_streamed(file), []
        return _whole(file)


def _streamed(file: Opened) -> tuple["_Style", Any]:
    """Read a table as it lies, a part at a time in the same memory.

    Raises:
        ValueError: it has something to mend, or is none.
    """
    head = _start(file)
    header = head[: head.find(b"\n") + 1]
    style = _Style.of(head)
    is_plain = header.strip() and header.count(b'"') % 2 == 0 and not re.search(rb"[#\0]|\r(?!\n)", header)
    is_wide = header.count(style.separator.encode()) > MOST_TAGS
    is_text = b"\0" not in head and not header.startswith(codecs.BOM_UTF8)
    if is_wide or not is_plain or not is_text or file.is_sparse or not file.is_ended:
        raise ValueError
    parts = (part for _, part in file.stretches(PART))
    return style, _parsed(style, parts, is_padded=b" " in head)


def _whole(file: Opened) -> tuple["_Style", Any, list[Gap]]:
    """Read a table that has something to mend.

    Raises:
        UnusableLogError: it is none.
    """
    content = file.text
    is_empty = re.search(rb"\S", content) is None
    if b"\0" in content[:PEEK] or is_empty:
        raise UnusableLogError(say("it is empty") if is_empty else say("it is no text"))
    content = _headed(content)
    if _header(content).count(_separator(content).encode()) > MOST_TAGS:
        raise UnusableLogError(say("it has more than {most:,} columns", most=MOST_TAGS))
    whole, gaps = _ended_lines(content)
    style = _Style.of(whole[:PEEK])
    is_padded = b" " in whole
    try:
        return style, _parsed(style, [whole], is_padded=is_padded), gaps
    except ValueError:  # a row of another width
        even, odd = _even_rows(whole)
        try:
            return style, _parsed(style, [even], is_padded=is_padded), [*odd, *gaps]
        except ValueError as error:
            raise UnusableLogError(NO_TABLE) from error


@dataclass(frozen=True)
class LongTable:
    """The columns of a table with a row for each value: what was logged, when, by which run, if one says."""

    step: str
    quantity: str
    value: str
    run: str | None

    @classmethod
    def of(cls, names: Sequence[str]) -> "LongTable | None":
        """The columns by their names; None where a row holds several values."""
        plain = {BETWEEN.sub("", name.lower()): name for name in reversed(names)}
        known = (next((plain[name] for name in some if name in plain), None) for some in (TOLD, VALUES, RUNS))
        (quantity, value, run), step = known, step_column(names)
        return cls(step, quantity, value, run) if step and quantity and value else None

    def read(self, file: Opened) -> tuple[dict[str, dict[str, dict[str, Column]]], list[Gap]]:
        """The steps, the clock and the values of each quantity, by run and quantity; and what is missing.

        Raises:
            UnusableLogError: it is no table.
        """
        style, table, gaps = _table(file)
        table = table.rename(columns=str.strip)
        if not {self.step, self.quantity, self.value, *filter(None, [self.run])} <= {*table.columns}:
            raise UnusableLogError(NO_TABLE)  # a quote without end
        found: dict[str, dict[str, dict[str, Column]]] = {}
        axes = [self.step, *filter(None, [clock_column(table.columns)])]
        for told, rows in table.groupby([*filter(None, [self.run]), self.quantity], sort=False):
            run, tag = str(told[0]) if self.run else "", str(told[-1])
            part = _columns(style, rows[[*axes, self.value]])
            found.setdefault(run, {})[tag] = {axis: part[axis] for axis in axes} | {tag: part[self.value]}
        return found, gaps


def spaced(file: Opened) -> Opened:
    """A table whose header names a step between blanks, with tabs for them; any other as it is."""
    start = _header(_start(file))
    words = start.decode("utf-8", "replace").lstrip("# ").split()
    if any(mark in start for mark in b",;\t") or len(words) < 2 or not step_column(words):
        return file
    lines = (b"\t".join(line.lstrip(b"# ").split()) for line in file.text.splitlines(keepends=True))
    ended = b"\n" if file.text.endswith((b"\n", b"\r")) else b""
    return Opened.of(file.path, b"\n".join(lines) + ended)


def columns_named(file: Opened) -> list[str]:
    """The names in the header of a table, which is not read: data sets are large, and these too."""
    start = _headed(Opened.of(file.path, _start(file)).text)
    return [name.strip() for name in _cells(_header(start), _separator(start))]


def _start(file: Opened) -> bytes:
    """As much of a file as its header stands in, and some rows."""
    start = file.beginning(PEEK)
    return start if b"\n" in COMMENTS.sub(b"", start, count=1) else file.beginning(LONGEST_HEADER)


def _cells(line: bytes, mark: str) -> list[str]:
    try:
        return next(csv.reader([line.decode("utf-8", "replace")], delimiter=mark), [])
    except csv.Error:  # a cell without end
        return []


def _ended_lines(content: bytes, start: int = 0) -> tuple[bytes, list[Gap]]:
    """What stands before the last end of a line: a row that a writer has not ended may be half a number."""
    if content.endswith((b"\n", b"\r")):
        return content, []
    end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    if not end and not start:
        return content, []
    what = say("the last row has no end of line: it may be half written and was left out")
    return content[:end], [Gap(start + end, len(content) - end, what)]


def _headed(content: bytes) -> bytes:
    """Blank the comments before the header, of which the last may be the header."""
    lines = COMMENTS.match(content)
    if not lines or not lines[0]:
        return content
    start, rest = lines[0].rstrip().rfind(b"\n") + 1, content[lines.end() :]
    last = lines[0][start:].replace(b"#", b" ", 1)
    first = re.split(rb"[,;\t]", _header(rest))
    is_header = len(first) > 1 and all(NUMBER.fullmatch(cell) for cell in first)
    blank = re.sub(rb"[^\r\n]", b" ", lines[0])
    return (blank[:start] + last if is_header else blank) + rest


def _header(content: bytes) -> bytes:
    """The first line that is not blank."""
    match = FIRST_LINE.match(content)
    return match[1] if match else content


def _separator(content: bytes) -> str:
    header = _header(content)
    return max(",\t;", key=lambda mark: header.count(mark.encode()))


@dataclass(frozen=True)
class _Style:
    """How a table is written, by its header and its first rows."""

    separator: str
    has_decimal_commas: bool
    has_grouping_points: bool

    @classmethod
    def of(cls, head: bytes) -> "_Style":
        mark = _separator(head)
        grouped = mark != "," and COMMA_CELL.search(head) and POINT_GROUPS.search(head)
        has_commas = mark == ";" or DECIMAL_COMMA.search(head) is not None
        return cls(mark, has_commas, bool(grouped and not DECIMAL_POINT.search(head)))


def _columns(style: _Style, table: Any) -> dict[str, Column]:  # noqa: ANN401  # of pandas
    """The columns of a table of pandas, by name."""
    told = clock_column(map(str, table.columns))
    return {
        str(name).strip(): _times(cells)
        if name == told
        else _column(cells, has_decimal_commas=style.has_decimal_commas)
        for name, cells in table.items()
    }


class _Stream:
    """Bytes as pandas takes them without decoding and encoding them again: a sixth of its time."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)

    def read(self, _: int = -1) -> bytes:
        return next(self._parts, b"")

    def __iter__(self) -> Iterator[bytes]:
        return self._parts


def _parsed(style: _Style, parts: Iterable[bytes], *, is_padded: bool) -> Any:  # noqa: ANN401  # of pandas
    """Read a table of even rows.

    Raises:
        ValueError: it is none.
    """
    import pandas as pd  # noqa: PLC0415  # half a second, and event files need none

    stream: Any = _Stream(parts)
    return pd.read_csv(
        stream,
        index_col=False,
        encoding_errors="replace",
        sep=style.separator,
        skipinitialspace=is_padded,
        thousands="." if style.has_grouping_points else None,
        decimal="," if style.has_grouping_points else ".",
        keep_default_na=False,
        na_values=[""],
        float_precision=None if reads_exactly() else "round_trip",
    )


@cache
def reads_exactly() -> bool:
    """Whether pandas reads numbers to their last digit unasked."""
    import pandas as pd  # noqa: PLC0415  # as above

    return tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)


def _times(cells: Any) -> Column:  # noqa: ANN401  # a column of pandas
    """A column of times: seconds, or dates as ISO 8601 writes them."""
    import pandas as pd  # noqa: PLC0415  # as below

    try:
        numbers = pd.to_numeric(cells, errors="coerce")
    except OverflowError:  # a whole number of hundreds of digits
        return _column(cells, has_decimal_commas=False)
    words = cells.where(numbers.isna()).astype(object)
    dates = pd.to_datetime(words, errors="coerce", utc=True, format="ISO8601")
    seconds = dates.to_numpy("datetime64[ns]").astype(np.float64)
    found = np.where(dates.isna(), numbers.to_numpy(np.float64), seconds / 1e9)
    return Column(found, ~np.isnan(found))


def _column(cells: Any, *, has_decimal_commas: bool) -> Column:  # noqa: ANN401  # a column of pandas
    """A column that may hold words, each looked at once: a NaN that was logged is told from an empty cell."""
    if cells.dtype.kind in "iufb":
        numbers = cells.to_numpy(np.float64)
        return Column(numbers, ~np.isnan(numbers))
    there = cells.notna().to_numpy(copy=True)
    values = _numbers_among(cells)
    odd = there & np.isnan(values)
    which, words = cells[odd].factorize()
    found = [number_in(str(word).strip(), has_decimal_commas=has_decimal_commas) for word in words]
    values[odd] = np.array([np.nan if number is None else number for number in found])[which]
    there[odd] = np.array([number is not None for number in found], bool)[which]
    return Column(values, there)


def _numbers_among(cells: Any) -> FloatArray:  # noqa: ANN401  # a column of pandas
    """The numbers among words that are written plainly, and NaN, (n,); none if pandas would round them."""
    import pandas as pd  # noqa: PLC0415  # as above

    if reads_exactly():
        with suppress(ValueError, TypeError, OverflowError):  # a whole number of hundreds of digits
            return np.array(pd.to_numeric(cells, errors="coerce"), dtype=np.float64)
    return np.full(len(cells), np.nan)


def _even_rows(content: bytes) -> tuple[bytes, list[Gap]]:
    """Keep the rows that are as wide as the header; say of the others where they stand."""
    lines = content.splitlines(keepends=True)
    mark, at, kept, gaps = _separator(content), 0, [], []
    width = len(_cells(_header(content), mark))
    for row, line in enumerate(lines, 1):
        cells = _cells(line, mark)
        if len(cells) == width:
            kept.append(line)
        elif line.strip():
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
