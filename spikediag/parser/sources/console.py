"""Console logs: the lines that LeRobot, openpi, the Hugging Face Trainer and Keras print.

They keep few digits, and where a library logs elsewhere too that is the better source.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spikediag.parser.log_files import ForeignError, Log, Opened, refuse_beyond
from spikediag.parser.sources import Named, registry
from spikediag.parser.sources.trainer_state import name_of
from spikediag.parser.tables import MOST_BYTES, PointCollector, numbers_in
from spikediag.text import Text, say

NUMBER = r"[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|nan|inf)"
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
    name: str = r"(.*[._-])?(log|stdout|stderr|out|output|console|train|nohup)([._-].*)?\.(log|txt|out)"
    alone: bool = True
    beside: Text = ROUNDED

    def read(self, file: Opened) -> Iterator[Log]:
        """Read the lines of the library that printed most.

        Raises:
            ForeignError: no library that is known printed it.
            UnusableLogError: it is too large.
        """
        refuse_beyond(MOST_BYTES, file.size)
        text = ESCAPES.sub("", file.text.decode("utf-8", "replace")).replace("\r", "\n")
        lines = [line for line in text.split("\n") if len(line) <= LONGEST]
        found = [
            PointCollector(),
            *(_collected(reader, lines) for reader in (_lerobot, _openpi, _trainer, _keras)),
        ]
        best = max(found, key=_size)
        if _size(best) < FEWEST:
            raise ForeignError(say("no library that is known printed its numbers"))
        yield Log(best.tracks, tuple(best.gaps), rounding=ROUNDING)


ROUNDING = 5e-3  # of three digits

Row = tuple[float, list[tuple[str, float]]]


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
    for count, match in enumerate(rows, 1):
        shown, size = float(match[1].rstrip(".")) * SIZES[match[2]], SIZES[match[2]]
        if abs(shown - count * every) > size / 2:
            return
        named = [(LEROBOT_NAMES[k], v) for k, v in _pairs(LEROBOT_PAIR, match[3]) if k in LEROBOT_NAMES]
        yield count * every, named


def _openpi(lines: list[str]) -> Iterator[Row]:
    for line in lines:
        if match := OPENPI.search(line):
            yield float(match[1]), list(_pairs(OPENPI_PAIR, match[2]))


def _trainer(lines: list[str]) -> Iterator[Row]:
    """The Trainer: a dictionary of Python each time it logs; what it evaluates is of the line before."""
    count = 0
    for line in lines:
        if match := TRAINER.search(line):
            try:
                record = ast.literal_eval(match[0])
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            numbers = [(key, value) for key, value in numbers_in(_unquoted(record))]
            count += any(key == "loss" for key, _ in numbers)
            yield float(count), [(name_of(key), value) for key, value in numbers]


def _unquoted(record: dict[str, object]) -> dict[str, object]:
    """Numbers that newer versions print as text."""
    found: dict[str, object] = {}
    for key, value in record.items():
        try:
            found[str(key)] = float(value) if isinstance(value, str) else value
        except ValueError:
            continue
    return found


def _keras(lines: list[str]) -> Iterator[Row]:
    """Keras: a bar for each epoch, whose last state counts; epochs begin at 0, as in its event files."""
    epoch, last = None, ""
    for line in [*lines, "Epoch 0/0"]:
        if match := KERAS_EPOCH.fullmatch(line.strip()):
            if epoch is not None and last:
                yield epoch - 1.0, [(_keras_name(k), v) for k, v in _pairs(KERAS_PAIR, last)]
            epoch, last = int(match[1]), ""
        elif epoch is not None and KERAS_BAR.match(line.replace("\b", "").strip()):
            last = line


def _keras_name(key: str) -> str:
    held_out = key.startswith("val_")
    return f"{'validation' if held_out else 'train'}/epoch_{key.removeprefix('val_')}"
