"""`spikediag scan`: every run below a folder in one line, the worst first."""

import math
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.runs import Failure, attempt, quietly
from spikediag.cli.terminal import note, printable, show

if TYPE_CHECKING:
    from rich.console import RenderableType

    from spikediag.model import Diagnosis

WORST_FIRST = ("diverged", "spiky", "not_judged", "clean")
STYLES = {"diverged": "bold red", "spiky": "yellow", "not_judged": "magenta", "clean": "green"}


def scan(
    root: Annotated[Path, typer.Argument(help="A folder with runs anywhere below it.")],
) -> int:
    """Diagnose every run below ROOT and print one line for each, the worst first.

    Exits with 0 when a run was diagnosed, and with 2 when none could be.
    """
    diagnoses, failures = [], []
    for outcome in attempt([root], partial(quietly, facts={})):
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            diagnoses.append(outcome)
    for failure in failures:
        note(failure.sentence)
    if not diagnoses:
        return Exit.UNUSABLE
    show(_table(root, sorted(diagnoses, key=_badness)), uncut=True)
    return Exit.DONE


def _badness(diagnosis: "Diagnosis") -> tuple[int, float, str]:
    jump = max((_size(f.spike.sigmas) for f in diagnosis.findings), default=0.0)
    return WORST_FIRST.index(diagnosis.overall.status.value), -jump, diagnosis.run.path


def _size(sigmas: float) -> float:
    return math.inf if math.isnan(sigmas) else abs(sigmas)


def _table(root: Path, diagnoses: "list[Diagnosis]") -> "RenderableType":
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    table = Table(
        "run", "verdict", "findings", "largest jump", "at step", "cause", box=SIMPLE, pad_edge=False
    )
    for diagnosis in diagnoses:
        status = diagnosis.overall.status.value
        worst = max(diagnosis.findings, key=lambda f: _size(f.spike.sigmas), default=None)
        table.add_row(
            Text(printable(os.path.relpath(diagnosis.run.path, root))),
            Text(status.replace("_", " "), style=STYLES[status]),
            str(len(diagnosis.findings)),
            "" if worst is None else f"{worst.spike.height:+.4g}",
            "" if worst is None else f"{worst.spike.peak_step:,}",
            diagnosis.overall.primary_cause or "",
        )
    return table
