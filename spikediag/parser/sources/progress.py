"""`progress.csv`, `.json` and `.txt`: the loggers of Stable-Baselines3, imitation, RLlib and Spinning Up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spikediag.model import StepUnit
from spikediag.parser.log_files import Log, Opened
from spikediag.parser.sources import Named, registry
from spikediag.parser.tables import (
    Count,
    PointCollector,
    clock_column,
    json_lines,
    numbers_in,
    points_in,
    step_column,
    unit_of,
)
from spikediag.parser.text_tables import read_csv
from spikediag.parser.track import Track

STEPS = (
    "time/total_timesteps",
    "timesteps_total",
    "num_env_steps_sampled_lifetime",
    "training_iteration",
    "TotalEnvInteracts",
)
UNLOGGED = frozenset(  # what Stable-Baselines3 keeps from TensorBoard: counters of its own
    {"time/iterations", "time/time_elapsed", "time/total_timesteps", "time/episodes", "train/n_updates"}
)
RAY = "ray/tune/"  # what RLlib's own event files put before its names
RAYS_OWN = "training_iteration"


@registry.register
@dataclass(frozen=True)
class Progress(Named):
    """`progress.csv`, `progress.txt` (tables, whose header may grow), `progress.json` (an object a line).

    Steps are environment steps; imitation's behaviour cloning has none, and its rows are counted.
    """

    id: str = "progress"
    name: str = r"progress\.(csv|json|txt)"

    def read(self, file: Opened) -> Iterator[Log]:
        """Read either.

        Raises:
            UnusableLogError: it has no row, or is neither.
        """
        if file.path.suffix.lower() != ".json":
            columns, gaps = read_csv(file)
            step = _counter(columns)
            points, lost = points_in(columns, Count(step, columns[step].values) if step else None)
        else:
            records, gaps = json_lines(file.text)
            step = _counter(dict.fromkeys(key for record in records for key in record))
            collected = PointCollector()
            for row, record in enumerate(records):
                numbers = dict(numbers_in(record))
                told = numbers.get(clock_column(numbers) or "", float("nan"))
                at = numbers.pop(step, None) if step else float(row)
                if at is not None:
                    collected.add(at, told, numbers.items())
            points, lost = collected.tracks, list(collected.gaps)
        unit = unit_of(step) if step else StepUnit.LOG
        yield Log(dict(_named(points)), (*gaps, *lost), unit=unit)


def _counter(names: Iterable[str]) -> str | None:
    known = list(names)
    return next((name for name in STEPS if name in known), None) or step_column(known)


def _named(points: dict[str, Track]) -> Iterator[tuple[str, Track]]:
    """Name every series as the library's own event files do."""
    before = RAY if RAYS_OWN in points or any(tag.startswith("info/learner/") for tag in points) else ""
    yield from ((before + tag, track) for tag, track in points.items() if tag not in UNLOGGED)
