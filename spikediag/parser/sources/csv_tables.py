"""Any CSV with a column that counts steps, exports of W&B and of TensorBoard among them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spikediag.parser.log_files import ForeignError, Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import Column, columns_named, counted, points_in, read_csv, step_column
from spikediag.text import say

PANEL = " - "  # between the name of a run and that of a quantity, in what W&B exports from a panel
BOUNDS = ("__MIN", "__MAX")  # columns that W&B adds
TENSORBOARD = {"Wall time", "Step", "Value"}
TAG = re.compile(r"(?:.*-)?tag-(.+)")


@registry.register
@dataclass(frozen=True)
class CsvTables(Named):
    """`*.csv` and `*.tsv`: each a run of its own, unless a training nearby is logged better.

    Below a folder only tables with a loss are runs. What W&B exports from a panel may hold several runs.
    """

    id: str = "csv_tables"
    name: str = r".+\.(csv|tsv)"
    alone: bool = True

    def read(self, file: Opened) -> Iterator[Log]:
        """Read the table, run by run.

        Raises:
            ForeignError: nothing counts steps.
            UnusableLogError: it has no row, or is no table.
        """
        if step_column(columns_named(file)) is None:
            raise ForeignError(say("it has no column step"))
        columns, gaps = read_csv(file)
        count = counted(columns)
        for run, part in _runs(columns, count.column).items():
            points, lost = points_in(part, count, _tags(part, file.path))
            yield Log(points, (*gaps, *lost), run, notes=count.notes)


def _runs(columns: Mapping[str, Column], step: str) -> dict[str, dict[str, Column]]:
    """Part the columns by the run in front of their names; without one they are of the file itself."""
    quantities = [name for name in columns if name != step and not name.endswith(BOUNDS)]
    of_run = {name: name.rpartition(PANEL)[0].replace("/", "-").strip() for name in quantities}
    if not quantities or not all(of_run.values()):
        return {"": {name: columns[name] for name in (step, *quantities)}}
    alone = len(set(of_run.values())) == 1
    runs: dict[str, dict[str, Column]] = {}
    for name, run in of_run.items():
        runs.setdefault("" if alone else run, {step: columns[step]})[name] = columns[name]
    return runs


def _tags(columns: Mapping[str, Column], path: Path) -> dict[str, str]:
    match = TAG.fullmatch(path.stem)
    if columns.keys() == TENSORBOARD:
        return {"Value": match[1] if match else path.stem}
    return {name: name.rpartition(PANEL)[2] for name in columns if PANEL in name}
