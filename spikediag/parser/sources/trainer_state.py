"""`trainer_state.json` of the Hugging Face Trainer: `trainer_callback.py`, `integration_utils.py`."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from spikediag.parser.log_files import Log, Opened, Summaries, UnusableLogError, refuse_beyond
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import MOST_BYTES, PointCollector
from spikediag.text import say

HISTORY, STEP = "log_history", "step"
CHECKPOINT = re.compile(r"checkpoint-\d+")
HELD_OUT = re.compile(r"(eval|test)_(.+)")


@registry.register
@dataclass(frozen=True)
class TrainerState(Named):
    """`trainer_state.json` in the folder of a run and in each of its checkpoints, of which the newest counts.

    Its names are those of the Trainer's event files: `loss` is `train/loss`, `eval_loss` is `eval/loss`.
    """

    id: str = "trainer_state"
    name: str = r"trainer_state\.json"

    def home(self, path: Path) -> Path:
        """The folder above a checkpoint."""
        return path.parent.parent if CHECKPOINT.fullmatch(path.parent.name) else path.parent

    def read(self, file: Opened) -> Iterator[Log]:
        """Read the history, and what the state says of the training.

        Raises:
            UnusableLogError: it is no such state, or nothing was logged yet.
        """
        refuse_beyond(MOST_BYTES, file.size)
        try:
            state = json.loads(file.content)
        except (ValueError, RecursionError) as error:
            raise UnusableLogError(
                say("it is cut, or no JSON; was the disk full? take an earlier one")
            ) from error
        history = state.get(HISTORY) if isinstance(state, dict) else None
        if not isinstance(history, list):
            raise UnusableLogError(say("it has no list {history}", history=HISTORY))
        points = collected(history)
        if not points.found:
            raise UnusableLogError(
                say("its {history} is empty; log more often, with logging_steps", history=HISTORY)
            )
        said = partial(Summaries, hparams={key: value for key, value in state.items() if key != HISTORY})
        yield Log(points.tracks, tuple(points.gaps), speaks=True, summaries=said)


def collected(history: list[object]) -> PointCollector:
    """The points of what the Trainer logged, under the names of its event files."""
    points = PointCollector()
    for record in history:
        if isinstance(record, Mapping):
            points.add_record(record, STEP, name_of)
    return points


def name_of(key: str) -> str:
    """The tag of a key of the Trainer's log."""
    match = HELD_OUT.fullmatch(key)
    return f"{match[1]}/{match[2]}" if match else f"train/{key}"
