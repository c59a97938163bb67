"""What a terminal shows: plain strings with nothing a terminal would obey; the command line colours it."""

from dataclasses import dataclass

import numpy as np

from spikediag.model import Diagnosis, FloatArray, Role, RunStatus, Series, say
from spikediag.reporter import blocks
from spikediag.reporter.document import font_note
from spikediag.reporter.page import Page, page
from spikediag.reporter.training import RISKS
from spikediag.wording import language
from spikediag.wording.escape import visible_lines
from spikediag.wording.writer import PLAIN, Writer, spaced

BLOCKS = "▁▂▃▄▅▆▇█"
LOST = "x"  # a stretch without a finite value


@dataclass(frozen=True)
class SummaryRow:
    """One line of the table: `Did the error move?`, `bc/mse did not move: ...`."""

    label: str
    value: str


@dataclass(frozen=True)
class TerminalSummary:
    """A diagnosis for the terminal. Print without markup: square brackets may come from a tag."""

    run: str
    status: RunStatus
    matters: bool | None
    verdict: str
    sparkline_tag: str
    sparkline: str  # the highest value of each stretch, so that no spike is lost
    rows: tuple[SummaryRow, ...]
    code: str | None  # the line to change or to log, None when there is none
    report_label: str  # "Report" in the language asked for
    notes: tuple[str, ...] = ()  # what the reader should know of the report itself


def summary(diagnosis: Diagnosis, lang: str = "en", width: int = 60) -> TerminalSummary:
    """The diagnosis in a dozen lines, with a sparkline of `width` characters.

    Raises:
        UsageError: there is no such language.
    """
    writer = Writer(language.load(lang), PLAIN)
    shown, first = curve(diagnosis), page(diagnosis, writer)
    return TerminalSummary(
        run=writer.name(diagnosis.run.name),
        status=diagnosis.overall.status,
        matters=diagnosis.overall.matters,
        verdict=writer.text(first.headline),
        sparkline_tag=writer.name(shown.tag) if shown else "",
        sparkline=sparkline(shown.values, width) if shown else "",
        rows=tuple(_row(row, writer) for row in (*first.rows, *_risks(diagnosis, first))),
        code=visible_lines(first.code) if first.code else None,
        report_label=writer.text(say("Report")),
        notes=tuple(writer.text(note) for note in (font_note(writer.language),) if note),
    )


def three_lines(diagnosis: Diagnosis) -> str:
    """What a print shows: the headline, and of the rows below it why and what to do, each on a line."""
    said = summary(diagnosis)
    told = [f"{row.label}: {row.value}" for row in said.rows[-3:] if row.value]
    return "\n".join([f"{said.run}: {said.verdict}", *(told[:1] + told[-1:] if len(told) > 1 else told)])


def sparkline(values: FloatArray, width: int) -> str:
    """The maxima of `width` equal stretches of `values` (n,) as block characters."""
    found = heights(values, width)
    return "".join(LOST if np.isnan(h) else BLOCKS[round(h * (len(BLOCKS) - 1))] for h in found.tolist())


def heights(values: FloatArray, width: int) -> FloatArray:
    """The maxima of `width` equal stretches of `values` (n,), or of fewer if n is less.

    From 0, the lowest of them, to 1, the highest; NaN for a stretch without a finite value.
    """
    if not len(values):
        return np.empty(0)
    edges = np.linspace(0, len(values), min(width, len(values)) + 1).astype(int)[:-1]
    top = np.maximum.reduceat(np.where(np.isfinite(values), values, -np.inf), edges)
    top = np.where(np.isfinite(top), top, np.nan)
    if np.isnan(top).all():
        return top
    low, high = np.nanmin(top), np.nanmax(top)
    scaled: FloatArray = (top - low) / ((high - low) or 1)
    return scaled


def curve(diagnosis: Diagnosis) -> Series | None:
    """The series worth a look: the loss of the leading finding, else the longest."""
    finding = diagnosis.lead
    if finding is not None:
        return diagnosis.run.series[finding.spike.tag]
    return max((s for s in diagnosis.run.having(Role.LOSS) if len(s)), key=len, default=None)


def _risks(diagnosis: Diagnosis, first: Page) -> tuple[blocks.QuestionRow, ...]:
    """The risks of a calm run, which its headline counts."""
    return () if diagnosis.lead is not None else tuple(r for r in first.state if r.label == RISKS)


def _row(row: blocks.QuestionRow, writer: Writer) -> SummaryRow:
    said = [writer.text(text) for text in (row.answer, row.text) if text is not None]
    return SummaryRow(writer.text(row.label), spaced(said))
