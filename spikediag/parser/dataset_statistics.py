"""Statistics of the actions that lie beside a run: how far each dimension reaches and varies.

LeRobot keeps them in `meta/stats.json`, openpi in `norm_stats.json`, Octo and OpenVLA in
`dataset_statistics.json`; robomimic works out a count, a sum of squares and rows of one line each, which its
users write to `action_stats.json`; a small `action_stats.csv` with a row for each dimension is read too.
They are looked for in the folder of the run and up to three levels above it. Nothing but numbers is taken
from them.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from spikediag.model import ActionDimension
from spikediag.parser.facts.safe_documents import LARGEST, UnusableError, mappings_in, parse
from spikediag.parser.remote import listed, present

LEVELS = 3  # above the run
MOST_DIMENSIONS = 256
NAMES = (
    "meta/stats.json",
    "stats.json",
    "norm_stats.json",
    "dataset_statistics.json",
    "action_stats.json",
    "normalization_stats.json",
    "action_stats.csv",
)
DEEPER = ("assets/*/norm_stats.json", "assets/*/*/norm_stats.json")  # openpi keeps them with a checkpoint
ACTIONS = ("action", "actions")
LOWS, HIGHS = ("min", "q01"), ("max", "q99")  # the first that is stated


def action_dimensions(folder: Path) -> tuple[ActionDimension, ...]:
    """The action dimensions of the nearest file that states them; none where there is none.

    Args:
        folder: where the event files lie.
    """
    for level, place in enumerate((folder, *folder.parents[:LEVELS])):
        for path in statistics_files(place):
            name = "../" * level + path.relative_to(place).as_posix()
            found = tuple(_read(path, name))
            if found:
                return found
    return ()


def statistics_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that may state statistics of the actions."""
    listed(folder / "meta")
    assets = listed(folder / "assets", whole=True)
    yield from (path for name in NAMES if (path := folder / name).is_file())
    for pattern in DEEPER if assets.is_dir() else ():
        try:
            yield from sorted(path for path in folder.glob(pattern) if path.is_file())
        except OSError:
            continue


def _read(path: Path, name: str) -> Iterator[ActionDimension]:
    try:
        with present(path).open("rb") as file:
            text = file.read(LARGEST + 1).decode("utf-8", "replace")
        document = _of_table(text) if path.suffix == ".csv" else _of_actions(parse(text, ".json"))
    except (OSError, UnusableError):
        return
    columns = {key: _numbers(document[key]) for key in document if isinstance(key, str)}
    lows, highs = (next((columns[key] for key in keys if columns.get(key)), []) for keys in (LOWS, HIGHS))
    sds, means = columns.get("std") or _from_squares(document), columns.get("mean", [])
    inner = [columns.get(key, []) for key in ("q01", "q99", "q10", "q90")]
    for index in range(min(max(map(len, (lows, highs, sds))), MOST_DIMENSIONS)):
        yield ActionDimension(
            index, name, *(_at(values, index) for values in (lows, highs, sds, means, *inner))
        )


def _of_actions(document: object) -> Mapping[object, object]:
    """The part of a document that speaks of actions, at most three mappings deep."""
    every = (mapping.get(key) for mapping in mappings_in(document) for key in ACTIONS)
    return next((actions for actions in every if isinstance(actions, Mapping)), {})


def _of_table(text: str) -> Mapping[object, object]:
    rows = list(csv.DictReader(io.StringIO(text)))[:MOST_DIMENSIONS]
    names = [name for name in (rows[0] if rows else ()) if name is not None]
    return {name.strip().lower(): [_number(row.get(name)) for row in rows] for name in names}


def _from_squares(document: Mapping[object, object]) -> list[float]:
    """Standard deviations from the count and the sums of squares about the mean, as robomimic has them."""
    count = _number(document.get("n"))
    return [math.sqrt(abs(s) / count) for s in _numbers(document.get("sqdiff"))] if count > 0 else []


def _numbers(values: object) -> list[float]:
    """One row of numbers; an array of one row is one too."""
    if isinstance(values, list) and len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    return (
        [_number(value) for value in values]
        if isinstance(values, Sequence) and not isinstance(values, str)
        else []
    )


def _number(value: object) -> float:
    try:
        number = float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _at(values: Sequence[float], index: int) -> float:
    return values[index] if index < len(values) else math.nan
