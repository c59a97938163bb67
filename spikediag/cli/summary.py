"""What a person reads first: what jumped, did the error move, why, does it matter, where the report is."""

from pathlib import Path
from typing import TYPE_CHECKING

from spikediag.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from spikediag.model import Diagnosis
    from spikediag.reporter import TerminalSummary

STYLES = {"diverged": "bold red", "spiky": "bold yellow", "not_judged": "bold magenta", "clean": "bold green"}


def summary(diagnosis: "Diagnosis", page: Path, lang: str) -> "RenderableType":
    """The summary of one run, to be printed with Rich."""
    from rich.console import Group
    from rich.text import Text

    from spikediag import reporter

    said = reporter.summary(diagnosis, lang)
    parts: list[RenderableType] = [
        Text.assemble((said.run, "bold"), "  ", (said.verdict, STYLES[said.status.value]))
    ]
    if said.sparkline:
        parts.append(Text.assemble(("  " + said.sparkline_tag, "dim"), "  ", (said.sparkline, "cyan")))
    parts.append(_table(said, page))
    parts += [Text(note, "dim") for note in said.notes]
    return Group(*parts, Text())


def _table(said: "TerminalSummary", page: Path) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 0, 0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for row in said.rows:
        table.add_row(row.label, Text(row.value))
    if said.next_step:
        table.add_row(said.next_label, Text(said.next_step))
    if said.code:
        table.add_row("", Text(said.code, "cyan"))
    table.add_row(said.report_label, Text(printable(str(page))))
    return table
