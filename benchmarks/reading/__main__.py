"""How fast event files are read, against every reader that a Python user has (Linux).

    python -m benchmarks.reading [--quick]

Rewrites the table of README.md. Fast readers are timed several times, in turns with `spikediag`, and a ratio
is the median of the ratios of the turns: a busy machine slows both.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reading.cases import CASES, write
from benchmarks.reading.readers import READERS, spikediag

README = Path(__file__).parent / "README.md"
TURNS = 3  # of each pair
SLOW = 5.0  # seconds; a slower reader has fewer turns
MEMORY = """
import re, sys
from pathlib import Path
from spikediag.parser import read_run
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
run = read_run(sys.argv[1])
print(peak() - before)
"""


@dataclass(frozen=True)
class Row:
    case: str
    megabytes: float
    points: int
    seconds: float  # of spikediag, median
    memory: float  # times the file
    ratios: dict[str, float]  # by reader: its time over spikediag's


def measure(case: str, path: Path, turns: int) -> Row:
    spikediag(path)  # warm: imports, tables, the page cache
    own, points, ratios = [], 0, {}
    for name, read in READERS.items():
        found = []
        for _ in range(turns):
            mine, points = spikediag(path)
            theirs, count = read(path)
            assert count in (None, points), f"{name} found {count} points, not {points}"
            own.append(mine)
            found.append(theirs / mine)
            if theirs > SLOW and len(found) >= 2:
                break
        ratios[name] = statistics.median(found)
    size = path.stat().st_size
    return Row(case, size / 1e6, points or 0, statistics.median(own), peak(path) / size, ratios)


def peak(path: Path) -> float:
    """Bytes by which reading a file raises the resident memory of a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
    )
    return float(done.stdout) * 1024


def table(rows: list[Row]) -> str:
    names = list(READERS)
    lines = [
        "| file | MB | points | `read_run` | memory / file | " + " | ".join(names) + " |",
        "|---|---:|---:|---:|---:|" + "---:|" * len(names),
    ]
    for row in rows:
        ratios = " | ".join(f"{row.ratios[name]:.1f} x" for name in names)
        own = f"{row.seconds:.2f} s | {row.memory:.1f}"
        lines.append(f"| {row.case} | {row.megabytes:.0f} | {row.points:,} | {own} | {ratios} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading")
    parser.add_argument("--quick", action="store_true", help="one turn each")
    turns = 1 if parser.parse_args().quick else TURNS
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for k, case in enumerate(CASES):
            path = write(case, Path(folder) / str(k))
            rows.append(measure(case, path, turns))
            print(table(rows[-1:]), flush=True)
            path.unlink()
    before, _, rest = README.read_text("utf-8").partition("<!-- table -->\n")
    _, _, after = rest.partition("<!-- /table -->")
    README.write_text(f"{before}<!-- table -->\n{table(rows)}\n<!-- /table -->{after}", "utf-8")


if __name__ == "__main__":
    main()
