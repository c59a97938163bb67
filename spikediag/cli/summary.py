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


def summary(diagnosis: "Diagnosis", folder: Path, lang: str) -> "RenderableType":
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
    parts.append(_table(said, folder))
    if said.code:
        parts.append(Text("\n".join("      " + line for line in said.code.splitlines()), "cyan"))
    parts += [Text(note, "dim") for note in said.notes]
    return Group(*parts, Text())


def _table(said: "TerminalSummary", folder: Path) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 0, 0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = [(row.label, row.value) for row in said.rows]
    rows += [(said.next_label, said.next_step)] if said.next_step else []
    rows += [(said.report_label, printable(str(folder / "report.md")))]
    for label, value in rows:
        table.add_row(label, Text(value))
    return table
