"""Console logs: the lines that LeRobot, openpi, the Hugging Face Trainer and Keras print, and any like them.

They keep few digits, and where a library logs elsewhere too that is the better source.
"""

import ast
import json
import re
from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count as counting
from itertools import pairwise

from spikediag.parser.log_files import ForeignError, Gap, Log, Opened, refuse_beyond
from spikediag.parser.sources import Named, registry
from spikediag.parser.sources.csv_tables import CsvTables
from spikediag.parser.sources.progress import UNLOGGED
from spikediag.parser.sources.trainer_state import name_of
from spikediag.parser.tables import MOST_BYTES, PointCollector, may_count, number_in, numbers_in, points_of
from spikediag.parser.text_tables import columns_named, spaced
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
STEP = re.compile(
    r"(?<![\w.])(?<!per )(global_step|num_updates|steps(?=[:=])|step|iter|iteration)"
    r"(?:: *| *= *| +)(\d{1,15})(?![\w.])",
    re.IGNORECASE,
)
CERTAIN = ("global_step", "num_updates")  # what does not begin anew where the others do
EPOCH = re.compile(
    r"(?<![\w.])(?:epoch(?:\(train\))?|train(?=: \d+ \[))(?: *[:=] *| +)\[?(\d{1,9})(?![\w.])", re.IGNORECASE
)
OF_EPOCH = re.compile(  # a batch: of MMEngine, of timm, of the tutorials of PyTorch
    r"(?:(?:epoch|train(?=: ))(?:\(train\))?:? +\[?\d{1,9}(?:/ *\d+)?\]?[,:]? *"
    r"(?:\[|(?:step|batch|iter(?:ation)?):? *\[?)|^\[\d{1,9}, ) *(\d{1,15})(?:/ *\d+|\] )",
    re.IGNORECASE,
)
FIRST_OF_EPOCH = re.compile(r"\[(\d{1,9}), +\d{1,15}\] ")
PAIR = re.compile(
    r"(?<![\w.])((?:[A-Za-z_][\w/.@-]{0,60} ){0,3}[A-Za-z_][\w/.@-]{0,60})(?: *[:=] *| +)"
    rf"({NUMBER})(?![\w/%-]|[.,:]\d)",
    re.IGNORECASE,
)
LLM_C = re.compile(r"s:(\d{1,15}) (.+)")
BUILD_NANOGPT = re.compile(rf"(\d{{1,15}}) (train|val|hella) ({NUMBER})")
BUILD_PAIR = re.compile(rf"(train|val|hella) ({NUMBER})")
NANO_NAMES = {
    "trl": "train/loss",
    "train": "train/loss",
    "tel": "val/loss",
    "val": "val/loss",
    "eval": "hellaswag/accuracy",
    "hella": "hellaswag/accuracy",
    "lr": "lr",
    "norm": "grad_norm",
}
SB3_ROW = re.compile(rf"\| +(\w+/|[\w/]+) +\| +({NUMBER})? *\|")
SB3_STEP, SB3_STEP_END = "time/total_timesteps", "-----"
HEADING = re.compile(r"(?:Learning iteration |\[step=|\[batch=)(\d{1,15})/\d+")
BELOW = re.compile(rf"\s+(?:Train )?([A-Za-z][^:=]*?)(?:: *|=)({NUMBER})\s*", re.IGNORECASE)
COMPOSER_STEP = "time/batch"  # what the heading says begins anew with every epoch
RSL_RL_NAMES = {
    "Value function loss": "Loss/value_function",
    "Surrogate loss": "Loss/surrogate",
    "Mean value_function loss": "Loss/value_function",
    "Mean value loss": "Loss/value",
    "Mean surrogate loss": "Loss/surrogate",
    "Mean entropy loss": "Loss/entropy",
    "Mean action noise std": "Policy/mean_noise_std",
    "Mean action std": "Policy/mean_std",
    "Mean reward": "Train/mean_reward",
    "Mean episode length": "Train/mean_episode_length",
}
LOSS = re.compile("loss|nll", re.IGNORECASE)
COUNTER = re.compile(r"(?:.*[ _/.-])?(?:global_step|num_updates|steps?|iter|iteration|epoch)", re.IGNORECASE)
MOST_PLACES = 1000  # where a rounded step may belong
MOST_BACK = 3  # times that a counter goes back where no epoch says why; more are no resume
FEWEST = 3  # lines; fewer are no training
EPOCH_KEY, STEP_KEY = "epoch", "step"


@registry.register
@dataclass(frozen=True)
class Console(Named):
    """`train.log`, `nohup.out` and the like: each a run where nothing else is.

    Names are those that the library gives its other logs. LeRobot rounds its steps to thousands: they are
    counted from the first, and after a resume from where all that follows agrees; what agrees with nothing
    is not read. The Trainer prints no step: its lines are counted. llm.c, the boxes of Stable-Baselines3 and
    what rsl_rl, Composer and OLMo print below a heading have readers of their own. Other lines are read where
    they name a loss and a step, a bar or an epoch: those of nanoGPT, Megatron, torchtune, torchtitan, NeMo,
    fairseq, MMEngine, Detectron2, Lightning; one that names no step belongs to the step before it.
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
            *(_collected(reader, lines) for reader in READERS),
        ]
        best = max(found, key=_size)
        records = [] if _size(best) >= FEWEST else _records(lines)
        if _size(best) >= FEWEST:
            yield Log(best.tracks, (*best.gaps, *_unplaced(lines, best)), rounding=ROUNDING)
        elif len(records) >= FEWEST:
            points, lost, count = points_of(records)
            yield Log(points, tuple(lost), notes=count.notes, rounding=ROUNDING, unit=count.unit)
        elif any(map(LEROBOT.search, lines)):
            raise ForeignError(say("LeRobot rounds its steps; give the log from its first line on"))
        else:
            yield from table_or_objects(file)


ROUNDING = 5e-3  # of three digits

Row = tuple[float, list[tuple[str, float]]]


def table_or_objects(file: Opened) -> Iterator[Log]:
    """Read text that is a table, or whose lines end with JSON objects.

    Raises:
        ForeignError: it is neither.
    """
    if may_count(columns_named(spaced(file))):
        yield from CsvTables().read(file)
        return
    lines = file.text.decode("utf-8", "replace").splitlines()
    points = _collected(_nano, lines)
    if _size(points) >= FEWEST:
        yield Log(points.tracks, tuple(points.gaps), rounding=ROUNDING)
        return
    records = [*_objects(lines)]
    if len(records) < FEWEST:
        raise ForeignError(say("no library that is known printed its numbers"))
    tracks, lost, count = points_of(records)
    yield Log(tracks, tuple(lost), notes=count.notes, unit=count.unit)


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
    shown = [(float(match[1].rstrip(".")) * SIZES[match[2]], SIZES[match[2]]) for match in rows]
    every, at, agreeing = shown[0][0] if shown else 0.0, 0, 0
    if shown and shown[0][1] > 1 and _agreeing(shown, every, every) < len(shown):
        return
    step = every
    while every and at < len(rows) and (agreeing := _agreeing(shown[at:], step, every)):
        for row in range(agreeing):
            pairs = _pairs(LEROBOT_PAIR, rows[at + row][3])
            yield step + row * every, [(LEROBOT_NAMES[k], v) for k, v in pairs if k in LEROBOT_NAMES]
        at += agreeing
        if at < len(rows):
            step = _resumed(shown[at:], every)


def _agreeing(shown: list[tuple[float, float]], step: float, every: float) -> int:
    """How many rounded steps, the first ones, may be `step` and those after it."""
    rows = enumerate(shown)
    return next((k for k, (at, size) in rows if abs(at - step - k * every) > size / 2), len(shown))


def _resumed(shown: list[tuple[float, float]], every: float) -> float:
    """The step from which on most of the rounded ones agree; infinite where several do as well."""
    at, size = shown[0]
    first, last = -(-(at - size / 2) // every), (at + size / 2) // every
    if not last - first <= MOST_PLACES:  # or the step is infinite
        return float("inf")
    found = {k * every: _agreeing(shown, k * every, every) for k in range(int(first), int(last) + 1)}
    best = [step for step, count in found.items() if count == max(found.values())]
    return best[0] if len(best) == 1 else float("inf")


def _unplaced(lines: list[str], points: PointCollector) -> Iterator[Gap]:
    """What is missing of LeRobot's lines."""
    printed = sum(LEROBOT.search(line) is not None for line in lines)
    if lost := printed - _size(points) if LEROBOT_NAMES["epch"] in points.found else 0:
        why = say("left out: {count} lines whose rounded steps do not say where they belong", count=lost)
        yield Gap(0, 0, why)


def _records(lines: list[str]) -> list[dict[str, object]]:
    """The lines of any library that name a loss, and a step or an epoch.

    Where lines name a step, one that names none belongs to the step before it, and to the first before any.

    Raises:
        ForeignError: their steps begin anew again and again, and nothing says why.
    """
    found: list[dict[str, object]] = []
    for line in lines:
        counted = _counted(line)
        if not counted or not LOSS.search(line):
            continue
        numbers: dict[str, object] = {k: v for k, v in _pairs(PAIR, line) if not COUNTER.fullmatch(k)}
        if any(map(LOSS.search, numbers)):
            found.append(numbers | counted)
    told = [at for at, record in enumerate(found) if STEP_KEY in record]
    for place, record in enumerate(found if told else ()):
        record[STEP_KEY] = found[told[max(bisect(told, place) - 1, 0)]][STEP_KEY]
    steps = [int(str(record.get(STEP_KEY, record.get(EPOCH_KEY)))) for record in found]
    back = sum(after < before for before, after in pairwise(steps))
    if back > MOST_BACK and not all(EPOCH_KEY in record for record in found):
        raise ForeignError(say("its steps begin anew {count} times, and no epoch says why", count=back))
    return found


def _counted(line: str) -> dict[str, object]:
    """The step and the epoch that a line names."""
    named = {name.lower(): number for name, number in reversed(STEP.findall(line))}
    of_epoch, bar = OF_EPOCH.search(line), TRAINER_BAR.search(line)
    others = (*named.values(), *(match[1] for match in (of_epoch, bar) if match))
    step = next((named[name] for name in CERTAIN if name in named), next(iter(others), None))
    epoch = EPOCH.search(line) or FIRST_OF_EPOCH.match(line)
    found = {EPOCH_KEY: epoch and epoch[1], STEP_KEY: step}
    return {key: number for key, number in found.items() if number}


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
    steps = dict(zip(logged, told if told == sorted({*told} - {-1.0}) else counting(1.0), strict=False))
    step = 0.0
    for place, record in enumerate(rows):
        step = steps.get(place, step)
        yield step, [(name_of(key), value) for key, value in record.items()]


def _nano(lines: list[str]) -> Iterator[Row]:
    """llm.c and build-nanogpt: a word, a colon or a blank, and a number."""
    for line in lines:
        if match := LLM_C.fullmatch(line.strip()):
            pairs = _pairs(LEROBOT_PAIR, match[2])
            yield float(match[1]), [(NANO_NAMES[k], v) for k, v in pairs if k in NANO_NAMES]
        elif match := BUILD_NANOGPT.fullmatch(line.strip()):
            yield float(match[1]), [(NANO_NAMES[key], v) for key, v in _pairs(BUILD_PAIR, line)]


def _stable_baselines(lines: list[str]) -> Iterator[Row]:
    """Stable-Baselines3: a box for each dump, in which a group is a row above those of its quantities."""
    group, row = "", dict[str, float]()
    for line in lines:
        if line.startswith(SB3_STEP_END) and SB3_STEP in row:
            yield row[SB3_STEP], [(tag, value) for tag, value in row.items() if tag not in UNLOGGED]
            group, row = "", {}
        elif match := SB3_ROW.fullmatch(line.strip()):
            value = number_in(match[2] or "")
            group, row = (match[1], row) if value is None else (group, {**row, group + match[1]: value})


def _headed(lines: list[str]) -> Iterator[Row]:
    """rsl_rl, Composer and OLMo: a heading that names the step, and below it a line for each quantity."""
    step, row = 0.0, dict[str, float]()
    for line in [*lines, "[step=0/0"]:
        if match := HEADING.search(line):
            if any(map(LOSS.search, row)):
                yield row.pop(COMPOSER_STEP, step), list(row.items())
            step, row = float(match[1]), {}
        elif (match := BELOW.fullmatch(line)) and (value := number_in(match[2])) is not None:
            row[RSL_RL_NAMES.get(match[1], match[1])] = value


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


READERS = (_lerobot, _openpi, _trainer, _keras, _nano, _stable_baselines, _headed)
