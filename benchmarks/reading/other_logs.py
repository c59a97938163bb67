"""How fast other logs than event files are read, against the plainest way to read them.

    python -m benchmarks.reading.other_logs

Rewrites the second table of README.md. Both of a pair read the same bytes one after the other in one process,
in turns; times are of the processor, of all threads, and a ratio is the median of the ratios of the turns.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.reading.__main__ import README
from spikediag.parser.log_files import opened
from spikediag.parser.sources import source_of
from tests.parser.sources import wandb_files as wandb

TURNS = 9
POINTS = 200_000


@dataclass(frozen=True)
class Case:
    """A file, and what it is read with beside us."""

    what: str
    name: str
    write: Callable[[Path], None]
    other: str
    read: Callable[[Path], object]
    bar: str


def run_of_wandb(path: Path) -> None:
    tags = [f"train/m{n}" for n in range(20)]
    rows = range(POINTS // len(tags))
    path.write_bytes(
        wandb.encoded([wandb.history(k, {tag: k / (n + 3) for n, tag in enumerate(tags)}) for k in rows])
    )


def table(path: Path, rows: int = POINTS) -> None:
    rng = np.random.default_rng(0)
    columns = {f"train/m{n}": rng.normal(size=rows) for n in range(9)}
    pd.DataFrame({"step": np.arange(rows), **columns}).to_csv(path, index=False)


def sparse_table(path: Path) -> None:
    rng, rows = np.random.default_rng(0), np.arange(POINTS)
    columns = {f"m{n}": np.where(rows % 5 == n % 5, rng.normal(size=POINTS), np.nan) for n in range(8)}
    pd.DataFrame({"epoch": rows // 1000, **columns, "step": rows}).to_csv(path, index=False)


CASES = (
    Case(
        "`.wandb`, 20 quantities x 10,000 steps",
        "run-abc.wandb",
        run_of_wandb,
        "each record's fields and JSON in a loop",
        lambda path: wandb.naive(path.read_bytes()),
        "at least 10 x",
    ),
    Case(
        "CSV, 20,000 rows x 10 columns",
        "progress.csv",
        partial(table, rows=POINTS // 10),
        "`pandas.read_csv` alone",
        pd.read_csv,
        "at least 1 x",
    ),
    Case(
        "CSV, 200,000 rows x 10 columns",
        "progress.csv",
        table,
        "`pandas.read_csv` alone",
        pd.read_csv,
        "at least 1 x",
    ),
    Case(
        "the same with one cell in five filled, as Lightning leaves it",
        "metrics.csv",
        sparse_table,
        "`pandas.read_csv` alone",
        pd.read_csv,
        "at least 1 x",
    ),
)


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Of the processor, and on the wall."""
    begun, started = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - begun, time.perf_counter() - started


def row(case: Case, folder: Path) -> str:
    path = folder / case.name
    case.write(path)
    source = source_of(path)
    assert source

    def own() -> object:
        with opened(path) as file:
            return list(source.read(file)), file.sha256

    own(), case.read(path)  # warm: imports, the page cache
    turns = [(seconds(own), seconds(lambda: case.read(path))) for _ in range(TURNS)]
    ratios = sorted(theirs[0] / mine[0] for mine, theirs in turns)
    wall = statistics.median(theirs[1] / mine[1] for mine, theirs in turns)
    mine, size = statistics.median(mine for (mine, _), _ in turns), path.stat().st_size / 1e6
    return (
        f"| {case.what} | {size:.0f} | {mine:.2f} s | {case.other} | {statistics.median(ratios):.2f} x "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}) | {wall:.2f} x | {case.bar} |"
    )


def main() -> None:
    lines = [
        "| file | MB | ours | the other | its time over ours | on the wall | bar |",
        "|---|---:|---:|---|---:|---:|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        lines += [row(case, Path(folder)) for case in CASES]
    before, _, rest = README.read_text("utf-8").partition("<!-- other logs -->\n")
    _, _, after = rest.partition("<!-- /other logs -->")
    text = "\n".join(lines)
    README.write_text(f"{before}<!-- other logs -->\n{text}\n<!-- /other logs -->{after}", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
