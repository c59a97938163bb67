"""Any CSV with a column that counts steps, exports of W&B and of TensorBoard among them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spikediag.parser.log_files import ForeignError, Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import (
    EARLIEST,
    IDLE,
    PEEK,
    Column,
    Count,
    clock_column,
    counted,
    may_count,
    points_in,
    step_columns,
)
from spikediag.parser.text_tables import LongTable, columns_named, read_csv, spaced
from spikediag.parser.track import Track
from spikediag.text import say

PANEL = " - "  # between the name of a run and that of a quantity, in what W&B exports from a panel
BOUNDS = ("__MIN", "__MAX")  # columns that W&B adds
NAMED_ELSEWHERE = {"value", "values"}  # a quantity that is called after its file
TAG = re.compile(r"(?:(.*)-)?tag-(.+)")  # in the name of what TensorBoard downloads
LOSS = re.compile(r"loss|nll", re.IGNORECASE)
SPLIT = re.compile(r"train(ing)?|val(id(ation)?)?|test|eval(uation)?", re.IGNORECASE)
HEADLESS = re.compile(rb"\d+(?:\.0)?,(\d+),[-+.\deinfa]+\r?\n")
D3RLPY, NEPTUNE = b"_index,step,value\n", b"step,timestamp,value\n"  # what its rows hold
TIMED = re.compile(r"(relative|wall) time( \(.*\))?", re.IGNORECASE)  # where W&B has a step


@registry.register
@dataclass(frozen=True)
class CsvTables(Named):
    """`*.csv`, `*.tsv`, `*.dat`, `loss.txt` and the like: each a run, unless one nearby is logged better.

    Below a folder only tables with a loss are runs. What W&B exports from a panel may hold several runs; it,
    what TensorBoard downloads and d3rlpy's tables without a header hold one quantity of a run each.
    """

    id: str = "csv_tables"
    name: str = (
        r".+\.(csv|tsv|dat)"
        r"|(.*[._-])?(history|metrics?|scalars?|results?|stats|loss(es)?|curves?)([._-].*)?\.txt"
    )
    alone: bool = True

    def read(self, file: Opened) -> Iterator[Log]:
        """Read the table, run by run.

        Raises:
            ForeignError: nothing counts steps.
            UnusableLogError: it has no row, or is no table.
        """
        table = spaced(file)
        names = columns_named(table)
        if rows := HEADLESS.match(file.beginning(PEEK)):
            table = Opened.of(file.path, (NEPTUNE if float(rows[1]) > EARLIEST else D3RLPY) + file.content)
        elif not may_count(names) and any(TIMED.fullmatch(name) for name in names):
            raise ForeignError(say("it tells rows by their time; export the panel with Step as its x axis"))
        elif not may_count(names):
            raise ForeignError(say("it has no column step"))
        elif long := LongTable.of(names):
            yield from _long(table, long)
            return
        columns, gaps = read_csv(table)
        count = counted(columns)
        runs = _runs(columns, count.column)
        for run, part in runs.items():
            points, lost = points_in(part, count, _tags(part, count.column, file.path))
            name = run or _run_in_name(file.path)
            yield Log(
                points,
                (*gaps, *lost),
                run if len(runs) > 1 else "",
                name=name,
                notes=count.notes,
                unit=count.unit,
            )


def _long(file: Opened, long: LongTable) -> Iterator[Log]:
    """Read a table with a row for each value."""
    runs, gaps = long.read(file)
    for run, quantities in runs.items():
        tracks: dict[str, Track] = {}
        missing = list(gaps)
        for part in quantities.values():
            points, lost = points_in(part, Count(long.step, part[long.step].values))
            tracks |= points
            missing += lost
        yield Log(tracks, tuple(missing), run.replace("/", "-") if len(runs) > 1 else "", name=run)


def training_table(file: Opened) -> Iterator[Log]:
    """Read a table under a name that a library uses and data sets do too.

    Raises:
        ForeignError: it logs no loss by steps.
    """
    if not any(LOSS.search(name) for name in columns_named(file)):
        raise ForeignError(say("it has no column step beside those of a training"))
    yield from CsvTables().read(file)


def _runs(columns: Mapping[str, Column], step: str) -> dict[str, dict[str, Column]]:
    """Part the columns by the run in front of their names; without one they are of the file itself."""
    quantities = [name for name in columns if name != step and not name.endswith(BOUNDS)]
    of_run = {name: name.rpartition(PANEL)[0].replace("/", "-").strip() for name in quantities}
    if not quantities or not all(of_run.values()):
        return {"": {name: columns[name] for name in (step, *quantities)}}
    runs: dict[str, dict[str, Column]] = {}
    for name, run in of_run.items():
        runs.setdefault(run, {step: columns[step]})[name] = columns[name]
    return runs


def tag_in_name(path: Path) -> str:
    """What a file of one quantity is called after."""
    match = TAG.fullmatch(path.stem)
    return match[2] if match else path.stem


def _run_in_name(path: Path) -> str:
    match = TAG.fullmatch(path.stem)
    return match[1] or "" if match else ""


def _tags(columns: Mapping[str, Column], step: str, path: Path) -> dict[str, str]:
    axes = {step, *step_columns(columns), clock_column(columns)}
    quantities = [name for name in columns if name not in axes and not IDLE.fullmatch(name)]
    if len(quantities) == 1 and quantities[0].strip().lower() in NAMED_ELSEWHERE:
        return {quantities[0]: tag_in_name(path)}
    if LOSS.search(path.stem) and all(SPLIT.fullmatch(name.strip()) for name in quantities):
        return {name: f"{path.stem}/{name.strip()}" for name in quantities}
    return {name: name.rpartition(PANEL)[2] for name in columns if PANEL in name}
