"""Command line: `python -m sample_runs.lab train [NAME...]` trains sample runs again, byte for byte."""

import argparse
import time
from pathlib import Path

from sample_runs.lab.collection import COLLECTION

SAMPLE_RUNS = Path(__file__).resolve().parents[1]


def main() -> None:
    """Parse the command and run it."""
    parser = argparse.ArgumentParser(prog="python -m sample_runs.lab", description=__doc__)
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="train sample runs again")
    train.add_argument("names", nargs="*", metavar="NAME", help="sample runs; all if none is named")
    train.add_argument("--out", type=Path, default=SAMPLE_RUNS, help="folder for the runs")
    train.set_defaults(command=train_runs)
    arguments = parser.parse_args()
    arguments.command(arguments)


def train_runs(arguments: argparse.Namespace) -> None:
    """Train the named sample runs, or all of them."""
    known = {specimen.name: specimen for specimen in COLLECTION}
    unknown = set(arguments.names) - set(known)
    if unknown:
        raise SystemExit(f"no sample run {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in arguments.names or known:
        start = time.perf_counter()
        known[name].collect(arguments.out)
        print(f"{name:32} {time.perf_counter() - start:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
