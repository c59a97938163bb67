"""Any file of JSON objects, a line each, with a key that counts steps."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.parser.log_files import ForeignError, Log, Opened, UnusableLogError
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import (
    IDLE,
    PEEK,
    PointCollector,
    clock_column,
    json_lines,
    numbers_in,
    step_column,
)
from spikediag.text import say


@registry.register
@dataclass(frozen=True)
class JsonTables(Named):
    """`*.jsonl` and `*.ndjson`: each a run of its own, unless a training nearby is logged better."""

    id: str = "json_tables"
    name: str = r".+\.(jsonl|ndjson)"
    alone: bool = True

    def read(self, file: Opened) -> Iterator[Log]:
        """Read it line by line; keys of nested objects are joined by a slash.

        Raises:
            ForeignError: nothing counts steps.
        """
        try:
            first, _ = json_lines(file.text[:PEEK])  # data sets are large, and these too
            if not any(step_column(record) for record in first):
                raise ForeignError(say("it has no key step"))
            records, gaps = json_lines(file.text)
        except UnusableLogError as error:
            raise ForeignError(error.said) from error
        step = step_column(key for record in first for key in record)
        points = PointCollector()
        for record in records:
            numbers = {key: value for key, value in numbers_in(record) if not IDLE.fullmatch(key)}
            at, told = numbers.pop(step or "", None), numbers.pop(clock_column(numbers) or "", float("nan"))
            if at is not None:
                points.add(at, told, numbers.items())
        yield Log(points.tracks, (*gaps, *points.gaps))
