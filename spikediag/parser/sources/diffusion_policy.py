"""`logs.json.txt` of Diffusion Policy: `common/json_logger.py`."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.parser.log_files import Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import PointCollector, json_lines

STEP = "global_step"


@registry.register
@dataclass(frozen=True)
class DiffusionPolicy(Named):
    """`logs.json.txt`: an object a line for every batch; the last of an epoch has the mean of the epoch."""

    id: str = "diffusion_policy"
    name: str = r"logs\.json\.txt"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read it line by line.

        Raises:
            UnusableLogError: no line is an object.
        """
        records, gaps = json_lines(file.text)
        points = PointCollector()
        for record in records:
            points.add_record(record, STEP)
        yield Log(points.tracks, (*gaps, *points.gaps))
