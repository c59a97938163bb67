"""`logs/log.txt` of robomimic: what `scripts/train.py` prints."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from spikediag.parser.log_files import Gap, Log, Opened, refuse_beyond, told_gaps
from spikediag.parser.sources import Named, registry
from spikediag.parser.sources.console import table_or_objects
from spikediag.parser.tables import MOST_BYTES, PointCollector, numbers_in
from spikediag.text import say

HEADING = re.compile(
    rb"^(?:(Train|Validation) Epoch (\d{1,15})"
    rb"|Epoch (\d{1,15}) Rollouts took [^\n]*\n{1,9}Env: ([^\r\n]{1,200}))\r?\n"
    rb"[ \t\r\n]{0,9}(\{[ \t]*\r?\n)",
    re.MULTILINE,
)
END = re.compile(rb"^\}[ \t]*\r?$", re.MULTILINE)
TIMED = "Time_"


@registry.register
@dataclass(frozen=True)
class Robomimic(Named):
    """`log.txt`: the standard output, in which each epoch is a heading and a JSON object.

    Its names are those of robomimic's event files: `Train/Loss`, `Valid/Loss`, `Rollout/Return/Lift`. Other
    libraries write a table or an object a line under that name: DETR, MAE.
    """

    id: str = "robomimic"
    name: str = r"log\.txt"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read every epoch.

        Raises:
            ForeignError: another program printed it, and no table.
            UnusableLogError: it is too large.
        """
        refuse_beyond(MOST_BYTES, file.size)
        points, gaps = PointCollector(), []
        headings = HEADING.finditer(file.content)
        begun = next(headings, None)
        while match := begun:
            begun = next(headings, None)
            stop = begun.start() if begun else len(file.content)
            end = END.search(file.content, match.end(), stop)
            stop = end.end() if end else stop
            try:
                record = json.loads(file.content[match.start(5) : stop])
            except (ValueError, RecursionError):
                gaps.append(Gap(match.start(), stop - match.start(), say("the numbers of an epoch are cut")))
                continue
            split, epoch, tested, env = (
                text.decode("utf-8", "replace") if text else "" for text in match.groups()[:4]
            )
            points.add(float(epoch or tested), float("nan"), _named(split, env, record))
        if points.found:
            yield Log(points.tracks, (*told_gaps(gaps), *points.gaps))
        else:
            yield from table_or_objects(file)


def _named(split: str, env: str, record: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    group = {"Train": "Train", "Validation": "Valid"}.get(split)
    for key, value in numbers_in(record):
        if group is None:
            yield f"Rollout/{key}/{env}", value
        elif key.startswith(TIMED):
            yield f"Timing_Stats/{group}_{key.removeprefix(TIMED)}", value
        else:
            yield f"{group}/{key}", value
