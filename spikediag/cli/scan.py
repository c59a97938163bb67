"""`spikediag scan`: every run below a folder in one line, the worst first."""

import os
from functools import partial
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.runs import Failure, Source, attempt, find, quietly
from spikediag.cli.spoken import Lang, speak, term, words
from spikediag.cli.terminal import STYLES, note, show
from spikediag.text import say
from spikediag.wording.escape import printable, table_cell
from spikediag.wording.writer import NO, YES

if TYPE_CHECKING:
    from rich.console import RenderableType

    from spikediag.model import Diagnosis

WORST_FIRST = ("diverged", "spiky", "not_judged", "clean")
MATTERS = {True: YES, False: NO, None: say("")}
HEADINGS = say("run | verdict | findings | matters | jump | sigmas | at step | error metric | cause")


def scan(
    root: Annotated[Path, typer.Argument(help="A folder with runs anywhere below it.")],
    *,
    source: Source = None,
    lang: Lang = None,
) -> int:
    """Diagnose every run below ROOT and print one line for each, the worst first.

    Each line speaks of the finding that leads the run's report. Exits with 0 when a run was diagnosed, and
    with 2 when none could be.
    """
    speak(lang, root)
    outcomes = list(attempt(find([root], source), partial(quietly, facts={})))
    diagnoses = [o for o in outcomes if not isinstance(o, Failure)]
    if diagnoses:
        show(_table(root, sorted(diagnoses, key=_badness)), uncut=True)
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            note(outcome.sentence)
    return Exit.DONE if diagnoses else Exit.UNUSABLE


def _below(root: Path, path: str) -> str:
    """The path of a run relative to what was scanned."""
    from spikediag.parser import address

    return os.path.relpath(path, address(root))


def _badness(diagnosis: "Diagnosis") -> tuple[int, bool, float, str]:
    overall, lead = diagnosis.overall, diagnosis.lead
    sigmas = abs(lead.spike.sigmas) if lead else 0.0
    size = min(inf, sigmas)  # a loss that is no number has no sigmas either
    return WORST_FIRST.index(overall.status.value), not overall.matters, -size, diagnosis.run.path


def _table(root: Path, diagnoses: "list[Diagnosis]") -> "RenderableType":
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, pad_edge=False)
    for heading in words(HEADINGS).split(" | "):
        table.add_column(heading, overflow="fold")
    for diagnosis in diagnoses:
        status = diagnosis.overall.status.value
        table.add_row(
            Text(printable(table_cell(_below(root, diagnosis.run.path)))),
            Text(term("run", status), style=STYLES[status]),
            str(len(diagnosis.findings)),
            words(MATTERS[diagnosis.overall.matters]) if diagnosis.findings else "",
            *_lead(diagnosis),
        )
    return table


def _lead(diagnosis: "Diagnosis") -> tuple[str, ...]:
    """What the report says of the leading finding, in five cells."""
    from spikediag.phrases import times

    lead = diagnosis.lead
    if lead is None:
        return ("",) * 5
    spike = lead.spike
    jump = f"{spike.height:+.4g}" if isfinite(spike.height) else words(say("not finite"))
    size = jump, words(times(spike.sigmas)), f"{(spike.peak_step if spike.members else spike.onset_step):,}"
    return (*size, term("coupling", lead.coupling.verdict), term("cause", lead.primary_cause))
