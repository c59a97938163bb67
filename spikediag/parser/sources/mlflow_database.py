"""MLflow's SQLite database, `mlflow.db`: `store/tracking/dbmodels/models.py`."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spikediag.parser.databases import log_of_run, open_database, rows
from spikediag.parser.log_files import ForeignError, Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import PointCollector
from spikediag.text import say

LARGEST = 1.7976931348623157e308  # what MLflow writes for infinity
SYSTEM = "system/"
TABLES = frozenset({"runs", "metrics", "params"})


RUNS = "SELECT run_uuid, name FROM runs WHERE lifecycle_stage IS NOT 'deleted' ORDER BY start_time, run_uuid"
METRICS = (
    "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY timestamp, step"
)
PARAMS = "SELECT key, value FROM params WHERE run_uuid = ?"


@registry.register
@dataclass(frozen=True)
class MlflowDatabase(Named):
    """`mlflow.db`, the default of MLflow 3: each run in it that is not deleted, also while it is written."""

    id: str = "mlflow_database"
    name: str = r"mlflow.*\.(db|sqlite3?)"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read run by run.

        Raises:
            ForeignError: it is no database of MLflow.
            UnusableLogError: it cannot be opened, or is damaged.
        """
        with open_database(file.path) as database:
            if not {name for (name,) in rows(database, "SELECT name FROM sqlite_master")} >= TABLES:
                raise ForeignError(say("it is no database of MLflow"))
            for run, name in list(rows(database, RUNS)):
                points = points_of(rows(database, METRICS, run))
                yield from log_of_run(run, name, points, dict(rows(database, PARAMS, run)))


def points_of(records: Iterator[Any]) -> PointCollector:
    """The points of a run; metrics that were logged without a step, all at 0, are counted."""
    points = PointCollector()
    for key, value, milliseconds, step, is_nan in records:
        if str(key).startswith(SYSTEM) or not all(
            isinstance(n, int | float) for n in (value, milliseconds, step)
        ):
            continue
        size = math.nan if is_nan else math.copysign(math.inf, value) if abs(value) >= LARGEST else value
        points.add(float(step), milliseconds / 1000, [(str(key), float(size))])
    for steps, values, _ in points.found.values():
        if len(values) > 1 and not any(steps):
            steps[:] = range(len(values))
    return points
