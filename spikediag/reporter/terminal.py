"""What a terminal shows: plain strings with nothing a terminal would obey; the command line colours it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.model import Advice, Diagnosis, FloatArray, Role, RunStatus, Series, Text, say
from spikediag.reporter import selection
from spikediag.reporter.view import MATTERS, font_note, headline, would_show
from spikediag.wording import language
from spikediag.wording.escape import visible_lines
from spikediag.wording.writer import PLAIN, Writer

BLOCKS = "▁▂▃▄▅▆▇█"
LOST = "x"  # a stretch without a finite value


@dataclass(frozen=True)
class Row:
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
    rows: tuple[Row, ...]
    next_step: str
    code: str | None  # ready to paste, None when there is none
    next_label: str  # "Next" in the language asked for
    report_label: str  # "Report" in the language asked for
    notes: tuple[str, ...] = ()  # what the reader should know of the report itself


def summary(diagnosis: Diagnosis, lang: str = "en", width: int = 60) -> TerminalSummary:
    """The diagnosis in a dozen lines, with a sparkline of `width` characters.

    Raises:
        UsageError: there is no such language.
    """
    writer = Writer(language.load(lang), PLAIN)
    shown, step = _series(diagnosis), _next_step(diagnosis)
    return TerminalSummary(
        run=writer.name(diagnosis.run.name),
        status=diagnosis.overall.status,
        matters=diagnosis.overall.matters,
        verdict=writer.text(headline(diagnosis)),
        sparkline_tag=writer.name(shown.tag) if shown else "",
        sparkline=sparkline(shown.values, width) if shown else "",
        rows=tuple(Row(writer.text(a), writer.text(b)) for a, b in _rows(diagnosis)),
        next_step=writer.text(step.text) if step else "",
        code=visible_lines(step.code) if step and step.code else None,
        next_label=writer.text(say("Next")),
        report_label=writer.text(say("Report")),
        notes=tuple(writer.text(note) for note in (font_note(writer.language),) if note),
    )


def sparkline(values: FloatArray, width: int) -> str:
    """The maxima of `width` equal stretches of `values` (n,) as block characters."""
    if not len(values):
        return ""
    edges = np.linspace(0, len(values), min(width, len(values)) + 1).astype(int)[:-1]
    finite = np.isfinite(values)
    top = np.maximum.reduceat(np.where(finite, values, -np.inf), edges)
    seen = np.isfinite(top)
    low, high = (top[seen].min(), top[seen].max()) if seen.any() else (0.0, 0.0)
    height = np.where(seen, top - low, 0) / ((high - low) or 1)
    steps = np.rint(height * (len(BLOCKS) - 1)).astype(int)
    return "".join(BLOCKS[h] if s else LOST for h, s in zip(steps, seen, strict=True))


def _series(diagnosis: Diagnosis) -> Series | None:
    finding = diagnosis.lead
    if finding is not None:
        return diagnosis.run.series[finding.spike.tag]
    return max((s for s in diagnosis.run.having(Role.LOSS) if len(s)), key=len, default=None)


def _rows(diagnosis: Diagnosis) -> Iterator[tuple[Text, Text]]:
    finding = diagnosis.lead
    if finding is None:
        shown = _series(diagnosis)
        searched = next((s for s in diagnosis.searched if shown and s.tag == shown.tag), None)
        if searched is not None:
            yield say("What would have been found"), would_show(searched)
        return
    yield say("What jumped"), phrases.story(finding.spike)
    yield say("Did the error move?"), finding.coupling.reading
    for witness in selection.witnesses(finding)[:1]:
        yield say("What moved with it"), phrases.moved_with(witness)
    yield say("Why, most likely"), phrases.answer(finding)
    yield say("Does it matter?"), MATTERS[diagnosis.overall.matters]


def _next_step(diagnosis: Diagnosis) -> Advice | None:
    return next(iter((*selection.remedies(diagnosis), *selection.log_lines(diagnosis))), None)
