"""Lightning's `metrics.csv`: CSVLogger, `loggers/csv_logs.py`."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.parser.log_files import Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.sources.csv_tables import CsvTables, training_table
from spikediag.parser.tables import Count, points_in
from spikediag.parser.text_tables import LongTable, columns_named, read_csv


@registry.register
@dataclass(frozen=True)
class LightningCsv(Named):
    """`metrics.csv` in `version_N`: a sparse table, whose rows hold what was logged at once.

    `version_1` that takes up the steps of `version_0` is the same training.
    """

    id: str = "lightning_csv"
    name: str = r"metrics\.csv"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read the table.

        Raises:
            ForeignError: it is no log of a training.
            UnusableLogError: it has no row, or is no table.
        """
        names = columns_named(file)
        if LongTable.of(names):
            yield from CsvTables().read(file)
            return
        if "step" not in names:
            yield from training_table(file)
            return
        columns, gaps = read_csv(file)
        points, lost = points_in(columns, Count("step", columns["step"].values))
        yield Log(points, (*gaps, *lost))
