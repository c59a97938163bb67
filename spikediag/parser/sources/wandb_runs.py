"""W&B's local run files, `run-*.wandb`: online, offline, crashed, still written.

The format is LevelDB's log (https://github.com/google/leveldb/blob/main/doc/log_format.md) behind a header of
7 bytes, but that its checksum is zlib's CRC-32 and not CRC-32C. Every record is a protobuf message,
`wandb/proto/wandb_internal.proto` of wandb; only the few fields below are read, by hand.

What one call logs is one record, its quantities in any order and their numbers as JSON of any length. What
parts a name from its number is always the same two bytes; from where those are, the places of all names and
numbers of many records are reckoned at once, and every length is checked. Records that hold the same names as
another are told from its names alone, and all numbers are read together (`decimals`). A record that does not
fit is read field by field.
"""

import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from spikediag.model import FloatArray, IntArray, Text, say
from spikediag.parser.decimals import MARGIN, WORD, decimals, words
from spikediag.parser.log_files import (
    MOST_TAGS,
    Gap,
    Log,
    Opened,
    Summaries,
    UnusableLogError,
    left_out_points,
    told_gaps,
)
from spikediag.parser.protobuf import LONGEST_VARINT, VARINT, MalformedError, fields, varint
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import clock, numbers_in
from spikediag.parser.track import FARTHEST, Track

PATIENCE = 1 << 21  # bytes whose checksum is reckoned in search of the next chunk: bounds hostile files
START = b":W&B\xe1\xbe\x00"
BLOCK = 1 << 15  # bytes; a chunk never crosses the border of two
CHUNK = struct.Struct("<IHB")  # checksum, length, kind
DOUBLE = struct.Struct("<d")
LOST, WHOLE, FIRST, MIDDLE, LAST = 0, 1, 2, 3, 4  # kinds of chunks
SEEDS = {kind: zlib.crc32(bytes([kind])) for kind in (WHOLE, FIRST, MIDDLE, LAST)}
MOST_BYTES = 1 << 30  # of a run; in memory its points are three times as large
HISTORY, CONFIG, TELEMETRY, METRIC, RUN = 2, 5, 10, 12, 17  # kinds of records
RESUMES = 18, 24  # of a run: that it was resumed, that this was asked for
BRANCH, FEATURES, OWN_STEPS = 23, 3, 61  # of a run, of telemetry, of features
TOO_MANY, IGNORED = -1, -2
NUMBERED_HISTORY = b"\x08\x00\x12"  # how a record begins: its number, then its history
# An item is a mark, its length, its name or the parts of it, a mark of two bytes, a length, its JSON. Where
# all lengths are below 128, each is one byte.
ITEM, BEFORE_VALUE = 0x0A, (0x82, 0x01)
STEP, STEP_NUMBER = 0x12, 0x08
PADDING = bytes(MARGIN)
FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(WORD + 1)], dtype=np.uint64)  # n bytes of a word
GUESSES = 3  # rows with which others of as many quantities are compared
STEP_AT_END = re.compile(rb"\x12[\x00-\x0b](?:\x08([\x80-\xff]*+[\x00-\x7f]))?\Z")
LONGEST_STEP = 13  # bytes
BATCH = 1 << 12  # rows looked into at a time: what is made of them stays near the processor
STEP_NAME, CLOCK_NAME = "_step", "_timestamp"
RUNTIME = "_runtime"  # seconds, which the clock tells better
MOST_TEXT = 1 << 20  # bytes of JSON of one quantity or setting
OWN = re.compile(r"_(step|timestamp|runtime|wandb.*)|system[/.].*")
GLOBAL_STEP = re.compile(r"(.+[/.])?global_step")
NEARLY_ALL = 0.9  # share of the rows in which it must be


@registry.register
@dataclass(frozen=True)
class WandbRuns(Named):
    """`run-*.wandb` in `wandb/run-*` and `wandb/offline-run-*`: history and configuration of a run.

    Steps are those of the metric that `define_metric` says, else of a `global_step` in nearly all rows, else
    of `wandb.log`; system metrics are left out. Nested quantities are named as W&B shows them, `bc.mse`. What
    resumes a run offline counts from 0 again, since W&B cannot ask where it stood: it is counted on.
    """

    id: str = "wandb_runs"
    name: str = r"run-.+\.wandb"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read a run to its last whole record.

        Raises:
            UnusableLogError: it is no such file, or holds no record yet.
        """
        if not file.size:
            raise UnusableLogError(say("it is empty; has the training written its first record yet?"))
        if file.size > MOST_BYTES:
            raise UnusableLogError(say("it is larger than {size} GB", size=MOST_BYTES >> 30))
        if not file.content.startswith(START[: len(file.content)]):
            raise UnusableLogError(say("no run file of W&B"))
        gaps: list[Gap] = []
        run = _Run()
        stream = records(file.content, gaps)
        while batch := list(islice(stream, BATCH)):
            run.take(batch)
        points, anew, astray = run.points()
        yield Log(
            points,
            (*told_gaps(gaps), *left_out_points(astray, run.history.refused)),
            is_cut=bool(gaps) or not points,
            speaks=True,
            summaries=partial(Summaries, hparams=run.config),
            name=run.name,
            notes=tuple(run.notes()),
            resumes=run.resumes,
            anew=anew,
        )


def records(content: bytes, gaps: list[Gap]) -> Iterator[bytes]:
    """Yield every intact record; what is damaged is added to `gaps`, and reading goes on behind it."""
    parts: list[bytes] = []
    begun = 0
    for position, kind, found in _chunks(content, gaps):
        if kind in (WHOLE, FIRST, LOST) and parts:
            _lose(gaps, begun, position)  # one that never ended
            parts = []
        if kind == WHOLE:
            yield from found
        elif kind == FIRST:
            begun, parts = position, found
        elif kind in (MIDDLE, LAST) and not parts:
            _lose(gaps, position, position + CHUNK.size + len(found[0]))  # the end of one that was lost
        elif kind in (MIDDLE, LAST):
            parts += found
            if kind == LAST:
                yield b"".join(parts)
                parts = []
    if parts:
        _lose(gaps, begun, len(content))


def _chunks(content: bytes, gaps: list[Gap]) -> Iterator[tuple[int, int, list[bytes]]]:
    """Yield chunks with their place and kind: whole ones together, others alone; `LOST` stands for damage."""
    position = len(START)
    while position < len(content):
        room = BLOCK - position % BLOCK
        if room < CHUNK.size:
            position += room
            continue
        found, stop = _whole(content, position)
        if found:
            yield position, WHOLE, found
        elif chunk := _chunk(content, position):
            yield position, chunk[0], [chunk[1]]
            stop = position + CHUNK.size + len(chunk[1])
        else:
            stop = _resync(content, position)
            yield position, LOST, []
            _lose(gaps, position, stop)
        position = stop


def _whole(content: bytes, position: int) -> tuple[list[bytes], int]:
    """Read the whole records from a position to the end of its block, and say where they end."""
    found, seed, unpack, crc = [], SEEDS[WHOLE], CHUNK.unpack_from, zlib.crc32
    border = min(position + BLOCK - position % BLOCK, len(content))
    while position + CHUNK.size <= border:
        checksum, length, kind = unpack(content, position)
        stop = position + CHUNK.size + length
        data = content[position + CHUNK.size : stop]
        if kind != WHOLE or stop > border or crc(data, seed) != checksum:
            break
        found.append(data)
        position = stop
    return found, position


def _chunk(content: bytes, position: int) -> tuple[int, bytes] | None:
    """The kind and the data of the chunk at a position; None where there is none, or its checksum fails."""
    if position + CHUNK.size > len(content):
        return None
    checksum, length, kind = CHUNK.unpack_from(content, position)
    stop = position + CHUNK.size + length
    if kind not in SEEDS or stop > min(position + BLOCK - position % BLOCK, len(content)):
        return None
    data = content[position + CHUNK.size : stop]
    return (kind, data) if zlib.crc32(data, SEEDS[kind]) == checksum else None


def _resync(content: bytes, position: int) -> int:
    """Where to go on behind damage: at the next chunk of the block that is intact, or at the next block."""
    border = min(position + BLOCK - position % BLOCK, len(content))
    block = np.frombuffer(content, dtype=np.uint8, count=border - position, offset=position).astype(np.int64)
    at = np.arange(1, max(len(block) - CHUNK.size + 1, 1))
    lengths, kinds = block[at + 4] | block[at + 5] << 8, block[at + 6]
    patience = PATIENCE
    for candidate in at[
        (kinds >= WHOLE) & (kinds <= LAST) & (at + CHUNK.size + lengths <= len(block))
    ].tolist():
        if _chunk(content, position + candidate):
            return position + int(candidate)
        patience -= int(lengths[candidate - 1])
        if patience < 0:
            break
    return border


def _lose(gaps: list[Gap], start: int, stop: int) -> None:
    """Note lost bytes; what touches the stretch before is part of it."""
    if gaps and gaps[-1].offset + gaps[-1].length >= start:
        start = gaps.pop().offset
    gaps.append(Gap(start, stop - start, say("a record is cut, or fails its checksum")))


def _varint(value: int) -> bytes:
    """A number of variable length, written."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a message.

    Raises:
        MalformedError: it is none.
    """
    for number, kind, start, stop in fields(content, 0, len(content)):
        yield number, varint(content, start, stop)[0] if kind == VARINT else content[start:stop]


def _messages(content: bytes, number: int) -> Iterator[bytes]:
    return (value for key, value in _fields(content) if key == number and isinstance(value, bytes))


def _item(content: bytes) -> tuple[str, bytes]:
    """The name and the JSON of an item: of a quantity, or of a configuration.

    Raises:
        MalformedError: it is none.
    """
    named = {1: [b""], 2: [], 16: [b""]}
    for number, written in _fields(content):
        if isinstance(written, bytes) and number in named:
            named[number].append(written)
    return _text(named[1][-1] or b".".join(named[2])), named[16][-1]


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


@dataclass
class _Run:
    """A run while its records are taken.

    Attributes:
        name: What W&B shows.
        id: What its folders are named after.
        resumes: Whether it goes on with what has the same id.
        has_own_steps: Whether the training counted them, and not W&B.
        branch: The run that it goes on from, and the last step of it that counts.
        config: By key.
        axes: What `define_metric` says: names or patterns, and the metric that counts their steps.
        history: What was logged.
    """

    name: str = ""
    id: str = ""
    resumes: bool = False
    has_own_steps: bool = False
    branch: tuple[str, float] | None = None
    config: dict[str, object] = field(default_factory=dict)
    axes: list[tuple[str, str]] = field(default_factory=list)
    history: "_History" = field(default_factory=lambda: _History())  # noqa: PLW0108  # it is defined below

    def take(self, batch: list[bytes]) -> None:
        """Take records; one that is no message is passed over, since its checksum was right."""
        for row in self.history.take(batch):
            with suppress(MalformedError):
                for kind, content in _fields(batch[row]):
                    if isinstance(content, bytes):
                        self._take(kind, content)

    def _take(self, kind: int, content: bytes) -> None:
        if kind == HISTORY:
            self.history.take([NUMBERED_HISTORY + _varint(len(content)) + content])
        elif kind == CONFIG:
            self._configure(content)
        elif kind == RUN:
            self._begin(content)
        elif kind == TELEMETRY:
            for features in _messages(content, FEATURES):
                self.has_own_steps |= any(key == OWN_STEPS and value == 1 for key, value in _fields(features))
        elif kind == METRIC:
            named = next(_messages(content, 1), None) or next(_messages(content, 2), None)
            counted = next(_messages(content, 4), None)
            if named and counted and len(self.axes) < MOST_TAGS:
                self.axes.append((_text(named), _text(counted)))

    def _begin(self, content: bytes) -> None:
        self.id = _text(next(_messages(content, 1), b""))
        self.name = _text(next(_messages(content, 8), b""))
        self.resumes |= any(key in RESUMES and value == 1 for key, value in _fields(content))
        for branch in _messages(content, BRANCH):
            parts = dict(_fields(branch))
            run, step = parts.get(1), parts.get(2)
            if isinstance(run, bytes) and isinstance(step, bytes) and len(step) == DOUBLE.size:
                self.branch = _text(run), DOUBLE.unpack(step)[0]
                self.resumes |= self.branch[0] == self.id
        for config in _messages(content, 4):
            self._configure(config)

    def _configure(self, content: bytes) -> None:
        for item in _messages(content, 1):
            key, value = _item(item)
            if key != "_wandb" and len(value) <= MOST_TEXT:
                with suppress(ValueError, RecursionError):
                    self.config[key] = json.loads(value)

    def notes(self) -> Iterator[Text]:
        """Say where what came before it is, if it is elsewhere."""
        if self.branch and not self.resumes:
            yield say(
                "it was forked from run {run} at step {step:g}, which holds what was before",
                run=self.branch[0],
                step=self.branch[1],
            )

    def points(self) -> tuple[dict[str, Track], frozenset[str], int]:
        """The points of every quantity, which were counted from 0 again, and how many had no usable step."""
        columns, counted = self.history.columns(), self.history.steps()
        walls = np.full(len(counted), np.nan)
        if own := columns.get(STEP_NAME):
            counted[own.rows] = own.values
        if clocks := columns.get(CLOCK_NAME):
            walls[clocks.rows] = clocks.values
        tracks, anew, astray = {}, set(), 0
        counters = tuple(_global_steps(columns))
        columns |= {counter: _from_the_first(columns[counter]) for counter in counters}
        axes = [*(("*", counter) for counter in counters), *self.axes]
        begins = min((int(column.rows[0]) for column in columns.values()), default=0)
        is_anew = self.resumes and not self.has_own_steps and counted[begins : begins + 1] == 0
        for tag, column in columns.items():
            if OWN.fullmatch(tag):
                continue
            axis = _axis(tag, axes, columns, len(counted))
            steps = (counted if axis is None else axis)[column.rows]
            if axis is not None and np.array_equal(steps, column.values):
                continue  # it counts itself
            near = (np.abs(steps) <= FARTHEST) & (steps == np.round(steps))
            astray += len(near) - int(np.count_nonzero(near))
            if near.any():
                kept = column.rows[near]
                tracks[tag] = Track(steps[near].astype(np.int64), column.values[near], clock(walls[kept]))
                if is_anew and axis is None:
                    anew.add(tag)
        return tracks, frozenset(anew), astray


@dataclass(frozen=True)
class _Column:
    """The numbers of one quantity, (n,) each."""

    rows: IntArray
    values: FloatArray


class _Names(dict[bytes, int]):
    """By the bytes that name a quantity, which one it is; below 0 where it is none that is kept."""

    def __init__(self, tags: dict[str, int]) -> None:
        super().__init__()
        self.tags = tags

    def __missing__(self, name: bytes) -> int:
        try:
            tag = _item(name)[0]
        except MalformedError:
            tag = ""
        room = tag in self.tags or len(self.tags) < MOST_TAGS
        number = self.tags.setdefault(tag, len(self.tags)) if room else TOO_MANY
        self[name] = number if tag and tag != RUNTIME else IGNORED
        return self[name]


@dataclass
class _History:
    """What was logged, a row for each call, while it is collected.

    Attributes:
        rows: How many there are; a record of another kind is an empty one.
        counted: The step that W&B gave each of them, batch by batch.
        tags: Each quantity, in the order of its first row.
        names: By the bytes that name a quantity, which one it is.
        pieces: By tag: its numbers, batch by batch.
        refused: Points of tags beyond the limit.
    """

    rows: int = 0
    counted: list[FloatArray] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)
    names: _Names = field(init=False)
    pieces: dict[str, list[_Column]] = field(default_factory=dict)
    refused: int = 0

    def __post_init__(self) -> None:
        self.names = _Names(self.tags)

    def columns(self) -> dict[str, _Column]:
        """Every quantity; objects have been parted into quantities of their own."""
        found = {}
        for tag, pieces in self.pieces.items():
            rows, values = (np.concatenate([getattr(p, name) for p in pieces]) for name in ("rows", "values"))
            order = np.argsort(rows, kind="stable")
            found[tag] = _Column(rows[order], values[order])
        return found

    def steps(self) -> FloatArray:
        """The step that W&B gave each row, (rows,); a quantity `_step` in it says the same, and wins."""
        return np.concatenate([np.empty(0), *self.counted])

    def take(self, records: list[bytes]) -> list[int]:
        """Part rows into quantities, bring the numbers of each together; return which records are no row."""
        content = b"".join([PADDING, *records, PADDING])
        lengths = np.fromiter(map(len, records), np.int64, len(records))
        ends = len(PADDING) + np.cumsum(lengths)
        begins, is_row = _rows(content, ends - lengths, ends)
        items, whole = _items(content, begins, ends)
        numbers = self._numbers(content, items)
        counted = np.zeros(len(records))
        is_counted = ~is_row
        is_counted[items.rows[numbers == self.tags.get(STEP_NAME, TOO_MANY)]] = True
        for row in np.flatnonzero(~is_counted).tolist():
            counted[row] = _step(records[row])
        self.counted.append(counted)
        self._keep_all(content, items, numbers)
        for row in np.flatnonzero(~whole).tolist():
            self._by_fields(self.rows + row, content[begins[row] : ends[row]])
        self.rows += len(records)
        return np.flatnonzero(~is_row).tolist()

    def _numbers(self, content: bytes, items: "_Items") -> IntArray:
        """Which quantity each item is of, (n,); at once in rows that have the same names in one order."""
        numbers = np.empty(len(items.rows), dtype=np.int64)
        firsts = np.flatnonzero(np.diff(items.rows, prepend=-1))
        counts = np.diff(firsts, append=len(numbers))
        for count in np.unique(counts).tolist():
            rows = firsts[counts == count][:, None] + np.arange(count)
            for _ in range(GUESSES):
                if len(rows):
                    same = items.alike(content, rows)
                    numbers[rows[same]] = self._looked_up(content, items, rows[0])
                    rows = rows[~same]
            numbers[rows] = self._looked_up(content, items, rows.ravel()).reshape(rows.shape)
        self.refused += int(np.count_nonzero(numbers == TOO_MANY))
        if len(self.names) > 2 * MOST_TAGS:
            self.names.clear()
        return numbers

    def _looked_up(self, content: bytes, items: "_Items", which: IntArray) -> IntArray:
        spans = zip(items.starts[which].tolist(), items.marks[which].tolist(), strict=True)
        return np.fromiter((self.names[content[at:stop]] for at, stop in spans), np.int64, len(which))

    def _keep_all(self, content: bytes, items: "_Items", numbers: IntArray) -> None:
        """Read the JSON of all items; what is no number may hold some."""
        values, others = decimals(content, items.begins, items.stops)
        known, of = list(self.tags), numbers.copy()
        of[others] = IGNORED
        order = np.argsort(of.astype(np.int16), kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(of[order])) + 1):
            if len(group) and of[group[0]] >= 0:
                column = _Column(self.rows + items.rows[group], values[group])
                self.pieces.setdefault(known[of[group[0]]], []).append(column)
        for at in others[numbers[others] >= 0].tolist():
            text = content[items.begins[at] : items.stops[at]]
            self._keep(known[numbers[at]], self.rows + int(items.rows[at]), text)

    def _by_fields(self, row: int, content: bytes) -> None:
        """Keep a row that has a long name or value, or one in other letters than ASCII."""
        with suppress(MalformedError):
            for part in _messages(content, 1):
                tag, value = _item(part)
                if tag in self.tags or len(self.tags) < MOST_TAGS:
                    self.tags.setdefault(tag, len(self.tags))
                    self._keep(tag, row, value)
                else:
                    self.refused += 1

    def _keep(self, tag: str, row: int, text: bytes) -> None:
        """Keep what one JSON text holds: a number, or some by name."""
        for key, value in _values(tag, text):
            if key in self.pieces or len(self.pieces) < MOST_TAGS:
                self.pieces.setdefault(key, []).append(_Column(np.array([row]), np.array([value])))


@dataclass(frozen=True)
class _Items:
    """Where the quantities of many rows lie in their bytes, (n,) each."""

    rows: IntArray
    starts: IntArray  # of the name
    marks: IntArray  # that end the name; after two bytes and the length of the value it begins
    stops: IntArray  # of the value

    @property
    def begins(self) -> IntArray:
        """Of the values."""
        return self.marks + len(BEFORE_VALUE) + 1

    def only(self, which: NDArray[np.bool_]) -> "_Items":
        return _Items(self.rows[which], self.starts[which], self.marks[which], self.stops[which])

    def alike(self, content: bytes, rows: IntArray) -> NDArray[np.bool_]:
        """Which rows of items, (n, k), have the names of the first row in its order, (n,)."""
        starts = self.starts[rows]
        lengths = self.marks[rows] - starts
        same: NDArray[np.bool_] = (lengths == lengths[0]).all(axis=1)
        starts, text, found = starts[same], words(content), np.ones(int(same.sum()), dtype=np.bool_)
        for passed in range(0, int(lengths[0].max()), WORD):
            columns = np.flatnonzero(lengths[0] > passed)
            visible = FIRST_BYTES[np.minimum(lengths[0, columns] - passed, WORD)]
            names = text[starts[:, columns] + passed] & visible
            found &= (names == names[0]).all(axis=1)
        same[same] = found
        return same


def _rows(content: bytes, begins: IntArray, ends: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """Where the history begins in records that hold a number and it; where others end; which are which."""
    data = np.frombuffer(content, dtype=np.uint8)
    at = begins.copy()
    is_row = np.ones(len(at), dtype=np.bool_)
    for mark in NUMBERED_HISTORY[0], NUMBERED_HISTORY[2]:
        is_row &= data[at] == mark
        at += 1
        for _ in range(10):
            at += data[at] >= 0x80
        at += 1
        is_row &= at <= ends
        at = np.where(is_row, at, 0)
    return np.where(is_row, at, ends), is_row


def _items(content: bytes, begins: IntArray, ends: IntArray) -> tuple[_Items, NDArray[np.bool_]]:
    """Find the items of rows that are made of nothing else, but for the step at their end.

    Args:
        content: The bytes of all rows, with `PADDING` around them.
        begins: Of each row, (n,).
        ends: Of each row, (n,).

    Returns:
        The items, and which rows are so, (n,).
    """
    data = np.frombuffer(content, dtype=np.uint8)
    marks = np.flatnonzero((data[:-1] == BEFORE_VALUE[0]) & (data[1:] == BEFORE_VALUE[1]))
    rows = np.repeat(np.arange(len(ends)), np.diff(np.searchsorted(marks, ends), prepend=0))
    marks = marks[: len(rows)]
    is_mark = (marks >= begins[rows]) & (marks < _steps(data, ends)[rows])
    marks, rows = marks[is_mark], rows[is_mark]
    sizes = data[marks + 2].astype(np.int64)
    stops = marks + 3 + sizes
    first = np.diff(rows, prepend=-1) > 0
    starts = np.where(first, begins[rows], np.append(0, stops)[: len(rows)])
    fits = (sizes < 128) & (stops <= ends[rows]) & (starts + 2 < marks)
    at = np.where(fits, starts, 0)
    fits &= (data[at] == ITEM) & (data[at + 1] == stops - starts - 2) & (data[at + 1] < 128)
    behind = begins.copy()
    behind[rows[fits]] = stops[fits]  # in order: the last of a row stays
    rest = ends - behind
    whole = (rest == 0) | ((rest > 1) & (data[behind] == STEP) & (data[behind + 1] == rest - 2))
    whole[rows[~fits]] = False
    return _Items(rows, starts + 2, marks, stops).only(whole[rows]), whole


def _steps(data: NDArray[np.uint8], ends: IntArray) -> IntArray:
    """Where the step at the end of each row begins, where it has several bytes that may look like a mark."""
    found = ends.copy()
    for size in range(2, LONGEST_VARINT + 1):
        at = ends - size - 3
        is_step = (data[at] == STEP) & (data[at + 1] == size + 1) & (data[at + 2] == STEP_NUMBER)
        found[is_step] = at[is_step]
    return found


def _step(row: bytes) -> int:
    """The step at the end of a row, which W&B writes without its last zero."""
    match = STEP_AT_END.search(row, max(len(row) - LONGEST_STEP, 0))
    if not match or not match[1]:
        return 0
    try:
        return varint(match[1], 0, len(match[1]))[0]
    except MalformedError:
        return 0


def _values(tag: str, text: bytes) -> Iterator[tuple[str, float]]:
    """The number that a JSON text is, or those in it, each by its name."""
    if len(text) > MOST_TEXT:
        return
    with suppress(ValueError):
        yield tag, float(text)
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not (isinstance(value, Mapping) and "_type" in value):  # a histogram, an image, a table
        yield from numbers_in({tag: value}, ".")


def _global_steps(columns: Mapping[str, _Column]) -> Iterator[str]:
    """Yield the quantity that the training itself counts its steps with, if it is in nearly every row."""
    named = {
        tag: column for tag, column in columns.items() if GLOBAL_STEP.fullmatch(tag) and len(column.rows)
    }
    if named:
        tag, counter = max(named.items(), key=lambda one: len(one[1].rows))
        others = [
            column.rows for name, column in columns.items() if name not in named and not OWN.match(name)
        ]
        logged = np.unique(np.concatenate(others)) if others else counter.rows
        shared = np.isin(logged, counter.rows)
        if len(shared) and shared.mean() >= NEARLY_ALL:
            yield tag


def _from_the_first(counter: _Column) -> _Column:
    """What counts steps, with the first it says for the rows before, such as an evaluation of the start."""
    rows, values = counter.rows, counter.values
    return _Column(np.append(0, rows), np.append(values[0], values)) if rows[0] else counter


def _axis(
    tag: str, axes: list[tuple[str, str]], columns: Mapping[str, _Column], rows: int
) -> FloatArray | None:
    """The steps of every row by the metric that counts those of a tag, NaN before its first; None without."""
    exact = [counter for name, counter in axes if name == tag]
    meant = exact or [counter for name, counter in axes if "*" in name and fnmatchcase(tag, name)]
    column = columns.get(meant[-1]) if meant else None
    if column is None or not len(column.rows) or (column.values != np.round(column.values)).any():
        return None
    latest = np.zeros(rows, dtype=np.int64)
    latest[column.rows] = np.arange(1, len(column.rows) + 1)
    counted = np.concatenate([[np.nan], column.values])
    return np.asarray(counted[np.maximum.accumulate(latest)], dtype=np.float64)
