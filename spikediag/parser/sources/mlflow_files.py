"""MLflow's files, `mlruns/<experiment>/<run>/`: `store/tracking/file_store.py`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from spikediag.parser.log_files import (
    MOST_TAGS,
    ForeignError,
    Gap,
    Log,
    Opened,
    Summaries,
    content,
    told_gaps,
)
from spikediag.parser.sources import NOTHING, registry
from spikediag.parser.sources.mlflow_database import points_of
from spikediag.text import Text, say

META, METRICS, PARAMS = "meta.yaml", "metrics", "params"
ABOUT = re.compile(r"^(lifecycle_stage|run_name): *['\"]?([^\r\n]{1,250}?)['\"]? *$", re.MULTILINE)
LONGEST_PARAM = 1 << 13  # bytes; MLflow allows 6,000 characters


@registry.register
@dataclass(frozen=True)
class MlflowFiles:
    """`meta.yaml` beside a folder `metrics`, in which each metric has a file of clock, value and step."""

    id: str = "mlflow_files"
    alone: bool = False
    beside: Text = NOTHING

    def knows(self, path: Path) -> bool:
        """Whether it is the `meta.yaml` of a run; experiments have one too."""
        return path.name == META and (path.parent / METRICS).is_dir()

    def home(self, path: Path) -> Path:
        """The folder of the run."""
        return path.parent

    def read(self, file: Opened) -> Iterator[Log]:
        """Read every metric and parameter of the run.

        Raises:
            ForeignError: nothing was logged, or it was deleted.
        """
        gaps: list[Gap] = []
        folder = file.path.parent
        about = dict(ABOUT.findall(file.text.decode("utf-8", "replace")))
        if about.get("lifecycle_stage") == "deleted":
            raise ForeignError(say("it was deleted in MLflow"))
        points = points_of(
            record for path in _files(folder / METRICS) for record in _records(folder, path, gaps)
        )
        if not points.found:
            raise ForeignError(say("it belongs to a run without a metric"))
        said = partial(Summaries, hparams=_params(folder / PARAMS))
        yield Log(
            points.tracks,
            (*told_gaps(gaps), *points.gaps),
            speaks=True,
            summaries=said,
            name=about.get("run_name", ""),
        )


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in islice(folder.rglob("*"), MOST_TAGS) if path.is_file())


def _records(folder: Path, path: Path, gaps: list[Gap]) -> Iterator[tuple[object, ...]]:
    """Yield key, value, clock, step and False of every line."""
    key = path.relative_to(folder / METRICS).as_posix()
    for row, line in enumerate(content(path).split(b"\n"), 1):
        try:
            clock, value, step = line.split()
            yield key, float(value), float(clock), float(step), False
        except ValueError:
            if line.strip():
                gaps.append(
                    Gap(
                        0,
                        len(line),
                        say("{folder}/{key}: line {row} is no metric", folder=METRICS, key=key, row=row),
                    )
                )


def _params(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in _files(folder) if folder.is_dir() else ():
        text = content(path)[:LONGEST_PARAM].decode("utf-8", "replace")
        found[path.relative_to(folder).as_posix()] = text
    return found
