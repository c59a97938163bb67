"""Console logs: the lines that LeRobot, openpi, the Hugging Face Trainer and Keras print.

They keep few digits, and where a library logs elsewhere too that is the better source.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from spikediag.parser.log_files import ForeignError, Log, Opened, refuse_beyond
from spikediag.parser.sources import Named, registry
from spikediag.parser.sources.csv_tables import CsvTables
from spikediag.parser.sources.trainer_state import name_of
from spikediag.parser.tables import (
    MOST_BYTES,
    PointCollector,
    columns_named,
    numbers_in,
    points_of,
    step_column,
)
from spikediag.text import Text, say

NUMBER = r"[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|nan|inf)"
LINE_ENDS = re.compile("[\r\b]+")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours, and moves of the cursor
ROUNDED = say("a console log keeps few digits; give its file to read it")
LONGEST = 2000  # characters of a line
LEROBOT = re.compile(rf"\bstep:(\d[\d.]*)([KMB]?) smpl:\S+ ep:\S+ (.*\bloss:{NUMBER}.*)")
LEROBOT_PAIR = re.compile(rf"\b([a-z_]+):({NUMBER})(?=\s|$)")
LEROBOT_NAMES = {
    "loss": "train/loss",
    "grdn": "train/grad_norm",
    "lr": "train/lr",
    "epch": "train/epochs",
    "updt_s": "train/update_s",
    "data_s": "train/dataloading_s",
}
SIZES = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9}
OPENPI = re.compile(rf"\bStep (\d{{1,15}}): ((?:\w+={NUMBER}(?:, )?)+)")
OPENPI_PAIR = re.compile(rf"(\w+)=({NUMBER})")
TRAINER = re.compile(r"\{'(?:loss|eval_loss|train_loss|eval_runtime)': [^{}]*\}")
TRAINER_BAR = re.compile(r"\b(\d{1,15})/(\d{1,15}) \[\d")
KERAS_EPOCH = re.compile(r"Epoch (\d{1,9})/\d+")
KERAS_BAR = re.compile(r"(\d{1,15})/\1 ")
KERAS_PAIR = re.compile(rf" - (\w+): ({NUMBER})")
FEWEST = 3  # lines; fewer are no training


@registry.register
@dataclass(frozen=True)
class Console(Named):
    """`train.log`, `nohup.out` and the like: each a run where nothing else is.

    Names are those that the library gives its other logs. LeRobot rounds its steps to thousands: they are
    counted from the first, and a log whose rounded steps disagree is not read. The Trainer prints no step:
    its lines are counted.
    """

    id: str = "console"
    name: str = (
        r".+\.(log|out|err)|(.*[._-])?(log|stdout|stderr|out|output|console|train|nohup)([._-].*)?\.txt"
    )
    alone: bool = True
    beside: Text = ROUNDED

    def read(self, file: Opened) -> Iterator[Log]:
        """Read the lines of the library that printed most, else the table or the JSON objects that it is.

        Raises:
            ForeignError: no library that is known printed it.
            UnusableLogError: it is too large.
        """
        refuse_beyond(MOST_BYTES, file.size)
        text = LINE_ENDS.sub("\n", ESCAPES.sub("", file.text.decode("utf-8", "replace")))
        lines = [line for line in text.split("\n") if len(line) <= LONGEST]
        found = [
            PointCollector(),
            *(_collected(reader, lines) for reader in (_lerobot, _openpi, _trainer, _keras)),
        ]
        best = max(found, key=_size)
        if _size(best) >= FEWEST:
            yield Log(best.tracks, tuple(best.gaps), rounding=ROUNDING)
        else:
            yield from table_or_objects(file)


ROUNDING = 5e-3  # of three digits

Row = tuple[float, list[tuple[str, float]]]


def table_or_objects(file: Opened) -> Iterator[Log]:
    """Read text that is a table, or whose lines end with JSON objects.

    Raises:
        ForeignError: it is neither.
    """
    if step_column(columns_named(file)):
        yield from CsvTables().read(file)
        return
    records = [*_objects(file.text.decode("utf-8", "replace").splitlines())]
    if len(records) < FEWEST:
        raise ForeignError(say("no library that is known printed its numbers"))
    points, notes = points_of(records)
    yield Log(points.tracks, tuple(points.gaps), notes=notes)


def _objects(lines: list[str]) -> Iterator[dict[str, object]]:
    for line in lines:
        try:
            found = json.loads(line[line.index("{") :])
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _collected(reader: Callable[[list[str]], Iterator[Row]], lines: list[str]) -> PointCollector:
    points = PointCollector()
    for step, values in reader(lines):
        points.add(step, float("nan"), values)
    return points


def _size(points: PointCollector) -> int:
    return max((len(steps) for steps, _, _ in points.found.values()), default=0)


def _pairs(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, float]]:
    for key, value in pattern.findall(text):
        try:
            yield key, float(value)
        except ValueError:
            continue


def _lerobot(lines: list[str]) -> Iterator[Row]:
    """LeRobot: a line each `log_freq` steps; from a thousand on, the step is rounded."""
    rows = [match for line in lines if (match := LEROBOT.search(line))]
    if not rows:
        return
    every = float(rows[0][1].rstrip(".")) * SIZES[rows[0][2]]
    for row, match in enumerate(rows, 1):
        shown, size = float(match[1].rstrip(".")) * SIZES[match[2]], SIZES[match[2]]
        if abs(shown - row * every) > size / 2:
            return
        named = [(LEROBOT_NAMES[k], v) for k, v in _pairs(LEROBOT_PAIR, match[3]) if k in LEROBOT_NAMES]
        yield row * every, named


def _openpi(lines: list[str]) -> Iterator[Row]:
    for line in lines:
        if match := OPENPI.search(line):
            yield float(match[1]), list(_pairs(OPENPI_PAIR, match[2]))


def _trainer(lines: list[str]) -> Iterator[Row]:
    """The Trainer: a dictionary of Python each time it logs; what it evaluates is of the line before.

    It prints no step, but draws the bar of its steps anew below each line; without bars lines are counted.
    """
    total = max((match[2] for line in lines for match in TRAINER_BAR.finditer(line)), key=int, default="")
    rows: list[dict[str, float]] = []
    shown: dict[int, float] = {}  # by row
    for line in lines:
        if record := _record(line):
            rows.append(record)
        elif rows and (bar := TRAINER_BAR.search(line)) and bar[2] == total:
            shown.setdefault(len(rows) - 1, float(bar[1]))
    logged = [place for place, record in enumerate(rows) if "loss" in record]
    told = [shown.get(place, -1.0) for place in logged]
    steps = dict(zip(logged, told if told == sorted({*told} - {-1.0}) else count(1.0), strict=False))
    step = 0.0
    for place, record in enumerate(rows):
        step = steps.get(place, step)
        yield step, [(name_of(key), value) for key, value in record.items()]


def _record(line: str) -> dict[str, float]:
    match = TRAINER.search(line)
    try:
        return dict(numbers_in(ast.literal_eval(match[0]))) if match else {}
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return {}


def _keras(lines: list[str]) -> Iterator[Row]:
    """Keras: a bar for each epoch, whose last state counts; epochs begin at 0, as in its event files."""
    epoch, last = None, ""
    for line in [*lines, "Epoch 0/0"]:
        if match := KERAS_EPOCH.fullmatch(line.strip()):
            if epoch is not None and last:
                yield epoch - 1.0, [(_keras_name(k), v) for k, v in _pairs(KERAS_PAIR, last)]
            epoch, last = int(match[1]), ""
        elif epoch is not None and KERAS_BAR.match(line.strip()):
            last = line


def _keras_name(key: str) -> str:
    held_out = key.startswith("val_")
    return f"{'validation' if held_out else 'train'}/epoch_{key.removeprefix('val_')}"
