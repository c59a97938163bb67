"""How fast a scan is, how it grows, and how often its tests across runs err.

    python -m benchmarks.scan [PART ...] [--runs N] [--points N] [--development]

Each part rewrites its table of README.md: speed, growth, jobs, validity. Times are of processors, over the
whole tree of processes, unless they are called wall; each measurement is a process of its own.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tbparse import SummaryReader

from benchmarks.scan.generated import sweep, write
from spikediag import parser
from spikediag.stats.count_regression import Counted, permutation, profiled_ratio
from spikediag.sweep.scan import Search, work

README = Path(__file__).parent / "README.md"
SCAN = """
import json, re, sys, time
from contextlib import nullcontext
from pathlib import Path
from spikediag import sweep
from spikediag.sweep import workers
root, jobs, dask = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "dask"
begun = time.perf_counter()
with workers.dask("local", jobs) if dask else nullcontext() as executor:
    found = sweep.scan([root], executor=executor, jobs=jobs)
    hypotheses = len(found.hypotheses)
wall = time.perf_counter() - begun
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"wall": wall, "runs": len(found.judged), "peak": peak}))
"""
TURNS = 5


def scanned(root: Path, jobs: int = 1, how: str = "pool", cache: Path | None = None) -> dict[str, float]:
    """Wall and processor seconds of a scan, and the memory of its first process, MB."""
    environment = {**os.environ, "SPIKEDIAG_CACHE": str(cache or "/dev/null/none")}
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCAN, str(root), str(jobs), how],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    after = os.times()
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    found["cpu"] = after.children_user + after.children_system - before.children_user - before.children_system
    return found


def speed(_: argparse.Namespace) -> str:
    """One run in one process, in turns with a loop over tbparse that only loads the data."""
    rows = ["| run | scan, ms | tbparse, ms | tbparse over scan |", "|---|---:|---:|---:|"]
    with tempfile.TemporaryDirectory() as folder:
        for points in (3_500, 20_000):
            for spikes in (0, 1, 3):
                root = Path(folder) / f"{points}_{spikes}"
                write(root / "run", points, 7, spikes)
                (place,) = parser.places(root)
                mine, theirs = [], []
                for _turn in range(TURNS + 1):
                    mine.append(cpu(lambda p=place, r=root: work(Search(str(r)), p)))
                    theirs.append(cpu(lambda r=root: SummaryReader(str(r / "run")).scalars))
                ratios = [t / m for t, m in zip(theirs[1:], mine[1:], strict=True)]  # the first one warms up
                ours, other = (1e3 * statistics.median(each[1:]) for each in (mine, theirs))
                name = f"{points:,} points x 7 series, {spikes} spikes"
                rows.append(f"| {name} | {ours:.0f} | {other:.0f} | {statistics.median(ratios):.1f} |")
    return "\n".join(rows)


def cpu(task: Callable[[], object]) -> float:
    begun = time.process_time()
    task()
    return time.process_time() - begun


def growth(options: argparse.Namespace) -> str:
    """From 100 to 10,000 short runs, and the same again when all are known."""
    rows = [
        "| runs | CPU, s | CPU per run, ms | peak memory, MB | again: CPU, s | per run, ms |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for runs in (100, 1_000, options.runs or 10_000):
        with tempfile.TemporaryDirectory() as folder:
            root = sweep(Path(folder) / "runs", runs, 200)
            first = scanned(root, cache=Path(folder) / "cache")
            again = scanned(root, cache=Path(folder) / "cache")
        assert first["runs"] == again["runs"] == runs
        rows.append(
            f"| {runs:,} | {first['cpu']:.0f} | {1e3 * first['cpu'] / runs:.1f} | {first['peak']:.0f} "
            f"| {again['cpu']:.1f} | {1e3 * again['cpu'] / runs:.2f} |"
        )
    return "\n".join(rows)


def jobs(options: argparse.Namespace) -> str:
    """The same sweep by one process, two, and two workers of Dask."""
    runs, points = options.runs or 200, options.points or 20_000
    rows = [
        f"{runs:,} runs of {points:,} points, 7 series each:",
        "",
        "| how | wall, s | CPU, s | runs a second |",
    ]
    rows.append("|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        root = sweep(Path(folder) / "runs", runs, points)
        for name, count, how in (("1 job", 1, "pool"), ("2 jobs", 2, "pool"), ("Dask, 2 workers", 2, "dask")):
            found = scanned(root, count, how)
            assert found["runs"] == runs
            rows.append(f"| {name} | {found['wall']:.0f} | {found['cpu']:.0f} | {runs / found['wall']:.1f} |")
            print(rows[-1], flush=True)
    return "\n".join(rows)


DESIGNS = {  # seeds, values of the setting, runs of each
    "3 values x 3 seeds": (3, 3, 1),
    "2 values x 3 seeds x 2 runs": (3, 2, 2),
    "4 values x 5 seeds": (5, 4, 1),
    "2 values x 30 runs, no seeds": (1, 2, 30),
    "3 values x 20 seeds": (20, 3, 1),
}
SIMULATED = 500


def validity(options: argparse.Namespace) -> str:
    """How often a test at 5 % and an interval of 95 % are right, in sweeps whose truth is known."""
    rows = [
        "| design | false alarms at 5 % | rate x 2 found | rate x 4 found | interval holds x 1 | holds x 4 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    random = np.random.default_rng(1 if options.development else 20_260_001)
    for name, design in DESIGNS.items():
        found = {factor: simulated(design, np.log(factor), random) for factor in (1, 2, 4)}
        cells = [found[1][0], found[2][0], found[4][0], found[1][1], found[4][1]]
        rows.append(f"| {name} | " + " | ".join(f"{100 * cell:.1f} %" for cell in cells) + " |")
        print(rows[-1], flush=True)
    return "\n".join(rows)


def simulated(design: tuple[int, int, int], slope: float, random: np.random.Generator) -> tuple[float, float]:
    """The share of sweeps in which the test says p < 5 %, and in which the interval holds the truth.

    Seeds differ by a factor of e^0.5 or so, runs by gamma noise of variance 0.25 beyond chance, and their
    lengths by a factor of about e^0.3; 6 spikes a run at the lowest value.
    """
    seeds, values, per = design
    settings = np.tile(np.repeat(np.linspace(0, 1, values), per), seeds)
    groups = np.repeat(np.arange(seeds), values * per)
    rejected = held = 0
    for _ in range(SIMULATED):
        exposures = np.exp(random.normal(0, 0.3, len(groups)))
        rates = 6 * np.exp(random.normal(0, 0.5, seeds))[groups] * np.exp(slope * settings)
        events = random.poisson(rates * exposures * random.gamma(4, 0.25, len(groups))).astype(float)
        counted = Counted(events, exposures, settings, groups)
        rejected += permutation(counted).p < 0.05
        ratio = profiled_ratio(counted)
        held += ratio.low <= np.exp(slope) <= ratio.high
    return rejected / SIMULATED, held / SIMULATED


PARTS = {"speed": speed, "growth": growth, "jobs": jobs, "validity": validity}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scan")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which; all if none is given")
    parser.add_argument("--runs", type=int, help="of the largest sweep")
    parser.add_argument("--points", type=int, help="of each run, in `jobs`")
    parser.add_argument("--development", action="store_true", help="other seeds than those of the table")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in options.parts or PARTS:
        table = PARTS[name](options)
        print(table, flush=True)
        if not options.development:
            marks = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
            README.write_text(
                marks.sub(lambda m, t=table: m[1] + t + m[2], README.read_text("utf-8")), "utf-8"
            )


if __name__ == "__main__":
    main()
