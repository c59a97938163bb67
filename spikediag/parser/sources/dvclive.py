"""DVCLive's folder: `metrics.json`, and below `plots/metrics` a table for each quantity."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from spikediag.parser.log_files import MOST_TAGS, ForeignError, Gap, Log, Opened, UnusableLogError, content
from spikediag.parser.sources import NOTHING, registry
from spikediag.parser.tables import Count, points_in
from spikediag.parser.text_tables import read_csv
from spikediag.parser.track import Track
from spikediag.text import Text, say

LATEST, TABLES, STEP = "metrics.json", ("plots", "metrics"), "step"


@registry.register
@dataclass(frozen=True)
class DvcLive:
    """`metrics.json` beside `plots/metrics`, in which `train/loss.tsv` holds the steps of `train/loss`."""

    id: str = "dvclive"
    alone: bool = False
    beside: Text = NOTHING

    def knows(self, path: Path) -> bool:
        """Whether it is the `metrics.json` of such a folder."""
        return path.name == LATEST and path.parent.joinpath(*TABLES).is_dir()

    def home(self, path: Path) -> Path:
        """The folder of the run."""
        return path.parent

    def read(self, file: Opened) -> Iterator[Log]:
        """Read the table of every quantity.

        Raises:
            ForeignError: there is none.
        """
        folder = file.path.parent.joinpath(*TABLES)
        points: dict[str, Track] = {}
        gaps: list[Gap] = []
        for path in sorted(islice(folder.rglob("*.tsv"), MOST_TAGS)):
            tag = path.relative_to(folder).with_suffix("").as_posix()
            try:
                columns, lost = read_csv(Opened.of(path, content(path)))
                some = {name: columns[name] for name in (STEP, path.stem)}
                found, left_out = points_in(some, Count(STEP, some[STEP].values), {path.stem: tag})
            except KeyError:
                gaps.append(Gap(0, 0, say("{tag}: no table of steps", tag=tag)))
            except UnusableLogError as error:
                gaps.append(Gap(0, 0, say("{tag}: {why}", tag=tag, why=error.said)))
            else:
                points |= found
                gaps += [*lost, *left_out]
        if not points:
            raise ForeignError(say("it belongs to a run without a metric"))
        yield Log(points, tuple(gaps))
