"""Any file of JSON objects with a key that counts steps: a line each, or all in one list or object."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from spikediag.parser.log_files import LATEST, ForeignError, Log, Opened, UnusableLogError
from spikediag.parser.sources import Named, registry
from spikediag.parser.sources.csv_tables import tag_in_name
from spikediag.parser.tables import DEEPEST, EARLIEST, PEEK, json_lines, may_count, points_of, step_column
from spikediag.parser.text_tables import LongTable
from spikediag.text import Text, say

DOCUMENT = ".json"
MOST_OF_DOCUMENT = 1 << 26  # bytes
LOSS = re.compile(rb"loss|nll", re.IGNORECASE)
LINES = re.compile(rb"\s*\{[^\n]*\}\s*\n\s*\{")
AXES = {"steps": "values", "x": "y"}  # of a curve
DOWNLOADED = ("wall_time", "step", "value")  # a row of what TensorBoard downloads
ITS_STEP = "step"
ROW = "epoch"  # what the places in a list count where nothing else does


@registry.register
@dataclass(frozen=True)
class JsonTables(Named):
    """`*.jsonl`, `*.ndjson`, and `*.json` named as a log: each a run, unless one nearby is logged better.

    `history.json`, `metrics.json`, `scalars.json` and the like hold an object a line, a list of objects, a
    list for each key, as what Keras returns, or curves, as what TensorBoard, Comet and ClearML download.
    """

    id: str = "json_tables"
    name: str = (
        r".+\.(jsonl|ndjson)|(.+-)?tag-.+\.json"
        r"|(.*[._-])?(logs?|history|metrics?|scalars?|results?|stats|progress|loss(es)?|curves?)([._-].*)?\.json"
    )
    alone: bool = True

    def read(self, file: Opened) -> Iterator[Log]:
        """Read it; keys of nested objects are joined by a slash.

        Raises:
            ForeignError: nothing counts steps.
        """
        start = file.text[:PEEK]  # data sets are large, and these too
        notes: tuple[Text, ...] = ()
        try:
            if file.path.suffix.lower() != DOCUMENT or LINES.match(start):
                first, _ = json_lines(start)
                if not any(map(may_count, first)):
                    raise ForeignError(say("it has no key step"))
                records, gaps = json_lines(file.text)
            else:
                (records, notes), gaps = _document(file), []
        except UnusableLogError as error:
            raise ForeignError(error.said) from error
        points, lost, count = points_of(records)
        yield Log(points, (*gaps, *lost), notes=(*notes, *count.notes), unit=count.unit)


def _document(file: Opened) -> tuple[list[dict[str, object]], tuple[Text, ...]]:
    """The records of a document that is one list or one object, and what to say.

    Raises:
        ForeignError: it holds none.
    """
    tag = tag_in_name(file.path)
    is_named = tag != file.path.stem or LOSS.search(tag.encode(errors="replace"))
    if file.size > MOST_OF_DOCUMENT or not (is_named or LOSS.search(file.text)):
        raise ForeignError(say("it is no log of a training"))
    try:
        found = json.loads(file.text)
    except (ValueError, RecursionError) as error:
        raise ForeignError(say("it is cut, or no JSON")) from error
    if curves := list(_curves(found, tag if isinstance(found, list) else "")):
        return curves, ()
    if isinstance(found, Mapping):
        tables = list(_tables(found))
        rows = max((value for table in tables for value in table.values()), key=_objects, default=[])
        if not _objects(rows):
            return _columns(max(tables, key=len, default={}))
    else:
        rows = found if isinstance(found, list) else []
    return [_widened(record) for record in rows if isinstance(record, dict)], ()


def _curves(found: object, name: str = "") -> Iterator[dict[str, object]]:
    """The points of curves that each have their own steps, as TensorBoard, Sacred and ClearML write them."""
    if isinstance(found, list):
        if found and all(map(_is_downloaded, found)):
            yield from (dict(zip((*DOWNLOADED[:-1], name), row, strict=True)) for row in found)
        for curve in found:
            if isinstance(curve, Mapping) and AXES.keys() & curve.keys():
                yield from _curves(curve, str(curve.get("name") or name))
    if not isinstance(found, Mapping):
        return
    for steps, values in AXES.items():
        x, y = found.get(steps), found.get(values)
        if name and isinstance(x, list) and isinstance(y, list) and len(x) == len(y):
            yield from ({ITS_STEP: at, name: value} for at, value in zip(x, y, strict=True))
            return
    for key, below in found.items():
        if isinstance(below, Mapping) and name.count("/") < DEEPEST:
            yield from _curves(below, f"{name}/{key}" if name else key)


def _is_downloaded(row: object) -> bool:
    """Whether a row is that of a curve of TensorBoard: when, the step, the value."""
    if not isinstance(row, list) or len(row) != len(DOWNLOADED):
        return False
    return isinstance(row[0], float) and EARLIEST < row[0] < LATEST


def _tables(found: Mapping[str, object], depth: int = 1) -> Iterator[dict[str, list[object]]]:
    """The lists in an object, and in each of those in it."""
    yield {key: value for key, value in found.items() if isinstance(value, list)}
    for below in found.values():
        if isinstance(below, Mapping) and depth < DEEPEST:
            yield from _tables(below, depth + 1)


def _objects(values: list[object]) -> int:
    return sum(isinstance(value, dict) for value in values)


def _widened(record: dict[str, object]) -> dict[str, object]:
    """A record that names its quantity in one key and its value in another, as Comet writes it."""
    long = _long(*record)
    return {long.step: record[long.step], str(record[long.quantity]): record[long.value]} if long else record


@lru_cache(maxsize=1)  # of many records that have the same keys
def _long(*names: str) -> LongTable | None:
    return LongTable.of(names)


def _columns(lists: Mapping[str, list[object]]) -> tuple[list[dict[str, object]], tuple[Text, ...]]:
    """A list for each key as a record for each place, of the longest length there is; and which were not."""
    longest = max(map(len, lists.values()), default=0)
    whole = {key: values for key, values in lists.items() if len(values) == longest}
    counted = {} if step_column(whole) else {ROW: list(range(longest))}
    names = ", ".join(key for key, values in lists.items() if values and len(values) < longest)
    said = say("left out: {names}, whose lists are shorter and have no steps of their own", names=names)
    records = [
        dict(zip((*counted, *whole), row, strict=True))
        for row in zip(*counted.values(), *whole.values(), strict=True)
    ]
    return records, (said,) if names else ()
