"""How fast a scan is, how it grows, and how often its tests across runs err.

    python -m benchmarks.scan [PART ...] [--runs N] [--points N] [--development]

Each part rewrites what README.md says of it: speed, analyze, growth, jobs, validity; `paper` works out from
the tables that stand there what a million runs need. Times are of processors, over the whole tree of
processes, unless they are called wall; each measurement is a process of its own, but for those of `speed`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tbparse import SummaryReader

from benchmarks.scan import readme
from benchmarks.scan.generated import sweep, write
from spikediag import parser
from spikediag.stats.count_regression import Counted, permutation, profiled_ratio
from spikediag.sweep.scan import Search, work

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
PAIRS = 9
BAR, WANTED = 8, 15  # times tbparse


def of_process(arguments: Sequence[str], **environment: str) -> tuple[str, float]:
    """What a new Python prints, and the processor seconds that it and its children took."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    after = os.times()
    taken = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout, taken


def scanned(root: Path, jobs: int = 1, how: str = "pool", cache: Path | None = None) -> dict[str, float]:
    """Wall and processor seconds of a scan, and the memory of its first process, MB."""
    kept = str(cache or "/dev/null/none")
    printed, taken = of_process(["-c", SCAN, str(root), str(jobs), how], SPIKEDIAG_CACHE=kept)
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    found["cpu"] = taken
    return found


def speed(_: argparse.Namespace) -> str:
    """One run in one process, in turns with a loop over tbparse that only loads the data."""
    rows = ["| points x series | values a record | spikes | scan, ms | tbparse, ms | tbparse over scan |"]
    rows.append("|---:|---:|---:|---:|---:|---:|")
    found: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for points, apart in ((3_500, True), (20_000, True), (3_500, False)):
            for spikes in (0, 1, 3):
                root = Path(folder) / f"{points}_{apart}_{spikes}"
                write(root / "run", points, 7, spikes, apart=apart)
                ours, other, ratio = in_turns(root)
                found.append(ratio)
                row = (
                    f"{points:,} x 7",
                    1 if apart else 7,
                    spikes,
                    f"{ours:.0f}",
                    f"{other:.0f}",
                    f"{ratio:.1f}",
                )
                rows.append("| " + " | ".join(map(str, row)) + " |")
                print(rows[-1], flush=True)
    met, well = (sum(ratio >= bar for ratio in found) for bar in (BAR, WANTED))
    said = (
        f"{met} of {len(found)} rows reach {BAR} times, which was asked for, {well} reach {WANTED}, the aim."
    )
    return "\n".join([*rows, "", said])


def in_turns(root: Path) -> tuple[float, float, float]:
    """Medians: milliseconds of a scan, milliseconds of tbparse, and how many times longer that takes."""
    (place,) = parser.places(root)
    mine, theirs = [], []
    for _turn in range(TURNS + 1):
        mine.append(cpu(lambda: work(Search(str(root)), place)))
        theirs.append(cpu(lambda: SummaryReader(str(root / "run")).scalars))
    del mine[0], theirs[0]  # they warm up
    ratio = statistics.median(t / m for t, m in zip(theirs, mine, strict=True))
    return 1e3 * statistics.median(mine), 1e3 * statistics.median(theirs), ratio


def analyze(_: argparse.Namespace) -> str:
    """`spikediag analyze`, pictures included, in turns with a process in which tbparse only loads the run."""
    rows = ["| spikes | analyze, s | tbparse, s | analyze over tbparse | from | to |"]
    rows.append("|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for spikes in (0, 1):
            run = Path(folder) / str(spikes) / "run"
            write(run, 20_000, 7, spikes)
            mine = ["-m", "spikediag", "analyze", str(run), "--out", str(Path(folder) / "reports")]
            theirs = ["-c", f"from tbparse import SummaryReader; SummaryReader({str(run)!r}).scalars"]
            of_process(mine), of_process(theirs)  # the first ones compile and warm up
            pairs = [(of_process(mine)[1], of_process(theirs)[1]) for _ in range(PAIRS)]
            ours, other = (statistics.median(each) for each in zip(*pairs, strict=True))
            ratios = sorted(m / t for m, t in pairs)
            rows.append(
                f"| {spikes} | {ours:.2f} | {other:.2f} | {statistics.median(ratios):.2f} "
                f"| {ratios[0]:.2f} | {ratios[-1]:.2f} |"
            )
            print(rows[-1], flush=True)
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
    grown: list[tuple[float, ...]] = []
    for runs in (100, 1_000, options.runs or 10_000):
        with tempfile.TemporaryDirectory() as folder:
            root = sweep(Path(folder) / "runs", runs, 200)
            first = scanned(root, cache=Path(folder) / "cache")
            again = scanned(root, cache=Path(folder) / "cache")
        assert first["runs"] == again["runs"] == runs
        rows.append(
            f"| {runs:,} | {first['cpu']:.1f} | {1e3 * first['cpu'] / runs:.1f} | {first['peak']:.0f} "
            f"| {again['cpu']:.1f} | {1e3 * again['cpu'] / runs:.2f} |"
        )
        print(rows[-1], flush=True)
        grown.append((runs, first["cpu"], first["peak"], again["cpu"]))
    (few, *least), (many, *most) = grown[0], grown[-1]
    cost, memory, known = ((m - f) / (many - few) for m, f in zip(most, least, strict=True))
    said = (
        f"From {few:,} to {many:,} runs each more costs {1e3 * cost:.0f} ms and {1e3 * memory:.0f} kB; one "
        f"that is known {1e3 * known:.1f} ms. What the first row has beyond that is the start of a process."
    )
    return "\n".join([*rows, "", said])


def jobs(options: argparse.Namespace) -> str:
    """The same sweep by one process, two, and two workers of Dask."""
    runs, points = options.runs or 2_000, options.points or 20_000
    rows = ["| how | wall, s | CPU, s | runs a second |", "|---|---:|---:|---:|"]
    with tempfile.TemporaryDirectory() as folder:
        root = sweep(Path(folder) / "runs", runs, points)
        for name, count, how in (("1 job", 1, "pool"), ("2 jobs", 2, "pool"), ("Dask, 2 workers", 2, "dask")):
            found = scanned(root, count, how)
            assert found["runs"] == runs
            rows.append(f"| {name} | {found['wall']:.0f} | {found['cpu']:.0f} | {runs / found['wall']:.1f} |")
            print(rows[-1], flush=True)
        size = sum(file.stat().st_size for file in root.rglob("*.host.*")) / runs / 1e6
    cores = os.cpu_count()
    said = f"{runs:,} runs of {points:,} points in each of 7 series, {size:.1f} MB a run, on {cores} cores:"
    return "\n".join([said, "", *rows])


DESIGNS = {  # seeds, values of the setting, runs of each
    "3 values x 3 seeds": (3, 3, 1),
    "2 values x 3 seeds x 2 runs": (3, 2, 2),
    "4 values x 5 seeds": (5, 4, 1),
    "2 values x 30 runs, no seeds": (1, 2, 30),
    "3 values x 20 seeds": (20, 3, 1),
}
SIMULATED = 1_000


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


PARTS = {
    "speed": speed,
    "analyze": analyze,
    "growth": growth,
    "jobs": jobs,
    "paper": lambda _: readme.paper(),
    "validity": validity,
}


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
            readme.renew(name, table)


if __name__ == "__main__":
    main()
