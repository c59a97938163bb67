"""Command line: `python -m sample_runs.lab train [NAME...]` trains sample runs again, byte for byte."""

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

from sample_runs.lab import main_jump, randomised_study, study
from sample_runs.lab.collection import COLLECTION
from sample_runs.lab.faults import faults
from sample_runs.lab.learners.kinds import LearnerRun, learner_faults
from sample_runs.lab.sample_run import SampleRun
from sample_runs.lab.study import FILE, read
from spikediag.rates import FILE as RATES

SAMPLE_RUNS = Path(__file__).resolve().parents[1]
MAIN_JUMP = SAMPLE_RUNS / "lab" / "main_jump.csv"


def main() -> None:
    """Parse the command and run it."""
    parser = argparse.ArgumentParser(prog="python -m sample_runs.lab", description=__doc__)
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="train sample runs again")
    train.add_argument("names", nargs="*", metavar="NAME", help="sample runs; all if none is named")
    train.add_argument("--out", type=Path, default=SAMPLE_RUNS, help="folder for the runs")
    train.set_defaults(command=train_runs)
    short = commands.add_parser("faults", help="train many short runs with one injected fault each")
    short.add_argument("--out", type=Path, required=True, help="folder for the runs, outside the repository")
    short.add_argument("--seeds", type=_seeds, default=range(4), metavar="START:STOP", help="default 0:4")
    short.add_argument("--only", nargs="+", metavar="FAULT", help="the faults to train; all by default")
    short.set_defaults(command=train_faults)
    short = commands.add_parser("learners", help="the same of reinforcement learners and language models")
    short.add_argument("--out", type=Path, required=True, help="folder for the runs, outside the repository")
    short.add_argument("--seeds", type=_seeds, default=range(4), metavar="START:STOP", help="default 0:4")
    short.add_argument("--only", nargs="+", metavar="FAULT", help="the faults to train; all by default")
    short.set_defaults(command=train_learners)
    dose = commands.add_parser("study", help="measure spikes against one setting at a time, for the README")
    dose.add_argument("--seeds", type=_seeds, default=range(3), metavar="START:STOP", help="default 0:3")
    dose.add_argument("--workers", type=int, default=2, help="trainings at a time, default 2")
    dose.set_defaults(command=run_study)
    drawn = commands.add_parser(
        "randomised-study", help="draw recipes at random; train and remedy those that spike"
    )
    drawn.add_argument(
        "--out", type=Path, required=True, help="folder for the table and curves; resumed if there"
    )
    drawn.add_argument("--recipes", type=int, default=240, help="recipes to draw, default 240")
    drawn.add_argument("--jobs", type=int, default=2, help="trainings at a time, default 2")
    drawn.set_defaults(command=run_randomised_study)
    rates = commands.add_parser(
        "fit-rates", help="keep the randomised study's table and fit the rate of spikes"
    )
    rates.add_argument(
        "--out", type=Path, help="folder of the study; by default the table that is kept is fitted"
    )
    rates.set_defaults(command=fit_rates)
    jump = commands.add_parser("main-jump", help="look at the reference's main jump update by update")
    jump.set_defaults(command=run_main_jump)
    write = commands.add_parser("page", help="rewrite the README's tables and figure from what was measured")
    write.set_defaults(command=write_page)
    arguments = parser.parse_args()
    arguments.command(arguments)


def train_runs(arguments: argparse.Namespace) -> None:
    """Train the named sample runs, or all of them."""
    known = {sample_run.name: sample_run for sample_run in COLLECTION}
    unknown = set(arguments.names) - set(known)
    if unknown:
        raise SystemExit(f"no sample run {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in arguments.names or known:
        collect(known[name], arguments.out)


def train_faults(arguments: argparse.Namespace) -> None:
    """Train one short run per fault and seed."""
    _train_chosen(faults(arguments.seeds), arguments)


def train_learners(arguments: argparse.Namespace) -> None:
    """Train one short reinforcement learner or language model per fault and seed."""
    _train_chosen(learner_faults(arguments.seeds), arguments)


def _train_chosen(runs: Iterable[SampleRun | LearnerRun], arguments: argparse.Namespace) -> None:
    for run in runs:
        if arguments.only is None or run.name.rpartition("_")[0] in arguments.only:
            collect(run, arguments.out)


def run_study(arguments: argparse.Namespace) -> None:
    """Measure what is missing in the study."""
    for row in study.run(FILE, arguments.seeds, arguments.workers):
        print(
            f"{row.setting:28} seed {row.seed}  {row.spikes:3} spikes, largest {row.largest:.1f}", flush=True
        )


def run_randomised_study(arguments: argparse.Namespace) -> None:
    """Train what is missing in the randomised study."""
    for trained in randomised_study.run(arguments.out, arguments.recipes, arguments.jobs):
        which = f"recipe {trained.recipe:3} {trained.remedy:18} seed {trained.seed}"
        print(f"{which} {trained.spikes:3} spikes, largest {trained.largest:.1f}", flush=True)


def fit_rates(arguments: argparse.Namespace) -> None:
    """Keep what was trained, and fit the model that the diagnosis predicts with."""
    from sample_runs.lab import rate_fit  # noqa: PLC0415  (its sampler is slow to import)

    if arguments.out is not None:
        randomised_study.keep(arguments.out)
    rate_fit.fit(randomised_study.read(randomised_study.RESULTS), RATES)


def run_main_jump(_arguments: argparse.Namespace) -> None:
    """Measure the main jump."""
    main_jump.write(MAIN_JUMP)


def write_page(_arguments: argparse.Namespace) -> None:
    """Rewrite the tables and the figure of the README."""
    from sample_runs.lab import figure, page, randomised_page  # noqa: PLC0415  (matplotlib is slow to import)

    rows, moments = read(), main_jump.read(MAIN_JUMP)
    trainings = randomised_study.read(randomised_study.RESULTS)
    page.rewrite(SAMPLE_RUNS / "README.md", rows, moments, trainings)
    randomised_page.draw(SAMPLE_RUNS / "lab" / "randomised_study.png", trainings)
    figure.draw(SAMPLE_RUNS / "lab" / "study.png", rows, moments)


def collect(sample_run: SampleRun | LearnerRun, root: Path) -> None:
    """Train one sample run and say how long it took."""
    start = time.perf_counter()
    sample_run.collect(root)
    print(f"{sample_run.name:32} {time.perf_counter() - start:6.1f} s", flush=True)


def _seeds(text: str) -> range:
    start, _, stop = text.partition(":")
    return range(int(start), int(stop))


if __name__ == "__main__":
    main()
