"""Trackio's SQLite databases, `<project>.db`: `sqlite_storage.py`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from spikediag.parser.databases import log_of_run, open_database, rows
from spikediag.parser.log_files import ForeignError, Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import PointCollector, numbers_in
from spikediag.text import say

RUNS = "SELECT {key}, max(run_name) FROM metrics GROUP BY {key} ORDER BY min(rowid)"
METRICS = "SELECT step, timestamp, metrics FROM metrics WHERE {key} = ? ORDER BY rowid"
CONFIGS = "SELECT {key}, config FROM configs"
NEEDED = {"run_name", "step", "timestamp", "metrics"}


@registry.register
@dataclass(frozen=True)
class Trackio(Named):
    """`<project>.db` in `~/.cache/huggingface/trackio` or `TRACKIO_DIR`: every run of the project is one."""

    id: str = "trackio"
    name: str = r".+\.db"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read run by run.

        Raises:
            ForeignError: it is no database of Trackio.
            UnusableLogError: it cannot be opened, or is damaged.
        """
        with open_database(file.path) as database:
            columns = {name for _, name, *_ in rows(database, "PRAGMA table_info(metrics)")}
            if not columns >= NEEDED:
                raise ForeignError(say("it is no database of Trackio"))
            key = "run_id" if "run_id" in columns else "run_name"  # names of runs came first
            configs: dict[object, object] = {}
            if set(rows(database, "SELECT 1 FROM sqlite_master WHERE name = 'configs'")):
                configs = dict(rows(database, CONFIGS.format(key=key)))
            for run, name in list(rows(database, RUNS.format(key=key))):
                points = PointCollector()
                for step, written, metrics in rows(database, METRICS.format(key=key), run):
                    if isinstance(step, int):
                        points.add(step, _seconds(written), numbers_in(_object(metrics)))
                yield from log_of_run(run, name, points, _object(configs.get(run)))


def _seconds(written: object) -> float:
    try:
        return datetime.fromisoformat(str(written)).timestamp()
    except (ValueError, OverflowError):
        return float("nan")


def _object(text: object) -> Mapping[str, object]:
    try:
        found = json.loads(text) if isinstance(text, str | bytes) else None
    except (ValueError, RecursionError):
        return {}
    return {k: v for k, v in found.items() if not k.startswith("_")} if isinstance(found, dict) else {}
