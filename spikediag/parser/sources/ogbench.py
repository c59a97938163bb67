"""`train.csv` and `eval.csv` of OGBench: `utils/log_utils.py`, `main.py`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.parser.log_files import Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.sources.csv_tables import training_table
from spikediag.parser.tables import Count, points_in
from spikediag.parser.text_tables import columns_named, read_csv

ITS_TAGS = re.compile(r"(training|validation|evaluation)/.+")


@registry.register
@dataclass(frozen=True)
class OgBench(Named):
    """`train.csv` and `eval.csv`: tables with a column `step`, which together are one run."""

    id: str = "ogbench"
    name: str = r"(train|eval)\.csv"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read one of the tables.

        Raises:
            ForeignError: many a data set is called `train.csv`.
            UnusableLogError: it has no row, or is no table.
        """
        names = columns_named(file)
        if "step" not in names or not any(map(ITS_TAGS.fullmatch, names)):
            yield from training_table(file)
            return
        columns, gaps = read_csv(file)
        points, lost = points_in(columns, Count("step", columns["step"].values))
        yield Log(points, (*gaps, *lost))
