"""The Python API: read a run, diagnose it, compare two, scan a thousand."""

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from spikediag import comparison
from spikediag.comparison import Comparison
from spikediag.model import Diagnosis, Run, say

if TYPE_CHECKING:
    from spikediag.sweep import Sweep

__all__ = ["Comparison", "Diagnosis", "Run", "compare", "diagnose", "read_run", "scan"]

Given = str | int | float | bool
Training = str | Path | Run | Diagnosis
Trainings = Training | Sequence[Training]


def read_run(path: str | Path, *, source: str | None = None, **facts: Given) -> Run:
    """Read a run folder or a single log file; facts override what the run says of itself.

    Args:
        path: of the folder or the file.
        source: the id of the only kind of log to read, such as "wandb_runs", or the name of a file.
        facts: such as `batch_size=256`.

    Raises:
        UnreadableRunError: there is nothing at `path` that could be read as a run.
        UsageError: a fact has an unknown name or an unusable value.
    """
    from spikediag import parser

    return parser.read_run(path, facts, only=source)


def diagnose(run: str | Path | Run, *, source: str | None = None, **facts: Given) -> Diagnosis:
    """Diagnose a run, or the run at a path, from one `source` of it if one is named.

    Raises:
        UnreadableRunError: there is nothing at the path that could be read as a run.
        NoLossError: the run has no tag that is understood as a loss.
        UsageError: a fact has an unknown name or an unusable value.
    """
    from spikediag import pipeline
    from spikediag.errors import UsageError

    if not isinstance(run, Run):
        return pipeline.diagnose(read_run(run, source=source, **facts))
    if facts or source:
        raise UsageError(
            say("Give facts to read_run or Run.from_arrays; the run passed here was read already.")
        )
    return pipeline.diagnose(run)


def compare(
    before: Trainings,
    after: Trainings,
    *,
    by: str = "step",
    min_height: float = 0.0,
    source: str | None = None,
) -> Comparison:
    """Say whether a change made training more stable, and what it cost.

    Args:
        before: a run, its path, or its diagnosis; or a list of these, one for each seed.
        after: the same, after the change.
        by: "step" or "pass" over the data, the axis on which the sides are laid.
        min_height: count only jumps of this height, in units of the loss.
        source: of what is read, the id of the only kind of log, or the name of a file.

    Raises:
        UnreadableRunError: there is nothing at a path that could be read as a run.
        NoLossError: a run has no tag that is understood as a loss.
        UsageError: the runs share no loss or no stretch of the axis, or passes cannot be computed.
    """
    sides = [tuple(_diagnosed(run, source) for run in _listed(side)) for side in (before, after)]
    groups = [comparison.Group(", ".join(dict.fromkeys(d.run.name for d in side)), side) for side in sides]
    (found,) = comparison.compare(groups[0], groups[1:], by, min_height)
    return found


def scan(
    root: str | Path | Sequence[str | Path],
    *,
    executor: Executor | None = None,
    jobs: int = 1,
    source: str | None = None,
    again: bool = False,
    **facts: Given,
) -> "Sweep":
    """Diagnose every run below a folder, or several, and test what goes with spiking across them.

    Results are kept as they arrive: a scan that was interrupted goes on where it stood.

    Args:
        root: folders with runs anywhere below, URLs, or a list of these.
        executor: who does the work, such as `distributed.Client(...).get_executor()`, an
            `mpi4py.futures.MPIPoolExecutor`, a `submitit` or a `loky` one; processes of this machine if none.
        jobs: how many processes of this machine. Above 1 a script guards its own work by
            `if __name__ == "__main__"`, as always with processes.
        source: the id of the only kind of log to read, or the name of a file.
        again: whether to read runs again that an earlier scan has read.
        facts: of all runs, such as `dataset_size=418`.

    Raises:
        UsageError: a fact has an unknown name or an unusable value.
        ScanBrokenError: the executor is gone; what it did is kept.
    """
    from spikediag import sweep

    roots = [root] if isinstance(root, str | Path) else list(root)
    return sweep.scan(roots, executor=executor, jobs=jobs, only=source, facts=facts, again=again)


def _listed(side: Trainings) -> Sequence[Training]:
    return [side] if isinstance(side, str | Path | Run | Diagnosis) else list(side)


def _diagnosed(run: Training, source: str | None) -> Diagnosis:
    if isinstance(run, Diagnosis):
        return run
    return diagnose(run) if isinstance(run, Run) else diagnose(run, source=source)
