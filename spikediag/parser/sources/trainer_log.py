"""`trainer_log.jsonl` of LLaMA-Factory: `train/callbacks.py`."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.parser.log_files import Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.sources.trainer_state import name_of
from spikediag.parser.tables import PointCollector, json_lines

STEP = "current_steps"
COUNTERS = frozenset({"total_steps", "percentage", "throughput", "total_tokens"})
RENAMED = {"lr": "learning_rate"}


@registry.register
@dataclass(frozen=True)
class TrainerLog(Named):
    """`trainer_log.jsonl`: an object a line, under the names of the Trainer that LLaMA-Factory drives."""

    id: str = "trainer_log"
    name: str = r"trainer_log\.jsonl"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read it line by line.

        Raises:
            UnusableLogError: no line is an object.
        """
        records, gaps = json_lines(file.text)
        points = PointCollector()
        for record in records:
            told = {key: value for key, value in record.items() if key not in COUNTERS}
            points.add_record(told, STEP, lambda key: name_of(RENAMED.get(key, key)))
        yield Log(points.tracks, (*gaps, *points.gaps))
