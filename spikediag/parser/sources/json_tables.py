"""Any file of JSON objects with a key that counts steps: a line each, or all in one list or object."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from spikediag.parser.log_files import ForeignError, Log, Opened, UnusableLogError
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import DEEPEST, PEEK, json_lines, may_count, points_of, step_column
from spikediag.text import say

DOCUMENT = ".json"
MOST_OF_DOCUMENT = 1 << 26  # bytes
LOSS = re.compile(rb"loss|nll", re.IGNORECASE)
LINES = re.compile(rb"\s*\{[^\n]*\}\s*\n\s*\{")
AXES = (("steps", "values"), ("x", "y"))  # of a curve
ITS_STEP = "step"
ROW = "epoch"  # what the places in a list count where nothing else does


@registry.register
@dataclass(frozen=True)
class JsonTables(Named):
    """`*.jsonl`, `*.ndjson`, and `*.json` named as a log: each a run, unless one nearby is logged better.

    `history.json`, `metrics.json`, `scalars.json` and the like hold an object a line, a list of objects or,
    as what Keras returns, a list for each key.
    """

    id: str = "json_tables"
    name: str = (
        r".+\.(jsonl|ndjson)"
        r"|(.*[._-])?(logs?|history|metrics?|scalars?|results?|stats|progress|loss(es)?|curves?)([._-].*)?\.json"
    )
    alone: bool = True

    def read(self, file: Opened) -> Iterator[Log]:
        """Read it; keys of nested objects are joined by a slash.

        Raises:
            ForeignError: nothing counts steps.
        """
        start = file.text[:PEEK]  # data sets are large, and these too
        try:
            if file.path.suffix.lower() != DOCUMENT or LINES.match(start):
                first, _ = json_lines(start)
                if not any(map(may_count, first)):
                    raise ForeignError(say("it has no key step"))
                records, gaps = json_lines(file.text)
            else:
                records, gaps = _document(file), []
        except UnusableLogError as error:
            raise ForeignError(error.said) from error
        points, lost, count = points_of(records)
        yield Log(points, (*gaps, *lost), notes=count.notes, unit=count.unit)


def _document(file: Opened) -> list[dict[str, object]]:
    """The records of a document that is one list or one object.

    Raises:
        ForeignError: it holds none.
    """
    if file.size > MOST_OF_DOCUMENT or not LOSS.search(file.text):
        raise ForeignError(say("it is no log of a training"))
    try:
        found = json.loads(file.text)
    except (ValueError, RecursionError) as error:
        raise ForeignError(say("it is cut, or no JSON")) from error
    if isinstance(found, Mapping):
        if curves := list(_curves(found)):
            return curves
        lists = {key: value for key, value in found.items() if isinstance(value, list)}
        rows = max(lists.values(), key=_objects, default=[])
        found = rows if _objects(rows) else _columns(lists)
    return [record for record in found if isinstance(record, dict)] if isinstance(found, list) else []


def _curves(found: Mapping[str, object], name: str = "") -> Iterator[dict[str, object]]:
    """The points of curves that each have their own steps, as Sacred and ClearML write them."""
    for steps, values in AXES:
        x, y = found.get(steps), found.get(values)
        if name and isinstance(x, list) and isinstance(y, list) and len(x) == len(y):
            yield from ({ITS_STEP: at, name: value} for at, value in zip(x, y, strict=True))
            return
    for key, below in found.items():
        if isinstance(below, Mapping) and name.count("/") < DEEPEST:
            yield from _curves(below, f"{name}/{key}" if name else key)


def _objects(values: list[object]) -> int:
    return sum(isinstance(value, dict) for value in values)


def _columns(lists: Mapping[str, list[object]]) -> list[dict[str, object]]:
    """A list for each key as a record for each place; of the longest length there is."""
    longest = max(map(len, lists.values()), default=0)
    whole = {key: values for key, values in lists.items() if len(values) == longest}
    counted = {} if step_column(whole) else {ROW: list(range(longest))}
    return [
        dict(zip((*counted, *whole), row, strict=True))
        for row in zip(*counted.values(), *whole.values(), strict=True)
    ]
