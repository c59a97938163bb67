"""Any Parquet table with a column that counts steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from spikediag.parser.log_files import ForeignError, Log, Opened, UnusableLogError
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import MOST_BYTES, Column, counted, may_count, points_in
from spikediag.text import say


@registry.register
@dataclass(frozen=True)
class ParquetTables(Named):
    """`*.parquet`: each a run of its own, unless a training nearby is logged better. It needs pyarrow."""

    id: str = "parquet_tables"
    name: str = r".+\.parquet"
    alone: bool = True

    def read(self, file: Opened) -> Iterator[Log]:
        """Read the columns of numbers.

        Raises:
            ForeignError: nothing counts steps.
            UnusableLogError: it is no such table, too large, or pyarrow is missing.
        """
        try:
            from pyarrow import ArrowException, parquet  # noqa: PLC0415  # an extra
        except ModuleNotFoundError as error:
            raise UnusableLogError(say("Parquet needs `pip install 'spikediag[parquet]'`")) from error
        except ImportError as error:  # one that does not suit its own dependencies
            raise UnusableLogError(say("pyarrow cannot be used: {why}", why=str(error))) from error
        try:
            whole = parquet.ParquetFile(BytesIO(file.content))
            if not may_count(whole.schema_arrow.names):
                raise ForeignError(say("it has no column step"))
            if whole.metadata.num_rows * whole.metadata.num_columns * 8 > MOST_BYTES:
                raise UnusableLogError(say("its table is larger than {size} MB", size=MOST_BYTES >> 20))
            table = whole.read()
        except (ArrowException, OSError, ValueError) as error:
            raise UnusableLogError(say("it is cut, or no Parquet table")) from error
        columns = {name: found for name in table.column_names if (found := _column(table.column(name)))}
        count = counted(columns)
        points, lost = points_in(columns, count)
        yield Log(points, tuple(lost), notes=count.notes, unit=count.unit)


def _column(column: Any) -> Column | None:  # noqa: ANN401  # pyarrow has no types
    from pyarrow import types  # noqa: PLC0415

    kind = column.type
    if not (types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind)):
        return None
    there = ~column.is_null().to_numpy()  # a NaN is no null
    return Column(np.asarray(column.to_numpy(), dtype=np.float64), there)
